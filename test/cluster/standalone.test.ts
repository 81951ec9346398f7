import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditTail } from './support/audit.ts';
import { clusterDir, connect } from './support/bed.ts';
import { ChatPool } from './support/chat-pool.ts';
import { condition } from './support/product.ts';
import { record } from './support/results.ts';
import { holds, until } from './support/wait.ts';

/** The standalone scaler in a closed loop: real control plane, engines whose queue falls only because requests are served. */
const api = connect();
const ns = 'standalone';
let pool: ChatPool;
let audit: AuditTail;

beforeAll(async () => {
  pool = await ChatPool.start(api, { namespace: ns, network: 31, replicas: 1 });
  await pool.product.startController();
  audit = new AuditTail(clusterDir());
  await pool.decided();
});
afterAll(async () => {
  await pool?.stop();
  await api.close();
});

/** The size once it has not changed for so many seconds. */
async function atRest(seconds: number): Promise<number> {
  let [size, since] = [-1, performance.now()];
  await until(
    `one size for ${seconds} s`,
    () => pool.specReplicas(),
    (now) => {
      if (now !== size) [size, since] = [now, performance.now()];
      return performance.now() - since >= seconds * 1000;
    },
    { seconds: 90 },
  );
  return size;
}

test('load that one engine cannot carry raises the pool, and it then carries it', async () => {
  const began = performance.now();
  // One engine serves about 8 requests a second.
  pool.load.rate = 20;
  await until(
    'spec above 1',
    () => pool.specReplicas(),
    (n) => n > 1,
    { seconds: 40 },
  );
  const reaction = (performance.now() - began) / 1000;
  await until(
    'three engines or more',
    () => pool.readyPods(),
    (n) => n >= 3,
    { seconds: 60 },
  );
  await until(
    'the queue is gone',
    () => pool.load.inFlight,
    (n) => n < 30,
    { seconds: 60 },
  );
  const size = await pool.specReplicas();
  expect(size).toBeLessThanOrEqual(6);
  const scaleWrites = audit.scaleWrites(ns, 'chat').length;
  record({ loop: 'standalone up', reactionSeconds: reaction, scaleWrites, note: `1 -> ${size}` });
});

test('while metrics are missing the pool holds its size, whatever the load does, and says so', async () => {
  // A young pool still follows the mean of its first minute: what is held must have come to rest.
  const size = await atRest(20);
  pool.pages = 'Dark';
  pool.load.rate = 1;
  const missing = await until(
    'MetricsAvailable False',
    () => pool.autoscaler(),
    (object) => condition(object, 'MetricsAvailable')?.status === 'False',
  );
  expect(condition(missing, 'MetricsAvailable')?.message).not.toBe('');
  await holds(
    'the size',
    () => pool.specReplicas(),
    (n) => n === size,
    { seconds: 15 },
  );
  pool.pages = 'None';
  // The down window is five seconds: of what was not seen nothing is concluded.
  await holds(
    'the size for a window after the blackout',
    () => pool.specReplicas(),
    (n) => n === size,
    { seconds: 4 },
  );
  record({ loop: 'standalone hold, metrics missing', scaleWrites: 0, note: `held ${size} for 15 s` });
});

test('less load lowers the pool in the end, and no request is lost on the way', async () => {
  const before = { writes: audit.scaleWrites(ns, 'chat').length, failed: pool.load.failed };
  const began = performance.now();
  pool.load.rate = 1;
  await until(
    'back to 1',
    () => pool.specReplicas(),
    (n) => n === 1,
    { seconds: 120 },
  );
  const reaction = (performance.now() - began) / 1000;
  await until(
    'pods gone',
    () => pool.readyPods(),
    (n) => n === 1,
  );
  expect(pool.load.failed - before.failed).toBe(0);
  const scaleWrites = audit.scaleWrites(ns, 'chat').length - before.writes;
  record({ loop: 'standalone down', reactionSeconds: reaction, scaleWrites, note: 'to 1' });
});
