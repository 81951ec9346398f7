import type { FleetSeen, NodeSeen } from '../../core/model/pool.ts';
import { cacheSeen } from './artifact.ts';
import type { Cluster } from './cluster.ts';
import type { NodeKept } from './node.ts';
import { isTerminal } from './replica.ts';

/** What the live pods of a node take and name. */
interface Tenants {
  gpus: number;
  readonly names: string[];
}

/** Nodes with what is free on them: advertised GPUs less the requests of every live pod bound there, ours or not. */
export function fleetSeen(cluster: Cluster): FleetSeen {
  const tenants = tenantsOf(cluster);
  return { nodes: cluster.nodes.list().map((node) => nodeSeen(node, tenants.get(node.name), cluster)) };
}

function nodeSeen(node: NodeKept, tenants: Tenants | undefined, cluster: Cluster): NodeSeen {
  const cache = cluster.nodeCaches.get(node.name);
  return {
    node: node.name,
    isHealthy: node.isReady && !node.isCordoned && (node.gpus > 0 || !node.isGpuNode),
    gpus: node.gpus,
    freeGpus: Math.max(0, node.gpus - (tenants?.gpus ?? 0)),
    ...(cache === undefined
      ? {}
      : { cache: cacheSeen(cache, { names: tenants?.names ?? [], namespace: cluster.namespace }) }),
  };
}

function tenantsOf(cluster: Cluster): ReadonlyMap<string, Tenants> {
  const all = new Map<string, Tenants>();
  for (const pod of cluster.pods.values()) {
    if (pod.node === undefined || (pod.gpus === 0 && pod.names.length === 0) || isTerminal(pod)) continue;
    const tenants = all.get(pod.node) ?? { gpus: 0, names: [] };
    tenants.gpus += pod.gpus;
    tenants.names.push(...pod.names);
    all.set(pod.node, tenants);
  }
  return all;
}
