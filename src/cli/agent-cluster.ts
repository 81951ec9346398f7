import { connectKube } from '../adapters/kube/connection.ts';
import { KubeHttp } from '../adapters/kube/http.ts';
import { KubeNodeCache } from '../adapters/kube/node-cache.ts';
import type { Log } from '../adapters/log.ts';
import type { NodeCacheClient } from '../ports/artifacts.ts';
import type { Clock } from '../ports/index.ts';

export interface ClusterNodeCacheOptions {
  readonly node: string;
  readonly kubeconfig: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** The node's own NodeCache over the API server. */
export async function clusterNodeCache(options: ClusterNodeCacheOptions): Promise<NodeCacheClient> {
  const { node, clock, log } = options;
  const connection = await connectKube(options.kubeconfig);
  const http = new KubeHttp({
    connection,
    clock,
    random: Math.random,
    userAgent: 'forewarm-agent',
    queriesPerSecond: 5,
    burst: 10,
  });
  const onProblem = (err: unknown): void => log.warn({ err, node }, 'Could not watch node cache');
  return new KubeNodeCache({ http, clock, random: Math.random, node, onProblem });
}
