import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditTail } from './support/audit.ts';
import { clusterDir, connect } from './support/bed.ts';
import { giveExternalMetricsTo, serveExternalMetricsFrom } from './support/external-metrics.ts';
import { FollowedPool, recipe } from './support/followed-pool.ts';
import { condition, controllerUser } from './support/product.ts';
import { record } from './support/results.ts';
import { holds, until } from './support/wait.ts';

/** A stock HPA on the recipe follows the decision: controller process, aggregation layer, HPA controller and Deployment controller in one closed loop. */
const api = connect();
const ns = 'hpa';
let followed: FollowedPool;
let audit: AuditTail;

beforeAll(async () => {
  followed = await FollowedPool.start(api, { namespace: ns, network: 35, replicas: 2, behavior: recipe });
  audit = new AuditTail(clusterDir());
});
afterAll(async () => {
  await followed?.stop();
  await api.close();
});

const scaled = (): number => audit.scaleWrites(ns, 'chat').length;

test('the HPA acts on the recommendation, adds nothing to it, and the controller says so', async () => {
  expect(await followed.says('Followed', 'True')).toContain('HorizontalPodAutoscaler/chat');
  expect(await followed.says('FollowerDamps', 'False')).toContain('FollowsAtOnce');
});

test('load raises the pool to 12 through the HPA, and 12 carry it', async () => {
  const { load } = followed.pool;
  const began = performance.now();
  load.rate = 22;
  await until(
    'spec above 2',
    () => followed.pool.specReplicas(),
    (n) => n > 2,
    { seconds: 60 },
  );
  const reaction = (performance.now() - began) / 1000;
  await followed.reaches(12, 90);
  load.rate = 14;
  await until(
    'the queue is gone',
    () => load.inFlight,
    (n) => n < 12 * 4,
    { seconds: 90 },
  );
  expect(audit.writesBy(controllerUser).filter(({ subresource }) => subresource === 'scale')).toStrictEqual([]);
  record({ loop: 'HPA up', reactionSeconds: reaction, scaleWrites: scaled(), note: '2 -> 12, recipe' });
});

test('a rollout at 12 replicas changes nothing: its surge reaches neither the decision nor the HPA', async () => {
  const before = { writes: scaled(), failed: followed.pool.load.failed };
  const began = performance.now();
  await followed.rollOut({});
  let mostPods = 0;
  await until(
    'the end of the rollout',
    async () => {
      const counts = await followed.counts();
      mostPods = Math.max(mostPods, counts.status);
      const desired = await followed.desired();
      if (counts.spec !== 12 || desired !== 12) throw new Error(`spec ${counts.spec}, decision ${desired}`);
      return counts.isRolledOut;
    },
    (isDone) => isDone,
    { seconds: 120 },
  );
  expect(mostPods).toBeGreaterThan(12);
  expect(scaled()).toBe(before.writes);
  expect(followed.pool.load.failed).toBe(before.failed);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  record({
    loop: 'HPA through a rollout',
    scaleWrites: scaled() - before.writes,
    note: `12 held in ${seconds} s, up to ${mostPods} pods`,
  });
});

test('while metrics are missing the HPA gets an error and holds', async () => {
  const before = scaled();
  for (const engine of followed.pool.engines.values()) engine.fault = 'Dark';
  followed.pool.load.rate = 1;
  const blind = await until(
    'the HPA cannot read',
    async () => condition(await followed.hpa(), 'ScalingActive'),
    (one) => one?.reason === 'FailedGetExternalMetric',
    { seconds: 60 },
  );
  expect(blind?.status).toBe('False');
  await followed.says('MetricsAvailable', 'False');
  await holds(
    'the size',
    () => followed.pool.specReplicas(),
    (n) => n === 12,
    { seconds: 15 },
  );
  expect(scaled()).toBe(before);
  // The HPA holds because we say so: it still follows.
  expect(await followed.says('Followed', 'True', 1)).toContain('HorizontalPodAutoscaler/chat');
  for (const engine of followed.pool.engines.values()) engine.fault = 'None';
  record({ loop: 'HPA hold, metrics missing', scaleWrites: 0, note: 'held 12 for 15 s' });
});

test('less load lowers the pool in the end, and no request is lost on the way', async () => {
  followed.pool.load.rate = 0.5; // well below what one engine serves
  await followed.setWindow(5);
  const before = { writes: scaled(), failed: followed.pool.load.failed };
  const began = performance.now();
  await until(
    'the HPA reads again',
    async () => condition(await followed.hpa(), 'ScalingActive'),
    (one) => one?.status === 'True',
    { seconds: 60 },
  );
  await followed.reaches(1, 120);
  const reaction = (performance.now() - began) / 1000;
  expect(followed.pool.load.failed).toBe(before.failed);
  record({
    loop: 'HPA down',
    reactionSeconds: reaction,
    scaleWrites: scaled() - before.writes,
    note: '12 -> 1, no request lost',
  });
});

test('another product that takes the slot for external metrics is named within a minute', async () => {
  const began = performance.now();
  await giveExternalMetricsTo(api, { namespace: 'default', name: 'somebody-else', port: 443 });
  const message = await followed.says('Followed', 'False', 60);
  expect(message).toContain('NotFollowed');
  expect(message).toContain('HorizontalPodAutoscaler/chat');
  await until(
    'the owner is named',
    () => followed.says('Followed', 'False'),
    (text) => text.includes('Service default/somebody-else'),
    { seconds: 60 },
  );
  const reaction = (performance.now() - began) / 1000;
  expect(reaction).toBeLessThan(60);
  record({ loop: 'HPA not heard: foreign APIService', reactionSeconds: reaction });
  await serveExternalMetricsFrom(api, followed.port);
  await followed.says('Followed', 'True', 60);
});

test('an HPA that points elsewhere, or is gone, does not follow', async () => {
  const began = performance.now();
  const hpa = await followed.hpa();
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' };
  await api.patch(followed.hpaPath, { spec: { scaleTargetRef } });
  expect(await followed.says('Followed', 'False', 60)).toContain('no HorizontalPodAutoscaler follows target chat');
  await api.patch(followed.hpaPath, { spec: { scaleTargetRef: hpa.spec?.['scaleTargetRef'] } });
  await followed.says('Followed', 'True', 60);
  await api.delete(followed.hpaPath);
  expect(await followed.says('Followed', 'False', 60)).toContain('no HorizontalPodAutoscaler follows target chat');
  record({ loop: 'HPA not heard: elsewhere, then gone', reactionSeconds: (performance.now() - began) / 1000 });
});
