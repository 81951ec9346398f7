import { expect, test } from 'vitest';
import { sampleSize } from '../../../../src/sim/policies/knative-kpa.ts';
import { at, fleetSeen, poolSeen, replicaSeen, samples, targetSeen } from '../../../support/builders.ts';
import { look, policyNamed, times } from '../../../support/peer-policies.ts';

const busy = (n: number) => ({ running: n, waiting: 0 });

test('all of three pods are scraped, then a sample for 95 % confidence', () => {
  expect([0, 1, 3, 4, 16, 100, 1000].map(sampleSize)).toStrictEqual([0, 1, 3, 4, 9, 14, 16]);
});

test('aims at 70 of 100 concurrent requests, those at the gateway included', async () => {
  const policy = await policyNamed('knative-kpa');
  expect(look(policy, 0, { ready: [busy(100)], queued: 110 })).toMatchObject({
    replicas: 3,
    because: 'panic: concurrency 210 stable, 210 panic ask for 3; burst capacity -321',
  });
});

test('K23 holds when no ready pod answers', async () => {
  const policy = await policyNamed('knative-kpa');
  expect(look(policy, 0, { ready: [{ running: 'ScrapeFailed' }] })).toStrictEqual({
    actions: [],
    because: 'ErrNoData: held',
  });
});

test('a pod that does not answer counts as the others do', async () => {
  const policy = await policyNamed('knative-kpa');
  const answer = look(policy, 0, { ready: [busy(70), busy(70), { running: 'ScrapeFailed' }] });
  expect(answer.because).toContain('concurrency 210 stable');
});

test('a large pool is read from a sample, the same for the same seed', async () => {
  const ready = times(16, 0).map((_, i) => busy(10 * i));
  const said = async (seed: number) => look(await policyNamed('knative-kpa', { seed }), 0, { ready }).because;
  expect(await said(1)).toBe(await said(1));
  expect(await said(1)).not.toBe(await said(2));
});

test('of a large pool young pods are scraped last', async () => {
  const pod = (i: number, readyAt: number, running: number) =>
    replicaSeen(`r${i}`, {
      milestones: { createdAt: at(-999), readyAt: at(readyAt) },
      samples: samples(busy(running), at(0)),
    });
  const pods = times(16, 0).map((_, i) => (i < 9 ? pod(i, -60, 10) : pod(i, -59, 1000)));
  const seen = poolSeen({ targets: [targetSeen({ replicas: pods })] });
  const policy = await policyNamed('knative-kpa');
  expect(policy.decide({ now: at(0), seen, fleet: fleetSeen() }).because).toContain('concurrency 160 stable');
});

test('reaches zero after the grace, and wakes by the queue at the gateway', async () => {
  const policy = await policyNamed('knative-kpa', { minReplicas: 0 });
  const sizes: number[] = [];
  let spec = 1;
  for (let s = 0; s <= 40; s += 2) {
    spec = look(policy, s, { ready: times(spec, busy(0)), queued: 0 }).replicas ?? spec;
    sizes.push(spec);
  }
  expect(sizes.indexOf(0)).toBe(30 / 2);
  expect(look(policy, 42, { ready: [], queued: 5 }).replicas).toBe(1);
});
