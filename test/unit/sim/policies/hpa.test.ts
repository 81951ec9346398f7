import { describe, expect, test } from 'vitest';
import { defaultBehavior } from '../../../../src/core/model/policy.ts';
import { externalReplicas, Hpa, type HpaMetric, type HpaSetting, isWithin } from '../../../../src/sim/policies/hpa.ts';
import { at } from '../../../support/settle-builders.ts';

const tenth = { up: 0.1, down: 0.1 };
const metric = (
  type: HpaMetric['type'],
  usage: number | bigint | undefined,
  targetMilli: number | bigint,
): HpaMetric => ({
  name: 'queue',
  type,
  usageMilli: usage === undefined ? undefined : BigInt(usage),
  targetMilli: BigInt(targetMilli),
});
const maxInt64 = 9_223_372_036_854_775_807n;

interface Row {
  readonly type: HpaMetric['type'];
  readonly usage: number | bigint;
  readonly target: number | bigint;
  readonly spec: number;
  readonly ready?: number;
  readonly status?: number;
  readonly tolerance?: HpaSetting['tolerance'];
  readonly want: number;
}
const rows: Readonly<Record<string, Row>> = {
  'R11 Value up, all ready': { type: 'Value', usage: 8600, target: 4400, spec: 3, want: 6 },
  'R12 Value with one ready of three undershoots': {
    type: 'Value',
    usage: 8600,
    target: 4400,
    spec: 3,
    ready: 1,
    want: 2,
  },
  'R13 AverageValue up': { type: 'AverageValue', usage: 8600, target: 2150, spec: 3, want: 4 },
  'R19 Value down': { type: 'Value', usage: 8600, target: 14_334, spec: 5, want: 3 },
  'R20 AverageValue down': { type: 'AverageValue', usage: 8600, target: 2867, spec: 5, want: 3 },
  'R23 Value inside the tolerance': { type: 'Value', usage: 8600, target: 8888, spec: 3, want: 3 },
  'R23 AverageValue inside the tolerance': { type: 'AverageValue', usage: 8600, target: 2900, spec: 3, want: 3 },
  'R28 Value outside 1 percent': {
    type: 'Value',
    usage: 8900,
    target: 8800,
    spec: 3,
    tolerance: { up: 0.01, down: 0.1 },
    want: 4,
  },
  'R28 AverageValue outside 1 percent': {
    type: 'AverageValue',
    usage: 8600,
    target: 2800,
    spec: 3,
    tolerance: { up: 0.01, down: 0.1 },
    want: 4,
  },
  'R39 an overflow stops at MaxInt32': {
    type: 'AverageValue',
    usage: maxInt64,
    target: 1,
    spec: 1,
    want: 2_147_483_647,
  },
  'R39 the largest target is met by one': { type: 'AverageValue', usage: maxInt64, target: maxInt64, spec: 1, want: 1 },
  'C1 Value': { type: 'Value', usage: 8600, target: 6666, spec: 3, want: 4 },
  'C2 AverageValue': { type: 'AverageValue', usage: 8600, target: 2222, spec: 3, want: 4 },
  'AverageValue from zero needs no tolerance': {
    type: 'AverageValue',
    usage: 1000,
    target: 5000,
    spec: 0,
    status: 0,
    want: 1,
  },
  'Value from zero needs no ready pod': {
    type: 'Value',
    usage: 1000,
    target: 1000,
    spec: 0,
    status: 0,
    ready: 0,
    want: 1,
  },
  'AverageValue inside the tolerance returns the status of a surge': {
    type: 'AverageValue',
    usage: 40_000,
    target: 10_000,
    spec: 3,
    status: 4,
    want: 4,
  },
};
describe('replicas that one external metric asks for', () => {
  for (const [
    name,
    { type, usage, target, spec, ready = spec, status = spec, tolerance = tenth, want },
  ] of Object.entries(rows)) {
    test(`${name}`, () =>
      expect(externalReplicas(metric(type, usage, target), { spec, status, ready }, tolerance)).toBe(want));
  }
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

const hpa = (setting: Partial<HpaSetting> = {}): Hpa =>
  new Hpa({ minReplicas: 1, maxReplicas: 100, tolerance: tenth, behavior: defaultBehavior, ...setting });
const view = (s: number, spec: number, ...metrics: readonly HpaMetric[]): Parameters<Hpa['sync']>[0] => ({
  now: at(s),
  spec,
  status: spec,
  ready: spec,
  metrics,
});
const wants = (n: number): HpaMetric => metric('AverageValue', n * 1000, 1000);
const failing = metric('AverageValue', undefined, 1000);

describe('one sync', () => {
  test('C5 a failing metric forbids going down', () => {
    expect(hpa().sync(view(0, 5, failing, wants(3)))).toStrictEqual({
      replicas: 5,
      because: 'FailedGetExternalMetric: held',
    });
  });
  test('C6 a failing metric does not forbid going up', () =>
    expect(hpa().sync(view(0, 3, failing, wants(4))).replicas).toBe(4));
  test('holds when every metric fails', () => expect(hpa().sync(view(0, 3, failing)).replicas).toBe(3));
  test('takes the largest of several metrics', () =>
    expect(hpa().sync(view(0, 3, wants(4), wants(6), wants(5))).replicas).toBe(6));
  test('C7 the first sync after a restart does not go down', () =>
    expect(hpa().sync(view(0, 5, wants(2))).because).toContain('ScaleDownStabilized'));
  test('C8 a target at zero is left alone unless the minimum is zero', () => {
    expect(hpa({ minReplicas: 3 }).sync(view(0, 0, wants(2)))).toMatchObject({
      replicas: 0,
      because: expect.stringContaining('ScalingDisabled'),
    });
    expect(hpa({ minReplicas: 0 }).sync(view(0, 0, wants(2))).replicas).toBe(2);
  });
  test('C9 below the minimum no metric is asked', () =>
    expect(hpa({ minReplicas: 3 }).sync(view(0, 2, failing)).replicas).toBe(3));
  test('C10 above the maximum no metric is asked', () =>
    expect(hpa({ maxReplicas: 5 }).sync(view(0, 10, failing)).replicas).toBe(5));
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
  test('C12 goes to zero where the minimum is zero', () => {
    const zero = hpa({
      minReplicas: 0,
      behavior: { ...defaultBehavior, scaleDown: { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: 0 } },
    });
    expect(zero.sync(view(0, 2, wants(0))).replicas).toBe(0);
  });
});

describe('syncs in a row', () => {
  test('C13 an outdated recommendation holds nothing, a young one does', () => {
    const one = hpa();
    one.sync(view(0, 10, wants(10)));
    one.sync(view(540, 4, wants(4)));
    expect(one.sync(view(600, 4, wants(3))).replicas).toBe(4);
    expect(one.sync(view(841, 4, wants(3))).replicas).toBe(3);
  });
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
