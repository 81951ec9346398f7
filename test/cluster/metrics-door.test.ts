import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { connectKube } from '../../src/adapters/kube/connection.ts';
import { KubeHttp } from '../../src/adapters/kube/http.ts';
import { openLog } from '../../src/adapters/log.ts';
import type { MetricsDoor } from '../../src/adapters/metrics-api/door.ts';
import { MetricRegistry } from '../../src/adapters/telemetry/registry.ts';
import { serveMetricsApi } from '../../src/cli/metrics-door.ts';
import { ForewarmError } from '../../src/errors.ts';
import type { MetricSource, PublishedSeries } from '../../src/ports/metric-source.ts';
import { Account } from './support/account.ts';
import type { KubeObject } from './support/api.ts';
import { clusterDir, connect, freePort, kubeconfigOf, makeNamespace, makeNodes } from './support/bed.ts';
import { Child, forewarm } from './support/child.ts';
import { applyDeploy, rendered } from './support/deploy.ts';
import { record } from './support/results.ts';
import { holds, until } from './support/wait.ts';

/** The metrics door behind the real aggregation layer, read by the real HPA: as the leader's own, then through a standby that forwards. */
const api = connect();
const ns = 'door';
const group = 'external.metrics.k8s.io';
const apiService = `/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.${group}`;
const services = '/api/v1/namespaces/forewarm-system/services';
const lease = '/apis/coordination.k8s.io/v1/namespaces/forewarm-system/leases';
const deployment = `/apis/apps/v1/namespaces/${ns}/deployments/chat`;
const hpa = `/apis/autoscaling/v2/namespaces/${ns}/horizontalpodautoscalers/chat`;
const valuePath = `/apis/${group}/v1beta1/namespaces/${ns}/forewarm_desired_replicas?labelSelector=autoscaler%3Dchat`;

/** A decision that the test makes. */
class Said implements MetricSource {
  answer: PublishedSeries['answer'] = { milli: 1000n };
  isLeading = true;
  series(namespace: string, metric: string): Promise<readonly PublishedSeries[]> {
    if (!this.isLeading)
      return Promise.reject(new ForewarmError('NOT_LEADER', 'no pass has been made by this process'));
    if (namespace !== ns || metric !== 'forewarm_desired_replicas') return Promise.resolve([]);
    const labels = { autoscaler: 'chat', target: 'chat' };
    return Promise.resolve([{ namespace, metric, labels, at: systemClock().now(), answer: this.answer }]);
  }
  metricNames(): readonly string[] {
    return ['forewarm_desired_replicas'];
  }
}

const said = new Said();
const dir = mkdtempSync(join(tmpdir(), 'forewarm-door.'));
const stop = new AbortController();
let leader: MetricsDoor;
let leading: Promise<void>;
let http: KubeHttp;
let leaderPort = 0;
let standby: Child;
let standbyPort = 0;

beforeAll(async () => {
  await makeNodes(api, [{ name: 'door-1', podCidr: '127.1.31.0/24', gpus: 64 }]);
  await makeNamespace(api, ns);
  await applyDeploy(api);
  [leaderPort, standbyPort] = [await freePort(), await freePort()];
  await pointServiceHere();
  await api.create(lease, {
    metadata: { name: 'forewarm', annotations: { 'forewarm.dev/metrics-address': `127.0.0.1:${leaderPort}` } },
    spec: { holderIdentity: 'the-test', leaseDurationSeconds: 3600 },
  });
  await openLeader();
  await makeFollower();
});
afterAll(async () => {
  stop.abort(new Error('the suite is over'));
  await Promise.all([leading, standby?.stop(), http.close()]);
  for (const path of [hpa, apiService, deployment, `${services}/forewarm`, `${lease}/forewarm`]) await api.delete(path);
  await api.delete('/apis/apps/v1/namespaces/forewarm-system/deployments/forewarm-controller');
  await api.delete('/apis/apps/v1/namespaces/forewarm-node/daemonsets/forewarm-agent');
  await api.delete('/api/v1/nodes/door-1');
  await api.close();
  rmSync(dir, { recursive: true });
});

/** No kube-proxy here: the API server reaches this machine through a Service that is a name for it. */
async function pointServiceHere(): Promise<void> {
  await api.delete(`${services}/forewarm`);
  await api.create(services, {
    metadata: { name: 'forewarm' },
    spec: { type: 'ExternalName', externalName: 'localhost' },
  });
  await serveFrom(leaderPort);
}

async function serveFrom(port: number): Promise<void> {
  const ours = rendered().find((object) => object.kind === 'APIService');
  const service = { ...(ours?.spec?.['service'] as object), port };
  if ((await api.find(apiService)) === undefined) {
    await api.create('/apis/apiregistration.k8s.io/v1/apiservices', { ...ours, spec: { ...ours?.spec, service } });
  } else await api.patch(apiService, { spec: { service } });
}

/** Not while this process waits: the door that kubectl asks for is in it. */
async function kubectl(...args: readonly string[]): Promise<string> {
  const child = new Child('kubectl', 'kubectl', [`--kubeconfig=${clusterDir()}/kubeconfig`, ...args]);
  await child.exited;
  return child.output;
}

async function kubeconfig(account: string): Promise<string> {
  const file = join(dir, `${account}.kubeconfig`);
  writeFileSync(file, await kubeconfigOf(api, { namespace: 'forewarm-system', name: account }));
  return file;
}

async function openLeader(): Promise<void> {
  const connection = await connectKube(await kubeconfig('forewarm-controller'));
  const clock = systemClock();
  http = new KubeHttp({ connection, clock, random: Math.random, userAgent: 'forewarm-controller' });
  leader = serveMetricsApi({
    http,
    connection,
    clock,
    log: openLog('warn'),
    telemetry: new MetricRegistry({ roles: ['metrics API'] }),
    local: said,
    metricNames: said.metricNames(),
    host: '127.0.0.1',
    port: leaderPort,
    ownAddress: `127.0.0.1:${leaderPort}`,
    namespace: 'forewarm-system',
    service: 'forewarm',
    peerAccounts: ['forewarm-controller', 'forewarm-adapter'],
    lease: { namespace: 'forewarm-system', name: 'forewarm' },
    secret: 'forewarm-serving',
  });
  leading = leader.run(stop.signal);
}

/** One Deployment, and the HPA of the recipe: windows 0, tolerance 0, the metric itself is the size. */
async function makeFollower(): Promise<void> {
  const labels = { app: 'chat' };
  await api.create(`/apis/apps/v1/namespaces/${ns}/deployments`, {
    metadata: { name: 'chat' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'engine', image: 'example.invalid/vllm:0.26' }] },
      },
    },
  });
  const fast = {
    stabilizationWindowSeconds: 0,
    tolerance: '0',
    policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }],
  };
  const metric = { name: 'forewarm_desired_replicas', selector: { matchLabels: { autoscaler: 'chat' } } };
  await api.create(`/apis/autoscaling/v2/namespaces/${ns}/horizontalpodautoscalers`, {
    metadata: { name: 'chat' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' },
      minReplicas: 1,
      maxReplicas: 20,
      metrics: [{ type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '1' } } }],
      behavior: { scaleUp: fast, scaleDown: fast },
    },
  });
}

async function followed(replicas: number, loop: string): Promise<void> {
  const began = performance.now();
  said.answer = { milli: BigInt(replicas) * 1000n };
  await until(
    `${replicas} replicas`,
    async () => await api.get(deployment),
    ({ spec }) => spec?.['replicas'] === replicas,
    { seconds: 60 },
  );
  record({ loop: `metrics door: ${loop}`, reactionSeconds: (performance.now() - began) / 1000 });
}

function condition(
  object: KubeObject,
  type: string,
): { readonly status?: string; readonly reason?: string; readonly message?: string } {
  const all = (object.status?.['conditions'] ?? []) as {
    type: string;
    status: string;
    reason: string;
    message: string;
  }[];
  return all.find((one) => one.type === type) ?? {};
}

async function held(replicas: number, message: string): Promise<void> {
  const blind = await until(
    'the HPA says that it cannot read',
    async () => condition(await api.get(hpa), 'ScalingActive'),
    ({ reason, message: seen }) => reason === 'FailedGetExternalMetric' && seen?.includes(message) === true,
    { seconds: 60 },
  );
  expect(blind.status).toBe('False');
  await holds(
    'the size',
    async () => await api.get(deployment),
    ({ spec }) => spec?.['replicas'] === replicas,
    { seconds: 4 },
  );
}

describe('as the leader', () => {
  test('becomes available with a certificate that it issued and registered itself', async () => {
    await until(
      'available',
      async () => condition(await api.get(apiService), 'Available'),
      ({ status }) => status === 'True',
      { seconds: 60 },
    );
    expect((await api.get(apiService)).spec?.['caBundle']).toBe(Buffer.from(leader.ca ?? '').toString('base64'));
    expect((await api.get(valuePath))['items']).toMatchObject([
      { metricName: 'forewarm_desired_replicas', value: '1' },
    ]);
  });
  test('a stock HPA follows up, down and exactly', async () => {
    await followed(3, 'HPA up 1 to 3');
    await followed(12, 'HPA up 3 to 12');
    await followed(11, 'HPA down 12 to 11');
    await followed(2, 'HPA down 11 to 2');
    expect(condition(await api.get(hpa), 'ScalingActive').reason).toBe('ValidMetricFound');
  });
  test('an answer that may not be said is an error, and the HPA holds and says why', async () => {
    said.answer = { problem: 'no signal is known since 01:00:00', isModeObserve: false };
    await held(2, 'no signal is known since 01:00:00');
    said.answer = { problem: 'mode is Observe', isModeObserve: true };
    await held(2, 'mode is Observe');
    await followed(4, 'HPA up after a hold');
    expect(condition(await api.get(hpa), 'AbleToScale').status).toBe('True');
  });
  test('an account without the right may not read, the HPA may', async () => {
    const nobody = await Account.of(api, ns, 'default');
    const answer = await nobody.call('GET', valuePath);
    await nobody.close();
    expect([answer.status, answer.body.reason]).toStrictEqual([403, 'Forbidden']);
    const as = '--as=system:serviceaccount:kube-system:horizontal-pod-autoscaler';
    expect(await kubectl('auth', 'can-i', 'list', `forewarm_desired_replicas.${group}`, '-n', ns, as)).toMatch(
      /^yes$/m,
    );
  });
  test('shows up in discovery, and the rest of the cluster does not suffer: namespaces can be deleted', async () => {
    const listed = await kubectl('api-resources', '--api-group', group);
    expect(listed).toContain('ExternalMetricValueList');
    expect(listed).not.toMatch(/error|warn|W\d{4}/i);
    await makeNamespace(api, 'doomed');
    await api.delete('/api/v1/namespaces/doomed');
    await until(
      'the end of the namespace',
      async () => await api.find('/api/v1/namespaces/doomed'),
      (one) => one === undefined,
      { seconds: 60 },
    );
  });
});

describe('as a standby with nothing but the rights of its account', () => {
  test('serves the same certificate and forwards to the leader', async () => {
    const file = await kubeconfig('forewarm-adapter');
    const args = [
      'adapter',
      '--kubeconfig',
      file,
      '--listen',
      `127.0.0.1:${standbyPort}`,
      '--metrics-bind',
      `127.0.0.1:${await freePort()}`,
    ];
    standby = forewarm('adapter', [...args, '--namespace', 'forewarm-system']);
    await serveFrom(standbyPort);
    const answer = await until(
      'an answer',
      async () => await api.call('GET', valuePath),
      ({ status }) => status === 200,
      { seconds: 60 },
    );
    expect(answer.body.items).toHaveLength(1);
    await followed(7, 'HPA through a standby');
  });
  test('without a leader it answers 503, the HPA holds, discovery goes on', async () => {
    said.isLeading = false;
    await held(7, 'no pass has been made by this process');
    expect(condition(await api.get(apiService), 'Available').status).toBe('True');
    said.isLeading = true;
    await followed(5, 'HPA after a leader came back');
    expect(standby.output.split('\n').filter((line) => /"level":"(warn|error)"/.test(line))).toStrictEqual([]);
  });

  /** The API server tries a new server once, before it can trust it, and again after a minute. */
  test('its OpenAPI is part of the cluster', async () => {
    const seen = await until(
      'our group in the index',
      async () => (await api.get('/openapi/v3'))['paths'] as Readonly<Record<string, unknown>>,
      (paths) => paths[`apis/${group}/v1beta1`] !== undefined,
      { seconds: 120, everyMilliseconds: 1000 },
    );
    expect(seen[`apis/${group}/v1beta1`]).toBeDefined();
  });
});
