import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from './support/bed.ts';
import { ChatPool } from './support/chat-pool.ts';
import { Picker } from './support/picker.ts';
import { condition, served } from './support/product.ts';
import { record } from './support/results.ts';
import { holds, until } from './support/wait.ts';

/** A pool that goes to zero behind an endpoint picker in which requests wait: down by what idling costs, up by the first request. */
const api = connect();
const ns = 'zero';
let pool: ChatPool;
let picker: Picker;

beforeAll(async () => {
  pool = await ChatPool.start(api, {
    namespace: ns,
    network: 51,
    replicas: 1,
    autoscaler: {
      pool: { selector: { matchLabels: { app: 'chat' } } },
      policyRef: { name: 'suite-zero' },
      signals: { scrapeIntervalSeconds: 1, gateway: { matchLabels: { app: 'epp' }, inferencePool: 'chat' } },
      targets: [{ scaleTargetRef: { name: 'chat' }, minReplicas: 0, maxReplicas: 3 }],
    },
  });
  // A wait of one start is as dear as an idle replica of as long, so zero pays after one cold start of five seconds.
  await pool.product.apply(`${served}/scalingpolicies`, {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'ScalingPolicy',
    metadata: { name: 'suite-zero' },
    spec: {
      tickSeconds: 5,
      provisioningQuantilePercent: 50,
      initialLeadTimeColdSeconds: 5,
      initialLeadTimeWarmSeconds: 5,
      paybackSeconds: 10,
    },
  });
  picker = await Picker.start(api, ns, () => ({ queued: pool.load.held, requests: pool.load.sent + pool.load.held }));
  await pool.product.startController();
  await pool.decided();
});
afterAll(async () => {
  await picker?.stop();
  await pool?.stop();
  await api.close();
});

test('a pool that nobody asks goes to zero, and stays there', async () => {
  const began = performance.now();
  const size = (): Promise<number> => pool.specReplicas();
  await until('zero', size, (n) => n === 0, { seconds: 120 });
  const reaction = (performance.now() - began) / 1000;
  await holds('zero', size, (n) => n === 0, { seconds: 20 });
  expect(await pool.readyPods()).toBe(0);
  record({ loop: 'zero: down', reactionSeconds: reaction, note: '1 -> 0, held for 20 s' });
});

test('the first request that waits at the gateway wakes it within seconds, and none is lost', async () => {
  const began = performance.now();
  pool.load.rate = 1;
  await until(
    'a replica is ordered',
    () => pool.specReplicas(),
    (n) => n > 0,
    { seconds: 15 },
  );
  const reaction = (performance.now() - began) / 1000;
  await until(
    'all that waited is served',
    () => pool.load,
    ({ held, succeeded }) => held === 0 && succeeded > 3,
    { seconds: 60 },
  );
  expect(pool.load.failed).toBe(0);
  record({ loop: 'zero: woken', reactionSeconds: reaction, note: 'by the queue at the gateway' });
});

test('while the gateway cannot be read the last replica stays, and why is said', async () => {
  await picker.die();
  pool.load.rate = 0;
  const missing = await until(
    'MetricsAvailable False',
    () => pool.autoscaler(),
    (object) => condition(object, 'MetricsAvailable')?.status === 'False',
  );
  expect(condition(missing, 'MetricsAvailable')?.message).toMatch(/gateway queue.*epp.*:9090\/metrics/);
  await holds(
    'a replica',
    () => pool.specReplicas(),
    (n) => n > 0,
    { seconds: 30 },
  );
  record({ loop: 'zero: gateway dead', scaleWrites: 0, note: 'held for 30 s' });
});
