import { describe, expect, test } from 'vitest';
import { rayReplicas } from '../../../../src/sim/policies/ray-serve.ts';
import { look, type PoolGiven, policyNamed, times } from '../../../support/peer-policies.ts';
import type { SimulatedPolicy } from '../../../../src/sim/policies/policy.ts';

/** When the policy first asked for another size than `spec`, and for which. */
function firstChange(
  policy: SimulatedPolicy,
  until: number,
  given: (s: number) => PoolGiven,
): readonly [s: number, size: number] | undefined {
  for (let s = 0; s <= until; s += policy.tickSeconds) {
    const { replicas } = look(policy, s, given(s));
    if (replicas !== undefined) return [s, replicas];
  }
  return undefined;
}

describe('ray-serve', () => {
  const factors = { targetOngoingRequests: 2, upscalingFactorPercent: 100, downscalingFactorPercent: 100 };
  test('is ongoing requests over the target', () => expect(rayReplicas(factors, 3, 15)).toBe(8));
  test('moves a share of the way by its factor', () => {
    expect(rayReplicas({ ...factors, upscalingFactorPercent: 50 }, 2, 12)).toBe(4);
    expect(rayReplicas({ ...factors, downscalingFactorPercent: 50 }, 8, 4)).toBe(5);
  });
  test('a decrease that the factor rounds away is one replica', () =>
    expect(rayReplicas({ ...factors, downscalingFactorPercent: 10 }, 3, 4)).toBe(2));
  test('rises after 30 s of agreeing', async () =>
    expect(firstChange(await policyNamed('ray-serve'), 120, () => ({ ready: [{ running: 15 }] }))).toStrictEqual([
      30, 8,
    ]));
  test('a look that disagrees starts the delay anew', async () => {
    const given = (s: number) => ({ ready: [{ running: s <= 10 || s >= 60 ? 4 : 0 }] });
    expect(firstChange(await policyNamed('ray-serve'), 300, given)).toStrictEqual([75 + 30, 2]);
  });
  test('falls after 600 s of agreeing', async () => {
    const policy = await policyNamed('ray-serve');
    expect(firstChange(policy, 700, () => ({ ready: times(4, { running: 1 }) }))).toStrictEqual([600, 2]);
  });
  test('reaches zero from one alone', async () => {
    const policy = await policyNamed('ray-serve', { minReplicas: 0 });
    expect(firstChange(policy, 700, () => ({ ready: [{}, {}] }))).toStrictEqual([600, 1]);
    const one = await policyNamed('ray-serve', { minReplicas: 0 });
    expect(firstChange(one, 700, () => ({ ready: [{}] }))).toStrictEqual([600, 0]);
  });
  test('leaves zero at once', async () =>
    expect(look(await policyNamed('ray-serve', { minReplicas: 0 }), 0, { ready: [], queued: 3 }).replicas).toBe(1));
});

describe('kubeai', () => {
  test('is the mean of ten minutes that begin at 0', async () => {
    const given = () => ({ ready: [{ running: 400, waiting: 100 }], queued: 100 });
    expect(firstChange(await policyNamed('kubeai'), 600, given)).toStrictEqual([100, 2]);
  });
  test('refuses three decreases before it makes one', async () => {
    const given = () => ({ ready: times(3, { running: 1 }) });
    expect(firstChange(await policyNamed('kubeai'), 600, given)).toStrictEqual([30, 1]);
  });
  test('once it has begun to decrease it goes on without asking again, until a look wants no less', async () => {
    const policy = await policyNamed('kubeai');
    const at10 = (s: number, n: number, running: number) => look(policy, s, { ready: times(n, { running }) }).replicas;
    for (const s of [0, 10, 20, 30]) at10(s, 3, 0);
    expect(at10(40, 2, 0)).toBe(1);
    at10(50, 1, 0);
    expect(at10(60, 2, 0)).toBeUndefined();
  });
  test('skips a pool without endpoints and one without metrics', async () => {
    expect(look(await policyNamed('kubeai'), 0, { ready: [], others: ['LoadingWeights'], queued: 9 }).because).toBe(
      'no endpoints: skipped',
    );
    expect(
      look(await policyNamed('kubeai'), 0, { ready: [{ running: 'ScrapeFailed', waiting: 'ScrapeFailed' }] }).because,
    ).toBe('no metrics of the proxy: skipped');
  });
  test('is woken by a request at its proxy', async () =>
    expect(look(await policyNamed('kubeai', { minReplicas: 0 }), 0, { ready: [], queued: 1 }).replicas).toBe(1));
});

describe('skyserve', () => {
  const steady = (rate: number, n: number) => (s: number) => ({ ready: times(n, {}), requestsTotal: rate * s });
  test('rises after 300 s of decisions that agree', async () => {
    const change = firstChange(await policyNamed('skyserve'), 600, steady(7, 1));
    expect(change?.[1]).toBe(4);
    expect(change?.[0]).toBeGreaterThanOrEqual(300);
    expect(change?.[0]).toBeLessThanOrEqual(320);
  });
  test('falls after 1200 s', async () => {
    const change = firstChange(await policyNamed('skyserve'), 1500, steady(1, 4));
    expect(change).toStrictEqual([1180, 1]);
  });
  test('decides each 5 s at zero, and then at once', async () => {
    const policy = await policyNamed('skyserve', { minReplicas: 0 });
    expect(firstChange(policy, 60, (s) => ({ ready: [], requestsTotal: s < 7 ? 0 : 5 }))).toStrictEqual([10, 1]);
  });
});
