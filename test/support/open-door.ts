import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';

import { Access } from '../../src/adapters/metrics-api/access.ts';
import type { Peer } from '../../src/adapters/metrics-api/front-proxy.ts';
import { metricsDoor, type DoorOptions } from '../../src/adapters/metrics-api/server.ts';
import { MetricRegistry } from '../../src/adapters/telemetry/registry.ts';
import { instant } from '../../src/core/model/units.ts';
import type { PublishedSeries } from '../../src/ports/metric-source.ts';
import type { Caller, Wanted } from '../../src/ports/metrics-door.ts';
import { caller, FakeReviewer, FakeSource, frontProxy, ManualClock } from './fake-door.ts';

export const base: string = '/apis/external.metrics.k8s.io/v1beta1';
const at = instant(Date.UTC(2026, 10, 26, 1, 2, 3, 456));
export const metric: string = 'forewarm_desired_replicas';

export function series(
  namespace: string,
  autoscaler: string,
  answer: PublishedSeries['answer'],
  target = 'chat',
): PublishedSeries {
  return { namespace, metric, labels: { autoscaler, target }, at, answer };
}
const all: readonly PublishedSeries[] = [
  series('alpha', 'chat', { milli: 3000n }),
  series('beta', 'chat', { milli: 8000n }),
  series('beta', 'roles', { milli: 1500n }, 'prefill'),
  series('beta', 'roles', { milli: 2000n }, 'decode'),
  series('gamma', 'watched', { problem: 'mode is Observe', isModeObserve: true }),
  series('gamma', 'blind', { problem: 'no signal is known since 01:00:00', isModeObserve: false }),
];

export const hpa: Caller = caller(
  'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
  'system:serviceaccounts',
);
export const peer: Caller = caller('system:serviceaccount:forewarm-system:forewarm-controller');
const mayList = (who: Caller, wanted: Wanted): boolean => wanted.kind === 'metric' && who.name === hpa.name;
const viaProxy: Peer = { isVerified: true, commonNames: ['front-proxy-client'] };
export const asAdmin: Readonly<Record<string, string>> = {
  'x-remote-user': 'admin',
  'x-remote-group': 'system:masters',
};
export const asHpa: Readonly<Record<string, string>> = { 'x-remote-user': hpa.name };

const open: FastifyInstance[] = [];
export async function closeDoors(): Promise<void> {
  await Promise.all(open.splice(0).map((app) => app.close()));
}
export interface Opened {
  readonly get: (url: string, options?: InjectOptions) => Promise<LightMyRequestResponse>;
  readonly source: FakeSource;
  readonly reviewer: FakeReviewer;
  readonly clock: ManualClock;
  readonly telemetry: MetricRegistry;
  readonly failures: string[];
}
export function door(over: Partial<DoorOptions> & { readonly from?: Peer } = {}): Opened {
  const clock = new ManualClock();
  const source = new FakeSource(all);
  const reviewer = new FakeReviewer({ 'hpa-token': hpa, 'peer-token': peer }, mayList);
  const telemetry = new MetricRegistry({ roles: ['metrics API'], hasProcessMetrics: false });
  const failures: string[] = [];
  const app = metricsDoor({
    source,
    local: source,
    peers: [peer.name],
    access: new Access({ reviewer, clock, frontProxy: () => frontProxy() }),
    clock,
    telemetry,
    ready: () => undefined,
    onFailure: (_, path) => failures.push(path),
    programVersion: '0.1.0',
    peerOf: () => over.from ?? viaProxy,
    ...over,
  });
  open.push(app);
  return {
    get: (url, options) => app.inject({ url, headers: asAdmin, ...options }),
    source,
    reviewer,
    clock,
    telemetry,
    failures,
  };
}
export const value = (namespace: string, query: string = '', name: string = metric): string =>
  `${base}/namespaces/${namespace}/${name}${query}`;
export const status = (answer: LightMyRequestResponse): unknown => {
  const { code, reason, message } = answer.json<Record<string, unknown>>();
  return [answer.statusCode, code, reason, message];
};
