import type { PoolPolicy, TargetPolicy } from '../model/policy.ts';
import type { FleetSeen, NodeName, NodeSeen, TargetSeen } from '../model/pool.ts';

/** Room for the next replicas of a target: how many can start on nodes that hold the weights, and how many on others. */
export interface Slots {
  readonly warm: number;
  readonly cold: number;
}

export function slotsOf(
  target: TargetSeen,
  policy: TargetPolicy,
  { fleet, warmth }: { readonly fleet: FleetSeen; readonly warmth: PoolPolicy['warmth'] },
): Slots {
  const gpus = Math.max(1, policy.gpusPerReplica);
  let warm = 0;
  let cold = 0;
  for (const name of target.eligibleNodes) {
    const node = nodeNamed(fleet.nodes, name);
    if (node === undefined || !node.isHealthy) continue;
    const room = Math.floor(node.freeGpus / gpus);
    const isWarm = warmth.artifact !== undefined && node.cache?.phases[warmth.artifact.hash] === 'Ready';
    if (isWarm) warm += room;
    else cold += room;
  }
  return { warm, cold };
}

/** Binary search: nodes are sorted by name, and a pool looks at a few of thousands. */
function nodeNamed(nodes: readonly NodeSeen[], name: NodeName): NodeSeen | undefined {
  let low = 0;
  let high = nodes.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const node = nodes[middle];
    if (node === undefined || node.node === name) return node;
    if (node.node < name) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
