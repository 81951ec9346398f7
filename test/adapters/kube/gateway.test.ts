import { expect, test } from 'vitest';
import { readingPlans } from '../../../src/adapters/kube/addresses.ts';
import type { ReplicaReading } from '../../../src/ports/replica-reader.ts';
import { samples } from '../../support/builders.ts';
import { Scene } from '../../support/cluster-scene.ts';
import { readyPod } from '../../support/kube-objects.ts';

const gateway = { matchLabels: { app: 'epp' }, port: 9191, inferencePool: 'chat' };
const reading = (queued: number): ReplicaReading => ({ samples: samples({ waiting: queued, finishedTotal: 40 }) });

test('the pods of the endpoint picker are read beside the replicas, and are none', async () => {
  const scene = new Scene().autoscaler({ spec: { signals: { gateway } } }).deployment();
  scene.pod(
    readyPod('mine'),
    readyPod('picker', { deployment: 'epp' }),
    readyPod('foreign', { deployment: 'epp', namespace: 'team-b' }),
    readyPod('gone', { deployment: 'epp', phase: 'Failed' }),
  );
  const [plan] = readingPlans(scene.cluster, scene.pods);
  expect(plan?.replicas.map(({ id }) => id)).toStrictEqual(['mine']);
  expect(plan?.pickers).toStrictEqual([
    expect.objectContaining({ id: 'picker', address: '10.0.0.1', port: 9191, path: '/metrics', engine: 'chat' }),
  ]);
  expect((await scene.pool()).gateway?.queued).toStrictEqual({ kind: 'missing', cause: 'NotScraped' });
  scene.readings.set('picker', reading(3));
  expect((await scene.pool()).gateway).toMatchObject({ queued: { value: 3 }, requestsTotal: { value: 40 } });
});

test('without a word of a gateway none is seen', async () => {
  const scene = new Scene().autoscaler().deployment();
  scene.pod(readyPod('picker', { deployment: 'epp' }));
  expect(readingPlans(scene.cluster, scene.pods)[0]?.pickers).toStrictEqual([]);
  expect(await scene.pool()).not.toHaveProperty('gateway');
});

test('a gateway whose pods are gone is one of which nothing is known', async () => {
  const scene = new Scene().autoscaler({ spec: { signals: { gateway } } }).deployment();
  expect((await scene.pool()).gateway?.queued).toStrictEqual({ kind: 'missing', cause: 'NotScraped' });
});
