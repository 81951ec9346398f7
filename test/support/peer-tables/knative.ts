import { ConcurrencyBuckets } from '../../../src/sim/policies/concurrency-buckets.ts';
import { KpaDecider, type KpaDecision, type KpaSpec } from '../../../src/sim/policies/kpa-decider.ts';
import { SlidingMaximum } from '../../../src/sim/policies/sliding-maximum.ts';
import { at } from '../builders.ts';
import { casesOf, type PeerTable } from './table.ts';

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
export interface KpaCase {
  readonly spec: Given;
  /** Pods when the decider begins; more than one: in panic. */
  readonly begins?: number;
  readonly steps: readonly Step[];
}
export const kpaCases: Readonly<Record<string, KpaCase>> = {
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
export function decisions({ spec, begins = 1, steps }: KpaCase): {
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
export const written = (...values: readonly (readonly [value: number, s: number])[]): ConcurrencyBuckets => {
  const buckets = new ConcurrencyBuckets(5, 1);
  for (const [value, s] of values) buckets.record(at(s), value);
  return buckets;
};
const five = [
  [1, 0],
  [2, 1],
  [3, 2],
  [4, 3],
  [5, 4],
] as const;

const averages: Readonly<
  Record<string, { readonly buckets: ConcurrencyBuckets; readonly s: number; readonly want: number }>
> = {
  'is the one value': { buckets: written([1, 0]), s: 0, want: 1 },
  'is the mean of a full window': { buckets: written(...five), s: 4, want: 3 },
  'is the same when read a little earlier than the last write': { buckets: written(...five), s: 3.6, want: 3 },
  'leaves out what has left the window': { buckets: written(...five), s: 6, want: (15 - 1 - 2) / 3 },
  'is 0 after a silence as long as the window': { buckets: written(...five), s: 10, want: 0 },
  'counts a gap as 0': { buckets: written(...five, [91, 6]), s: 6, want: (15 - 1 - 2 + 91) / 5 },
  'forgets everything after a long silence': { buckets: written(...five, [91, 6], [1984, 66]), s: 66, want: 1984 },
  'takes an older value that is still inside': {
    buckets: written(...five, [1984, 66], [4, 63]),
    s: 66,
    want: (4 + 1984) / 4,
  },
  'ignores a value as old as the window': { buckets: written([1984, 66], [4, 63], [99, 61]), s: 66, want: 497 },
  'forgets everything after a silence of exactly the window': { buckets: written([7, 0], [10, 5]), s: 5, want: 10 },
  'is that of values which come in falling order of time': {
    buckets: written(...[8, 7, 6, 5, 4, 3, 2, 1, 0].map((s) => [5, s] as const)),
    s: 8,
    want: 5,
  },
  'adds what falls into one bucket': { buckets: written([2, 0], [3, 0.9]), s: 0.9, want: 5 },
};
const maxima: Readonly<
  Record<
    string,
    { readonly values: readonly (readonly [value: number, s: number])[]; readonly want: readonly number[] }
  >
> = {
  'of the last five': {
    values: [5, 8, 5, 7, 5, 5, 1, 4, 4, 4, 4, 9, 3, 4, 2, 1, 0].map((value, s) => [value, s] as const),
    want: [5, 8, 8, 8, 8, 8, 7, 7, 5, 5, 4, 9, 9, 9, 9, 9, 4],
  },
  'over a gap of three': {
    values: [
      [6, 0],
      [5, 1],
      [2, 2],
      [1, 6],
    ],
    want: [6, 6, 6, 2],
  },
  'of one bucket is its larger value': {
    values: [
      [3, 0],
      [7, 0.4],
      [4, 0.8],
    ],
    want: [3, 7, 7],
  },
};

function maximaOf(values: readonly (readonly [value: number, s: number])[]): readonly number[] {
  const maximum = new SlidingMaximum(5, 1);
  return values.map(([value, s]) => {
    maximum.record(at(s), value);
    return maximum.current;
  });
}

/** Replicas of each step, with whether it panics where the table says so. */
const wanted = ({ steps }: KpaCase): unknown =>
  steps.map(({ want, isPanicking }) => (isPanicking === undefined ? want : [want, isPanicking]));
const made = (one: KpaCase): unknown =>
  decisions(one).made.map(({ replicas, isPanicking }, i) =>
    one.steps[i]?.isPanicking === undefined ? replicas : [replicas, isPanicking],
  );

export const knativeTables: readonly PeerTable[] = [
  {
    peer: 'Knative KPA',
    what: 'its decision function',
    cases: Object.fromEntries(
      Object.entries(kpaCases).map(([name, one]) => [name, { want: wanted(one), ours: (): unknown => made(one) }]),
    ),
  },
  {
    peer: 'Knative KPA',
    what: 'the average of buckets',
    cases: casesOf(averages, ({ buckets, s }) => buckets.average(at(s))),
  },
  { peer: 'Knative KPA', what: 'the sliding maximum', cases: casesOf(maxima, ({ values }) => maximaOf(values)) },
];
