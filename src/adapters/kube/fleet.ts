import type { FleetSeen, NodeSeen } from '../../core/model/pool.ts';
import { cacheSeen } from './artifact.ts';
import type { Cluster } from './cluster.ts';
import type { NodeKept } from './node.ts';
import { isTerminal } from './replica.ts';

/** Nodes with what is free on them: advertised GPUs less the requests of every live pod bound there, ours or not. */
export function fleetSeen(cluster: Cluster): FleetSeen {
  const used = usedGpus(cluster);
  return { nodes: cluster.nodes.list().map((node) => nodeSeen(node, used.get(node.name) ?? 0, cluster)) };
}

function nodeSeen(node: NodeKept, used: number, cluster: Cluster): NodeSeen {
  const cache = cluster.nodeCaches.get(node.name);
  return {
    node: node.name,
    isHealthy: node.isReady && !node.isCordoned && (node.gpus > 0 || !node.isGpuNode),
    gpus: node.gpus,
    freeGpus: Math.max(0, node.gpus - used),
    ...(cache === undefined ? {} : { cache: cacheSeen(cache) }),
  };
}

function usedGpus(cluster: Cluster): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const pod of cluster.pods.values()) {
    if (pod.node === undefined || pod.gpus === 0 || isTerminal(pod)) continue;
    used.set(pod.node, (used.get(pod.node) ?? 0) + pod.gpus);
  }
  return used;
}
