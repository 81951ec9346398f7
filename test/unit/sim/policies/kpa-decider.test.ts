import { describe, expect, test } from 'vitest';
import { KpaDecider, type KpaDecision, type KpaSpec } from '../../../../src/sim/policies/kpa-decider.ts';
import { at } from '../../../support/builders.ts';

interface Given extends Partial<Omit<KpaSpec, 'targetValue'>> {
  readonly target: number;
}
/** As in the table: rates 10, threshold 2, the total a third above the target. */
const specOf = ({ target, ...over }: Given): KpaSpec => ({
  targetValue: target,
  totalValue: target / 0.75,
  targetBurstCapacity: 100,
  maxScaleUpRate: 10,
  maxScaleDownRate: 10,
  panicThreshold: 2,
  stableWindowSeconds: 60,
  scaleDownDelaySeconds: 0,
  activationScale: 1,
  isReachable: true,
  ...over,
});

interface Step {
  readonly s: number;
  readonly ready?: number;
  readonly load: readonly [stable: number, panic: number];
  readonly spec?: Partial<KpaSpec>;
  readonly want: number;
  readonly isPanicking?: boolean;
}
interface Case {
  readonly spec: Given;
  /** Pods when the decider begins; more than one: in panic. */
  readonly begins?: number;
  readonly steps: readonly Step[];
}
const cases: Readonly<Record<string, Case>> = {
  'K1 nothing asks for nothing': { spec: { target: 10 }, steps: [{ s: 0, load: [0, 0], want: 0 }] },
  'K2 one is enough under its target': {
    spec: { target: 181, targetBurstCapacity: -1 },
    steps: [{ s: 0, load: [21, 26], want: 1 }],
  },
  'K3 the stable mean over the target': {
    spec: { target: 10, targetBurstCapacity: 0 },
    steps: [{ s: 0, load: [50, 49], want: 5 }],
  },
  'K4 with one ready': { spec: { target: 10 }, steps: [{ s: 0, load: [50, 50], want: 5 }] },
  'K4 with five ready': { spec: { target: 10 }, steps: [{ s: 0, ready: 5, load: [50, 50], want: 5 }] },
  'K5 in panic the larger of both, here the stable': {
    spec: { target: 1 },
    begins: 5,
    steps: [{ s: 0, ready: 5, load: [50, 30], want: 50, isPanicking: true }],
  },
  'K6 in panic the larger of both, here the panic': {
    spec: { target: 1 },
    begins: 5,
    steps: [{ s: 0, ready: 5, load: [20, 30], want: 30, isPanicking: true }],
  },
  'K7 the rate up rounds up': {
    spec: { target: 1, targetBurstCapacity: 1982, maxScaleUpRate: 1.1 },
    steps: [{ s: 0, ready: 2, load: [3, 3.1], want: 3 }],
  },
  'K8 the rate down rounds down': {
    spec: { target: 10, targetBurstCapacity: 1982, maxScaleDownRate: 1.1 },
    steps: [{ s: 0, ready: 100, load: [1, 1], want: 90 }],
  },
  'K9 unreachable knows no rate down': {
    spec: { target: 10, targetBurstCapacity: 1982, maxScaleDownRate: 1.1, isReachable: false },
    steps: [{ s: 0, ready: 100, load: [1, 1], want: 1 }],
  },
  'K10 panic doubles what is stable': {
    spec: { target: 10, targetBurstCapacity: 84 },
    steps: [{ s: 0, load: [50, 100], want: 10, isPanicking: true }],
  },
  'K11 an exponential rise, in panic all along': {
    spec: { target: 1, targetBurstCapacity: 101 },
    steps: [6, 36, 216, 1296].map((load, i) => ({
      s: i,
      ready: 6 ** i,
      load: [load, load] as const,
      want: load,
      isPanicking: true,
    })),
  },
  'K12 a panic holds until the stable window after it is over': {
    spec: { target: 10, targetBurstCapacity: 93 },
    steps: [
      { s: 0, ready: 1, load: [100, 100], want: 10, isPanicking: true },
      { s: 0, ready: 10, load: [100, 1000], want: 100, isPanicking: true },
      { s: 30, ready: 10, load: [1, 1], want: 100, isPanicking: true },
      { s: 60, ready: 10, load: [1, 1], want: 100, isPanicking: true },
      { s: 61, ready: 10, load: [1, 1], want: 1, isPanicking: false },
    ],
  },
  'K13 rate limit up': {
    spec: { target: 10 },
    steps: [
      { s: 0, ready: 1, load: [1000, 1001], want: 10 },
      { s: 2, ready: 10, load: [1000, 1001], want: 100 },
    ],
  },
  'K14 rate limit down': {
    spec: { target: 10 },
    steps: [
      { s: 0, ready: 100, load: [1, 1], want: 10 },
      { s: 2, ready: 10, load: [1, 1], want: 1 },
    ],
  },
  'K15 no ready pod counts as one': { spec: { target: 10 }, steps: [{ s: 0, ready: 0, load: [1000, 888], want: 10 }] },
  'K16 the activation scale is a minimum only when not zero': {
    spec: { target: 10, activationScale: 2 },
    steps: [
      { s: 0, load: [0, 0], want: 0 },
      { s: 2, load: [1, 0], want: 2 },
    ],
  },
  'K17 the delay holds the highest of its window': {
    spec: { target: 10, scaleDownDelaySeconds: 300 },
    steps: [
      { s: 2, ready: 4, load: [40, 40], want: 4 },
      { s: 300, ready: 4, load: [0, 0], want: 4 },
      { s: 302, ready: 4, load: [0, 0], want: 0 },
    ],
  },
  'K18 the delay lets go step by step': {
    spec: { target: 10, scaleDownDelaySeconds: 300 },
    steps: [
      { s: 540, ready: 4, load: [40, 40], want: 4 },
      { s: 600, ready: 4, load: [30, 30], want: 4 },
      { s: 660, ready: 4, load: [0, 0], want: 4 },
      { s: 840, ready: 4, load: [0, 0], want: 3 },
      { s: 900, ready: 4, load: [0, 0], want: 0 },
    ],
  },
  'K19 unreachable waits for no delay': {
    spec: { target: 10, scaleDownDelaySeconds: 300 },
    steps: [
      { s: 2, ready: 4, load: [40, 40], want: 4 },
      { s: 4, ready: 4, load: [0, 0], spec: { isReachable: false }, want: 0 },
    ],
  },
  'K20 no delay is no window at all': {
    spec: { target: 10 },
    steps: [
      { s: 0, ready: 4, load: [40, 40], want: 4 },
      { s: 0.5, ready: 4, load: [20, 20], want: 2 },
    ],
  },
  'K21 a slow rise leaves its panic': {
    spec: { target: 1, targetBurstCapacity: 98 },
    steps: [
      { s: 0, ready: 10, load: [11, 25], want: 25, isPanicking: true },
      { s: 30, ready: 40, load: [30, 41], want: 41, isPanicking: true },
      { s: 62, ready: 55, load: [50, 56], want: 50, isPanicking: false },
    ],
  },
  'K22 a rise that doubles again extends its panic': {
    spec: { target: 1, targetBurstCapacity: 98 },
    steps: [
      { s: 0, ready: 10, load: [11, 25], want: 25, isPanicking: true },
      { s: 30, ready: 40, load: [30, 80], want: 80, isPanicking: true },
    ],
  },
  'K24 a new target counts at once': {
    spec: { target: 10 },
    steps: [
      { s: 0, ready: 1, load: [100, 101], want: 10 },
      { s: 2, ready: 10, load: [100, 101], spec: { targetValue: 1 }, want: 100 },
    ],
  },
};
function decisions({ spec, begins = 1, steps }: Case): {
  readonly decider: KpaDecider;
  readonly made: readonly KpaDecision[];
} {
  const first = specOf(spec);
  const decider = new KpaDecider(first, { ready: begins, now: at(0) });
  const made = steps.map(({ s, ready = 1, load: [stable, panic], spec: over }) =>
    decider.decide({ ...first, ...over }, at(s), ready, { stable, panic }),
  );
  return { decider, made };
}
describe("Knative's decision function", () => {
  for (const [name, one] of Object.entries(cases)) {
    test(`${name}`, () => {
      const { made } = decisions(one);
      expect(made.map(({ replicas }) => replicas)).toStrictEqual(one.steps.map(({ want }) => want));
      const panics = made.map((decision, i) =>
        one.steps[i]?.isPanicking === undefined ? undefined : decision.isPanicking,
      );
      expect(panics).toStrictEqual(one.steps.map(({ isPanicking }) => isPanicking));
    });
  }
  test('K11, K22 each step over the threshold moves the time of the panic', () => {
    for (const [name, last] of [
      ['K11 an exponential rise, in panic all along', 3],
      ['K22 a rise that doubles again extends its panic', 30],
    ] as const) {
      expect(decisions(cases[name] ?? { spec: { target: 1 }, steps: [] }).decider.panicSince).toBe(at(last));
    }
  });
  test('begins in panic when it finds more than one pod, and so does not shrink', () => {
    const { made } = decisions({
      spec: { target: 10 },
      begins: 5,
      steps: [
        { s: 0, ready: 5, load: [1, 1], want: 5 },
        { s: 61, ready: 5, load: [1, 1], want: 1 },
      ],
    });
    expect(made.map(({ replicas }) => replicas)).toStrictEqual([5, 1]);
  });
});

const bursts: Readonly<Record<string, { readonly name: string; readonly want: number }>> = {
  'K1 less than nothing with one pod': { name: 'K1 nothing asks for nothing', want: Math.floor(10 / 0.75 - 100) },
  'K2 is -1 when the activator always stays': { name: 'K2 one is enough under its target', want: -1 },
  'K3 is 0 when it stays only at zero': { name: 'K3 the stable mean over the target', want: 0 },
  'K4 counts the ready pods': { name: 'K4 with five ready', want: Math.floor((5 * 10) / 0.75 - 100 - 50) },
};
describe('the excess burst capacity', () => {
  for (const [sentence, { name, want }] of Object.entries(bursts)) {
    test(`${sentence}`, () =>
      expect(decisions(cases[name] ?? { spec: { target: 1 }, steps: [] }).made[0]?.excessBurstCapacity).toBe(want));
  }
});
