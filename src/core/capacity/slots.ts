import type { PoolPolicy, TargetPolicy } from '../model/policy.ts';
import type { FleetSeen, TargetSeen } from '../model/pool.ts';

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
  const eligible = new Set(target.eligibleNodes);
  const gpus = Math.max(1, policy.gpusPerReplica);
  let warm = 0;
  let cold = 0;
  if (eligible.size === 0) return { warm, cold };
  for (const node of fleet.nodes) {
    if (!node.isHealthy || !eligible.has(node.node)) continue;
    const room = Math.floor(node.freeGpus / gpus);
    const isWarm = warmth.artifact !== undefined && node.cache?.phases[warmth.artifact.hash] === 'Ready';
    if (isWarm) warm += room;
    else cold += room;
  }
  return { warm, cold };
}
