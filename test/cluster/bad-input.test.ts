import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from './support/api.ts';
import { AuditTail } from './support/audit.ts';
import { clusterDir, connect } from './support/bed.ts';
import { ChatPool, type ChatPoolOptions } from './support/chat-pool.ts';
import type { Child } from './support/child.ts';
import type { PageFault } from './support/emulator.ts';
import { chatAutoscaler, condition, Product, served } from './support/product.ts';
import { Prometheus } from './support/prometheus.ts';
import { FaultProxy } from './support/proxy.ts';
import { record } from './support/results.ts';
import { holds, until } from './support/wait.ts';

/** What the world gets wrong, on real components: each is said in a condition, nothing is scaled on it, and when it is over the pool goes on. */
const api = connect();
let product: Product;
let controller: Child;
let proxy: FaultProxy;
let prometheus: Prometheus;
const pools = new Map<string, ChatPool>();

/** One engine carries two requests a second: with six a pool grows to three or more, with none it would go back to one. */
const names = ['bad-nan', 'bad-login', 'bad-frozen', 'bad-dead', 'bad-source', 'bad-outage'] as const;
type Name = (typeof names)[number];
const busy = 6;

beforeAll(async () => {
  product = await Product.install(api);
  prometheus = await Prometheus.start(api, 'bad-source', 'app=chat');
  const settings: Partial<Record<Name, Partial<ChatPoolOptions>>> = {
    'bad-frozen': { maxReplicas: 2 },
    'bad-source': {
      autoscaler: {
        signals: { source: 'Prometheus', scrapeIntervalSeconds: 1, prometheus: { url: prometheus.url } },
      },
    },
    // Two without any load: a size that stays while the API server is away.
    'bad-outage': {
      replicas: 2,
      autoscaler: { targets: [{ scaleTargetRef: { name: 'chat' }, minReplicas: 2, maxReplicas: 6 }] },
    },
  };
  const started = names.map(async (namespace, i) => {
    const options = { namespace, network: 80 + 2 * i, replicas: 1, outputTokens: 80, product, ...settings[namespace] };
    pools.set(namespace, await ChatPool.start(api, options));
  });
  await Promise.all(started);
  const { hostname, port } = new URL(api.server);
  proxy = await FaultProxy.start(hostname, Number(port));
  controller = await startController('controller-bad-1');
  await Promise.all([...pools.values()].map((pool) => pool.decided()));
});
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const pool of pools.values()) console.log(pool.namespace, JSON.stringify((await pool.autoscaler()).status));
  console.log(product.lastWords());
});
afterAll(async () => {
  await Promise.all([...pools.values()].map((pool) => pool.stop()));
  await prometheus?.stop();
  await product?.uninstall();
  await proxy?.stop();
  await api.close();
});

/** maxReplicas of every pool here. */
const most = 6;

async function startController(identity: string): Promise<Child> {
  const args = ['--prometheus-allow', prometheus.url];
  return await product.startController({ identity, args, server: `https://127.0.0.1:${proxy.port}` });
}

function poolOf(namespace: Name): ChatPool {
  const pool = pools.get(namespace);
  if (pool === undefined) throw new Error(`no pool ${namespace}`);
  return pool;
}

async function says(pool: ChatPool, type: string, status: string, seconds = 30): Promise<string> {
  const object = await until(
    `${pool.namespace}: ${type} ${status}`,
    () => pool.autoscaler(),
    (seen) => condition(seen, type)?.status === status,
    { seconds },
  );
  const said = condition(object, type);
  return `${said?.reason}: ${said?.message}`;
}

/** Nothing is written on the target while the clients have almost gone: what the pool would do on true numbers is go down. */
async function holdsItsSize(pool: ChatPool, seconds: number): Promise<number> {
  const audit = new AuditTail(clusterDir());
  const size = await pool.specReplicas();
  await holds(
    `${pool.namespace} keeps its size`,
    () => pool.specReplicas(),
    (n) => n === size,
    { seconds },
  );
  expect(audit.scaleWrites(pool.namespace, 'chat')).toStrictEqual([]);
  return size;
}

/** Until at least so many engines serve. */
async function grows(pool: ChatPool, atLeast: number, rate = busy): Promise<number> {
  const began = performance.now();
  pool.load.rate = rate;
  await until(
    `${pool.namespace} orders ${atLeast}`,
    () => pool.specReplicas(),
    (n) => n >= atLeast,
    { seconds: 40 },
  );
  const seconds = (performance.now() - began) / 1000;
  await until(
    `${pool.namespace} has ${atLeast}`,
    () => pool.readyPods(),
    (n) => n >= atLeast,
  );
  return seconds;
}

/** What it held it gives back on true numbers: the hold could have failed. Of pools that shrink together one may have to wait, and says so. */
async function givesBack(pool: ChatPool, size: number): Promise<void> {
  await until(
    `${pool.namespace} wants less than ${size}`,
    () => pool.autoscaler(),
    ({ status }) =>
      Number(status?.['desiredReplicas']) < size ||
      JSON.stringify(status?.['targets']).includes('several pools shrink'),
    { seconds: 120 },
  );
}

/** The last clause: what stood in the way of reading. */
function cause(said: string): string {
  return said.split('; ').at(-1) ?? '';
}

/** True numbers again, and more work than the pool carries. */
async function goesOn(pool: ChatPool, size: number): Promise<number> {
  const began = performance.now();
  pool.load.rate = 10 * size; // five times what they carry
  await until(
    `${pool.namespace} grows beyond ${size}`,
    () => pool.specReplicas(),
    (n) => n > size,
    { seconds: 40 },
  );
  pool.load.rate = 0;
  return (performance.now() - began) / 1000;
}

function breakPages(pool: ChatPool, fault: PageFault): void {
  for (const engine of pool.engines.values()) engine.fault = fault;
}

const pages: Readonly<Record<string, { readonly pool: Name; readonly fault: PageFault; readonly says: RegExp }>> = {
  'gauges that are not a number': { pool: 'bad-nan', fault: 'NotANumber', says: /waiting on \d of \d .*NotANumber/ },
  'a login page with status 200': {
    pool: 'bad-login',
    fault: 'LoginPage',
    says: /waiting on \d of \d .*ScrapeFailed.*; chat-\S+( \(and \d more\))?: .*text\/html/,
  },
};

describe.concurrent('of one pool', () => {
  for (const [name, { pool: namespace, fault, says: wanted }] of Object.entries(pages)) {
    test(`${name}: said, held, and over when they are over`, async () => {
      const pool = poolOf(namespace);
      // To the maximum: what was known before the pages broke may still raise a pool, and must not lower it.
      await grows(pool, most, 4 * busy);
      breakPages(pool, fault);
      pool.load.rate = 0;
      const said = await says(pool, 'MetricsAvailable', 'False');
      expect(said).toMatch(wanted);
      const size = await holdsItsSize(pool, 15);
      breakPages(pool, 'None');
      await givesBack(pool, size);
      expect(await says(pool, 'MetricsAvailable', 'True')).toContain('every required signal is fresh');
      record({ loop: `bad input: ${name}`, scaleWrites: 0, note: `held ${size} for 15 s; ${cause(said)}` });
    });
  }

  test('gauges that froze while they claimed work: the replica is named, nothing is given back, nothing is added', async () => {
    const pool = poolOf('bad-frozen');
    await grows(pool, 2);
    const [frozen] = await pool.pods();
    const address = String(frozen?.status?.['podIP']);
    const engine = pool.engines.get(address);
    if (engine === undefined) throw new Error('no engine behind the first pod');
    pool.load.rate = 20;
    await until(
      'a queue that one engine needs more than recoverySeconds for',
      () => engine.snapshot().waiting,
      (waiting) => waiting > 60,
    );
    engine.fault = 'Frozen';
    pool.load.rate = 0;
    const audit = new AuditTail(clusterDir());
    const page = await (await fetch(`http://${address}:8000/metrics`)).text();
    expect(page).toMatch(/num_requests_waiting\S* [6-9]\d/);
    const named = await until(
      'the frozen replica is named',
      () => pool.autoscaler(),
      (seen) => condition(seen, 'ReplicasHealthy')?.reason === 'ReplicaStuck',
      { seconds: 70 },
    );
    expect(condition(named, 'ReplicasHealthy')?.message).toContain(frozen?.metadata.name);
    await until(
      'in truth both engines are idle',
      () => pool.load.inFlight,
      (n) => n === 0,
    );
    const size = await holdsItsSize(pool, 15);
    expect([size, audit.scaleWrites('bad-frozen', 'chat')]).toStrictEqual([2, []]);
    engine.fault = 'None';
    await givesBack(pool, size);
    expect(await says(pool, 'ReplicasHealthy', 'True')).toContain('every replica answers and moves');
    record({ loop: 'bad input: frozen gauges', scaleWrites: 0, note: `held 2 until named and 15 s more` });
  });

  test('engines that died while the control plane believes them Ready: said, held; replaced, the pool goes on', async () => {
    const pool = poolOf('bad-dead');
    // To the maximum, as above: what the pool wanted before they died it may still be given.
    await grows(pool, most, 4 * busy);
    const [, ...victims] = await pool.pods();
    pool.load.rate = 0;
    await Promise.all(victims.map((pod) => pool.killEngine(pod)));
    const said = await says(pool, 'MetricsAvailable', 'False');
    expect(said).toMatch(/ScrapeFailed.*; chat-\S+ \(and \d more\): .*ECONNREFUSED/);
    const size = await holdsItsSize(pool, 15);
    for (const { metadata } of victims) await api.delete(`/api/v1/namespaces/bad-dead/pods/${metadata.name}`);
    expect(await says(pool, 'MetricsAvailable', 'True')).toContain('SignalsFresh');
    await givesBack(pool, size);
    record({ loop: 'bad input: dead engines', scaleWrites: 0, note: `held ${size} for 15 s; ${cause(said)}` });
  });

  test('Prometheus as the source: the pool grows on its numbers, holds when it is killed, and says where it asked', async () => {
    const pool = poolOf('bad-source');
    expect(await says(pool, 'MetricsAvailable', 'True')).toContain('SignalsFresh');
    const reactionSeconds = await grows(pool, 2);
    await says(pool, 'MetricsAvailable', 'True'); // Prometheus finds the new pods in its own time
    await prometheus.kill();
    pool.load.rate = 0;
    const said = await says(pool, 'MetricsAvailable', 'False');
    expect(said).toContain('QueryFailed');
    expect(said).toContain(`querying ${prometheus.url}`);
    const size = await holdsItsSize(pool, 15);
    await prometheus.restart();
    await givesBack(pool, size);
    expect(pool.load.failed).toBe(0);
    record({ loop: 'Prometheus as the source, up', reactionSeconds, note: `1 -> ${size}` });
    record({ loop: 'bad input: dead Prometheus', scaleWrites: 0, note: `held ${size} for 15 s; ${cause(said)}` });
  });
});

test('an API server that hangs for seconds: no wrong size, and the same controller goes on', async () => {
  const pool = poolOf('bad-outage');
  const audit = new AuditTail(clusterDir());
  const size = await pool.specReplicas();
  const pid = Number(readFileSync(join(clusterDir(), 'kube-apiserver.pid'), 'utf8'));
  const ended = performance.now() + 5000;
  process.kill(pid, 'SIGSTOP');
  try {
    await until(
      'five seconds pass',
      () => performance.now(),
      (now) => now > ended,
    );
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await holds(
    'the size after the outage',
    () => pool.specReplicas(),
    (n) => n === size,
    { seconds: 6 },
  );
  expect(audit.scaleWrites('bad-outage', 'chat')).toStrictEqual([]);
  expect(controller.isRunning).toBe(true);
  const reactionSeconds = await goesOn(pool, size);
  record({ loop: 'API server hung 5 s, then load', reactionSeconds, note: 'same controller process' });
});

test('an API server that is silent beyond the lease: the controller ends rather than write late; its successor goes on', async () => {
  const pool = poolOf('bad-outage');
  proxy.set('hang');
  const audit = new AuditTail(clusterDir());
  const size = await pool.specReplicas();
  await until(
    'the controller ends',
    () => controller.isRunning,
    (isRunning) => !isRunning,
  );
  expect(await controller.exited).not.toBe(0);
  expect(audit.scaleWrites('bad-outage', 'chat')).toStrictEqual([]);
  expect(await pool.specReplicas()).toBe(size);
  proxy.set('none');
  controller = await startController('controller-bad-2');
  await pool.decided();
  const reactionSeconds = await goesOn(pool, await pool.specReplicas());
  expect(pool.load.failed).toBe(0);
  record({ loop: 'API server silent beyond the lease', reactionSeconds, note: 'ended without a write, restarted' });
});

test('an autoscaler whose target does not exist says so, and nothing is decided', async () => {
  const collection = `${served}/namespaces/bad-nan/inferenceautoscalers`;
  const object = chatAutoscaler(
    'bad-nan',
    { mode: 'Scale' },
    { scaleTargetRef: { kind: 'Deployment', name: 'nobody' } },
  );
  object.metadata.name = 'lost';
  await api.create(collection, object);
  const seen = await until(
    'Ready False',
    () => api.get(`${collection}/lost`),
    (one) => condition(one, 'Ready')?.status === 'False',
  );
  expect(condition(seen, 'Ready')).toMatchObject({ reason: 'TargetUnreadable' });
  expect(condition(seen, 'Ready')?.message).toContain('target nobody was not found');
  expect(seen.status?.['desiredReplicas']).toBeUndefined();
  await api.delete(`${collection}/lost`);
});

test('a policyRef that leads nowhere is named, and the pool keeps its size; a policy out of range is refused', async () => {
  const pool = poolOf('bad-nan');
  await api.patch(pool.autoscalerPath, { spec: { policyRef: { name: 'no-such-policy' } } });
  const isNamed = (seen: KubeObject): boolean => condition(seen, 'Ready')?.reason === 'ReferenceNotFound';
  const seen = await until('the reference is named', () => pool.autoscaler(), isNamed);
  expect(condition(seen, 'Ready')?.message).toContain(
    '`spec.policyRef.name` must be the name of an existing ScalingPolicy',
  );
  expect(condition(seen, 'Ready')?.message).toContain('no-such-policy');
  await holdsItsSize(pool, 4);
  await api.patch(pool.autoscalerPath, { spec: { policyRef: { name: 'suite-fast' } } });
  await until(
    'Ready again',
    () => pool.autoscaler(),
    (one) => condition(one, 'Ready')?.reason === 'Decided',
  );
  const refused = await api.call('POST', `${served}/scalingpolicies`, {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'ScalingPolicy',
    metadata: { name: 'out-of-range' },
    spec: { tickSeconds: 0 },
  });
  expect([refused.status, refused.body.message]).toStrictEqual([422, expect.stringContaining('spec.tickSeconds')]);
});
