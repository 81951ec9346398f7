import { describe, expect, test } from 'vitest';
import { defaultBehavior } from '../../../../src/core/model/policy.ts';
import { externalReplicas, Hpa, isWithin } from '../../../../src/sim/policies/hpa.ts';
import { failing, hpa, metric, tenth, view, wants } from '../../../support/peer-tables/hpa.ts';

describe('replicas that one external metric asks for', () => {
  test('no series is no number', () => {
    expect(
      externalReplicas(metric('AverageValue', undefined, 5000), { spec: 3, status: 3, ready: 3 }, tenth),
    ).toBeUndefined();
  });
  test('Value without a ready pod is an error', () => {
    expect(externalReplicas(metric('Value', 9000, 1000), { spec: 3, status: 3, ready: 0 }, tenth)).toBeUndefined();
  });
  test('a ratio of exactly 1.1 is inside a tolerance of a tenth', () => {
    expect(isWithin(11 / 10, tenth)).toBe(true);
    expect(isWithin(0.9, tenth)).toBe(true);
    expect(isWithin(1.1000001, tenth)).toBe(false);
    expect(isWithin(0.8999999, tenth)).toBe(false);
  });
});

describe('one sync', () => {
  test('C5 a failing metric forbids going down', () => {
    expect(hpa().sync(view(0, 5, failing, wants(3)))).toStrictEqual({
      replicas: 5,
      because: 'FailedGetExternalMetric: held',
    });
  });
  test('holds when every metric fails', () => expect(hpa().sync(view(0, 3, failing)).replicas).toBe(3));
  test('takes the largest of several metrics', () =>
    expect(hpa().sync(view(0, 3, wants(4), wants(6), wants(5))).replicas).toBe(6));
  test('C7 the first sync after a restart does not go down', () =>
    expect(hpa().sync(view(0, 5, wants(2))).because).toContain('ScaleDownStabilized'));
  test('C8 a target at zero is left alone unless this HPA put it there', () => {
    expect(hpa({ minReplicas: 0 }).sync(view(0, 0, wants(2)))).toMatchObject({
      replicas: 0,
      because: expect.stringContaining('ScalingDisabled'),
    });
  });
  test('C11 is clamped to the maximum', () =>
    expect(hpa({ maxReplicas: 8 }).sync(view(0, 5, wants(20)))).toMatchObject({
      replicas: 8,
      because: expect.stringContaining('TooManyReplicas'),
    }));
  test('C11 is clamped to the minimum', () => {
    const low = hpa({
      minReplicas: 2,
      behavior: { ...defaultBehavior, scaleDown: { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: 0 } },
    });
    expect(low.sync(view(0, 5, wants(1)))).toMatchObject({
      replicas: 2,
      because: expect.stringContaining('TooFewReplicas'),
    });
  });
});

describe('syncs in a row', () => {
  test('a period that is used up allows nothing more until it is over', () => {
    const one = hpa({
      behavior: {
        ...defaultBehavior,
        scaleUp: { ...defaultBehavior.scaleUp, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
      },
    });
    const sizes: number[] = [];
    let spec = 1;
    for (let s = 0; s <= 360; s += 15) {
      spec = one.sync(view(s, spec, wants(8))).replicas;
      sizes.push(spec);
    }
    expect(sizes.indexOf(8)).toBe(360 / 15);
    expect(sizes.indexOf(2)).toBe(0);
  });
  test('without behavior it doubles, and goes down to the highest of five minutes', () => {
    const { behavior: _, ...plain } = { minReplicas: 1, maxReplicas: 100, tolerance: tenth, behavior: undefined };
    const one = new Hpa(plain);
    expect(one.sync(view(0, 3, wants(50)))).toMatchObject({
      replicas: 6,
      because: expect.stringContaining('ScaleUpLimit'),
    });
    expect(one.sync(view(15, 6, wants(50))).replicas).toBe(12);
    expect(one.sync(view(30, 12, wants(5))).replicas).toBe(24);
    expect(one.sync(view(330, 24, wants(5))).replicas).toBe(5);
  });
});

test('closed form: one replica with demand for 8 goes 1, 5, 8 in two syncs by the default policies', () => {
  const one = hpa();
  const first = one.sync(view(0, 1, wants(8))).replicas;
  expect([first, one.sync(view(15, first, wants(8))).replicas]).toStrictEqual([5, 8]);
});

test('closed form: a saturating gauge at target 0.7 goes 1, 2, 3, 5, 8, one cold start each', () => {
  const one = hpa();
  const sizes = [1];
  for (let i = 0; i < 4; i++) {
    const spec = sizes.at(-1) ?? 1;
    sizes.push(one.sync(view(110 * i, spec, metric('Value', 1000, 700))).replicas);
  }
  expect(sizes).toStrictEqual([1, 2, 3, 5, 8]);
});
