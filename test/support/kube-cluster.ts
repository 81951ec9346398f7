import { onTestFinished } from 'vitest';
import { Cluster } from '../../src/adapters/kube/cluster.ts';
import type { KubeHttp } from '../../src/adapters/kube/http.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { autoscalerObject, deploymentObject } from './kube-objects.ts';
import { KubeServer } from './kube-server.ts';

export const autoscalers = '/apis/forewarm.dev/v1alpha1/namespaces/team-a/inferenceautoscalers';
export const deployment = '/apis/apps/v1/namespaces/team-a/deployments/chat';
export const nodeCaches = '/apis/forewarm.dev/v1alpha1/nodecaches';

export interface Watched {
  readonly server: KubeServer;
  readonly http: KubeHttp;
  readonly cluster: Cluster;
  /** Until the stores show it. */
  readonly shows: (condition: () => boolean) => Promise<void>;
}

/** A server with the autoscaler and Deployment `chat`, and a cluster that watches it. */
export async function watched(prepare: (server: KubeServer) => void = () => undefined): Promise<Watched> {
  const server = await KubeServer.listen();
  server.put(deployment, deploymentObject());
  server.put(`${autoscalers}/chat`, autoscalerObject());
  prepare(server);
  const clock = systemClock();
  const http = server.http(clock);
  const cluster = new Cluster({ http, clock, random: () => 0.5, onProblem: () => undefined });
  const stop = new AbortController();
  const running = cluster.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await cluster.synced(stop.signal);
  server.requests.length = 0;
  const shows = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { server, http, cluster, shows };
}
