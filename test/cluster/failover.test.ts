import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditTail } from './support/audit.ts';
import { clusterDir, connect } from './support/bed.ts';
import { ChatPool } from './support/chat-pool.ts';
import type { Child } from './support/child.ts';
import { condition, controllerUser, served } from './support/product.ts';
import { record } from './support/results.ts';
import { holds, until } from './support/wait.ts';

/** Two controllers, one lease: the leader is killed in the middle of its work and the other goes on from what was written down. */
const api = connect();
const ns = 'failover';
const lease = '/apis/coordination.k8s.io/v1/namespaces/forewarm-system/leases/forewarm';
let pool: ChatPool;
let first: Child;
let second: Child;

const holder = async (): Promise<string> => JSON.stringify((await api.get(lease)).spec?.['holderIdentity'] ?? '');

beforeAll(async () => {
  pool = await ChatPool.start(api, {
    namespace: ns,
    network: 33,
    replicas: 1,
    autoscaler: { behavior: { scaleDown: { stabilizationWindowSeconds: 20 } } },
  });
  first = await pool.product.startController({ identity: 'controller-a' });
  await pool.decided();
  second = await pool.product.startController({ identity: 'controller-b' });
});
afterAll(async () => {
  await pool?.stop();
  await api.close();
});

test('one of two controllers leads, and only that one writes', async () => {
  expect(await holder()).toContain('controller-a');
  const audit = new AuditTail(clusterDir());
  pool.load.rate = 18;
  await until(
    'the pool grows',
    () => pool.specReplicas(),
    (n) => n >= 3,
    { seconds: 40 },
  );
  expect(audit.writesBy(controllerUser).filter((write) => write.subresource === 'scale').length).toBeLessThanOrEqual(4);
  expect(second.isRunning).toBe(true);
});

test('killed with SIGKILL, the leader is replaced; the new one remembers the window and does not lower at once', async () => {
  const size = await until(
    'spec settles',
    () => pool.specReplicas(),
    (n) => n >= 3,
  );
  await until(
    'the queue is gone',
    () => pool.load.inFlight,
    (n) => n < 30,
    { seconds: 60 },
  );
  const settled = await pool.specReplicas();
  expect(settled).toBeGreaterThanOrEqual(size - 1);
  const audit = new AuditTail(clusterDir());
  const began = performance.now();
  first.signal('SIGKILL');
  pool.load.rate = 1;
  await until('controller-b leads', holder, (name) => name.includes('controller-b'), { seconds: 30 });
  const takeover = (performance.now() - began) / 1000;
  expect(audit.scaleWrites(ns, 'chat')).toStrictEqual([]);
  await holds(
    'no decrease before one full window',
    () => pool.specReplicas(),
    (n) => n === settled,
    { seconds: 12 },
  );
  await until(
    'then down to 1',
    () => pool.specReplicas(),
    (n) => n === 1,
    { seconds: 90 },
  );
  record({
    loop: 'leader killed, standby takes over',
    reactionSeconds: takeover,
    scaleWrites: audit.scaleWrites(ns, 'chat').length,
  });
});

test('a leader told to stop gives the lease back at once', async () => {
  const third = await pool.product.startController({ identity: 'controller-c' });
  await until(
    'controller-c stands by',
    () => third.output,
    (text) => text.includes('Watched all kinds of objects'),
  );
  const began = performance.now();
  second.signal('SIGTERM');
  await until('controller-c leads', holder, (name) => name.includes('controller-c'), { seconds: 30 });
  expect(await second.exited).toBe(0);
  record({ loop: 'leader stopped, standby takes over', reactionSeconds: (performance.now() - began) / 1000 });
});

test('an HPA on the same target is a conflict: Scale mode refuses to write and says who', async () => {
  const hpa = `/apis/autoscaling/v2/namespaces/${ns}/horizontalpodautoscalers`;
  await api.create(hpa, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'other' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' },
      minReplicas: 1,
      maxReplicas: 2,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  });
  const conflicted = await until(
    'ConflictDetected',
    () => pool.autoscaler(),
    (object) => condition(object, 'ConflictDetected')?.status === 'True',
    { seconds: 40 },
  );
  expect(condition(conflicted, 'ConflictDetected')?.message).toContain('HorizontalPodAutoscaler/other');
  const audit = new AuditTail(clusterDir());
  pool.load.rate = 18;
  await holds(
    'nothing is written',
    () =>
      audit.writesBy(controllerUser).filter((write) => write.subresource === 'scale' && write.namespace === ns).length,
    (writes) => writes === 0,
    { seconds: 10 },
  );
  await api.delete(`${hpa}/other`);
  record({ loop: 'conflict with an HPA refused', scaleWrites: 0 });
});

test('an autoscaler that cannot be used is refused by the API server or says why in a condition', async () => {
  const bad = await api.call('POST', `${served}/namespaces/${ns}/inferenceautoscalers`, {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'InferenceAutoscaler',
    metadata: { name: 'bad' },
    spec: { targets: [{ scaleTargetRef: { name: 'chat' }, minReplicas: 5, maxReplicas: 2 }] },
  });
  expect(bad.status).toBe(422);
  expect(bad.body.message).toContain('minReplicas');
});
