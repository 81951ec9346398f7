import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from './support/api.ts';
import { AuditTail } from './support/audit.ts';
import { clusterDir, connect } from './support/bed.ts';
import { FollowedPool, ownBehavior } from './support/followed-pool.ts';
import { condition, controllerUser } from './support/product.ts';
import { record } from './support/results.ts';
import { holds, until } from './support/wait.ts';

/** The same loop on the controller manager's defaults (15 s between looks, five minutes of window, a tenth of tolerance) and an HPA that says nothing about them. */
const api = connect();
const ns = 'hpa-defaults';
const lookSeconds = 15;
let followed: FollowedPool;
let audit: AuditTail;

beforeAll(async () => {
  followed = await FollowedPool.start(api, {
    namespace: ns,
    network: 37,
    replicas: 6,
    autoscaler: { behavior: ownBehavior(300) },
  });
  audit = new AuditTail(clusterDir());
});
afterAll(async () => {
  await followed?.stop();
  await api.close();
});

function decisions({ status }: KubeObject): readonly (readonly [number, number])[] {
  const all = (status?.['decisions'] ?? []) as readonly { readonly from: number; readonly to: number }[];
  return all.map(({ from, to }) => [from, to]);
}

const scaled = (): number => audit.scaleWrites(ns, 'chat').length;

test('the HPA follows, and what it adds to the decision is said', async () => {
  await followed.says('Followed', 'True');
  const damps = await followed.says('FollowerDamps', 'True');
  expect(damps).toContain('HorizontalPodAutoscaler/chat: scaleDown.stabilizationWindowSeconds is 300');
  expect(damps).toContain("scaleUp.tolerance is 0.1 (the cluster's default)");
});

test('load raises the pool to 12 at the next look of the HPA, and 12 carry it', async () => {
  const { load } = followed.pool;
  const began = performance.now();
  load.rate = 18;
  await until(
    'spec 12',
    () => followed.pool.specReplicas(),
    (n) => n === 12,
    { seconds: 60 },
  );
  const reaction = (performance.now() - began) / 1000;
  await followed.reaches(12, 30);
  load.rate = 10;
  await until(
    'the queue is gone',
    () => load.inFlight,
    (n) => n < 12 * 4,
    { seconds: 90 },
  );
  expect(audit.writesBy(controllerUser).filter(({ subresource }) => subresource === 'scale')).toStrictEqual([]);
  record({ loop: 'HPA defaults: up', reactionSeconds: reaction, scaleWrites: scaled(), note: '6 -> 12' });
});

test('a rollout whose surge is inside the tolerance of the HPA does not become its size', async () => {
  const before = { writes: scaled(), failed: followed.pool.load.failed };
  const answers = new Set<number | string>();
  let mostPods = 0;
  await followed.rollOut({ maxSurge: 1 });
  const began = performance.now();
  await until(
    'the end of the rollout',
    async () => {
      const counts = await followed.counts();
      if (counts.status === 13) answers.add(await followed.published());
      mostPods = Math.max(mostPods, counts.status);
      const desired = await followed.desired();
      if (counts.spec !== 12 || desired !== 12) throw new Error(`spec ${counts.spec}, decision ${desired}`);
      return counts.isRolledOut;
    },
    (isDone) => isDone,
    { seconds: 120 },
  );
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  await holds(
    'the size, one more look of the HPA',
    () => followed.pool.specReplicas(),
    (n) => n === 12,
    { seconds: lookSeconds + 1 },
  );
  expect(mostPods).toBeGreaterThan(12);
  // Told twelve while thirteen pods stand, the HPA would set thirteen: it gets an error instead, and holds its spec.
  expect([...answers].filter((answer) => typeof answer === 'number')).toStrictEqual([]);
  expect([...answers].join()).toContain('the follower holds its spec');
  expect(scaled()).toBe(before.writes);
  expect(followed.pool.load.failed).toBe(before.failed);
  record({ loop: 'HPA defaults: through a rollout', scaleWrites: 0, note: `12 held in ${seconds} s of 13 pods` });
});

test('while metrics are missing the HPA gets an error and holds', async () => {
  const before = scaled();
  for (const engine of followed.pool.engines.values()) engine.fault = 'Dark';
  followed.pool.load.rate = 1;
  await until(
    'the HPA cannot read',
    async () => condition(await followed.hpa(), 'ScalingActive'),
    (one) => one?.reason === 'FailedGetExternalMetric',
    { seconds: 60 },
  );
  await holds(
    'the size, two looks of the HPA',
    () => followed.pool.specReplicas(),
    (n) => n === 12,
    { seconds: 2 * lookSeconds + 1 },
  );
  expect(scaled()).toBe(before);
  for (const engine of followed.pool.engines.values()) engine.fault = 'None';
  record({ loop: 'HPA defaults: hold, metrics missing', scaleWrites: 0, note: 'held 12 for 31 s' });
});

test('one replica more that load demands is published over the tolerance of the HPA, which acts', async () => {
  const behavior = { ...ownBehavior(300), scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } };
  const { targets } = (await followed.pool.autoscaler()).spec as { targets: readonly object[] };
  await api.patch(followed.pool.autoscalerPath, {
    spec: { behavior, targets: targets.map((target) => ({ ...target, maxReplicas: 16 })) },
  });
  const began = performance.now();
  followed.pool.load.rate = 24;
  await followed.reaches(14, 40);
  followed.pool.load.rate = 1;
  const reaction = (performance.now() - began) / 1000;
  // Thirteen was decided; to an HPA with twelve pods that is within its tolerance, so 14 was published.
  expect(decisions(await followed.pool.autoscaler())).toContainEqual([12, 13]);
  record({ loop: 'HPA defaults: 12 -> 13 by load', reactionSeconds: reaction, note: '14 published, 14 set' });
});

test('less load lowers the pool in the end, and no request is lost on the way', async () => {
  followed.pool.load.rate = 1;
  await followed.setWindow(5);
  await api.patch(followed.hpaPath, { spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 10 } } } });
  const before = { writes: scaled(), failed: followed.pool.load.failed };
  const began = performance.now();
  const size = await until(
    'spec of at most 5',
    () => followed.pool.specReplicas(),
    (n) => n <= 5,
    { seconds: 120 },
  );
  await until(
    'the other pods gone',
    () => followed.pool.readyPods(),
    (n) => n <= size,
  );
  const reaction = (performance.now() - began) / 1000;
  expect(followed.pool.load.failed).toBe(before.failed);
  expect(await followed.says('FollowerDamps', 'True')).toContain('scaleDown.stabilizationWindowSeconds is 10');
  const scaleWrites = scaled() - before.writes;
  record({
    loop: 'HPA defaults: down',
    reactionSeconds: reaction,
    scaleWrites,
    note: `14 -> ${size}, no request lost`,
  });
});
