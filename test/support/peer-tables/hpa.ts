import { defaultBehavior } from '../../../src/core/model/policy.ts';
import { externalReplicas, Hpa, type HpaMetric, type HpaSetting } from '../../../src/sim/policies/hpa.ts';
import { type PodOfMetric, podsReplicas } from '../../../src/sim/policies/hpa-pods.ts';
import { times } from '../peer-policies.ts';
import { at } from '../settle-builders.ts';
import { casesOf, type PeerTable } from './table.ts';

export const tenth = { up: 0.1, down: 0.1 };
export const metric = (
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

export interface ExternalRow {
  readonly type: HpaMetric['type'];
  readonly usage: number | bigint;
  readonly target: number | bigint;
  readonly spec: number;
  readonly ready?: number;
  readonly status?: number;
  readonly tolerance?: HpaSetting['tolerance'];
  readonly want: number;
}
export const external: Readonly<Record<string, ExternalRow>> = {
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
export const running = (milli?: number): PodOfMetric =>
  milli === undefined ? { state: 'Running' } : { state: 'Running', milli: BigInt(milli) };
export const pending: PodOfMetric = { state: 'Pending', milli: 100n };

export interface PodsRow {
  readonly pods: readonly PodOfMetric[];
  readonly target: number;
  readonly spec: number;
  readonly up?: number;
  readonly want: number | undefined;
}
export const pods: Readonly<Record<string, PodsRow>> = {
  'R5 up': { pods: [20_000, 10_000, 30_000].map(running), target: 15_000, spec: 3, want: 4 },
  'R6 readiness does not count, a hot unready pod does': {
    pods: [50_000, 10_000, 30_000].map(running),
    target: 15_000,
    spec: 3,
    want: 6,
  },
  'R7 the mean is an integer division': {
    pods: [50_000, 15_000, 30_000].map(running),
    target: 15_000,
    spec: 3,
    want: 7,
  },
  'R18 down': { pods: times(5, running(12_000)), target: 20_000, spec: 5, want: 3 },
  'R23 inside the tolerance': { pods: times(3, running(20_666)), target: 20_000, spec: 3, want: 3 },
  'R28 outside a tolerance of 1 percent upwards': {
    pods: times(3, running(20_666)),
    target: 20_000,
    spec: 3,
    up: 0.01,
    want: 4,
  },
  'R4 pods that end are ignored': {
    pods: [running(500), running(700), { state: 'Ignored', milli: 0n }, { state: 'Ignored' }],
    target: 300,
    spec: 2,
    want: 4,
  },
  'R17 Pending pods do not hold a decrease': {
    pods: [running(100), ...times(4, { state: 'Pending' } as const)],
    target: 500,
    spec: 5,
    want: 1,
  },
  'R30 missing pods damp a decrease: each counts as the target': {
    pods: [running(400), running(95), running(), running()],
    target: 1000,
    spec: 4,
    want: 3,
  },
  'R31 a missing pod at a ratio of 1 changes nothing': {
    pods: [running(1000), running()],
    target: 1000,
    spec: 2,
    want: 2,
  },
  'R31 a missing pod cancels an increase': { pods: [running(1900), running()], target: 1000, spec: 2, want: 2 },
  'R31 a missing pod cancels a decrease': { pods: [running(600), running()], target: 1000, spec: 2, want: 2 },
  'R32 missing and Pending pods damp an increase: each counts as 0': {
    pods: [pending, running(2000), running()],
    target: 500,
    spec: 3,
    want: 4,
  },
  'R3 Pending pods cancel an increase': {
    pods: [running(400), { state: 'Pending' }, { state: 'Pending' }],
    target: 300,
    spec: 3,
    want: 3,
  },
  'R36 in a surge a decrease that recomputes to more is not made': {
    pods: [running(10_000), running(10_000), running()],
    target: 17_000,
    spec: 2,
    want: 2,
  },
  'R37 no sample of a running pod is an error': { pods: [running(), pending], target: 500, spec: 2, want: undefined },
};
export interface ObjectRow {
  readonly type: 'Value' | 'AverageValue';
  readonly usage: number;
  readonly target: number;
  readonly spec: number;
  readonly ready?: number;
  readonly up?: number;
  readonly want: number;
}
export const objects: Readonly<Record<string, ObjectRow>> = {
  'R8 Value up': { type: 'Value', usage: 20_000, target: 15_000, spec: 3, want: 4 },
  'R9 AverageValue up': { type: 'AverageValue', usage: 20_000, target: 5000, spec: 3, want: 4 },
  'R10 Value multiplies ready pods': { type: 'Value', usage: 50_000, target: 10_000, spec: 3, ready: 1, want: 5 },
  'R14 from zero': { type: 'Value', usage: 1000, target: 1000, spec: 0, want: 1 },
  'R21 AverageValue down': { type: 'AverageValue', usage: 6000, target: 2000, spec: 5, want: 3 },
  'R23 AverageValue inside the tolerance': { type: 'AverageValue', usage: 20_166, target: 5000, spec: 4, want: 4 },
  'R28 AverageValue outside 1 percent': {
    type: 'AverageValue',
    usage: 20_208,
    target: 5000,
    spec: 4,
    up: 0.01,
    want: 5,
  },
};

/** One HPA of the reference's setting: 1 to 100 replicas. */
export const hpa = (setting: Partial<HpaSetting> = {}): Hpa =>
  new Hpa({ minReplicas: 1, maxReplicas: 100, tolerance: tenth, behavior: defaultBehavior, ...setting });
export type SyncMetric = Parameters<Hpa['sync']>[0]['metrics'][number];
export const view = (s: number, spec: number, ...metrics: readonly SyncMetric[]): Parameters<Hpa['sync']>[0] => ({
  now: at(s),
  spec,
  status: spec,
  ready: spec,
  metrics,
});
export const wants = (n: number): HpaMetric => metric('AverageValue', n * 1000, 1000);
export const failing: HpaMetric = metric('AverageValue', undefined, 1000);

const eager = {
  ...defaultBehavior,
  scaleDown: { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: 0 },
};
export interface SyncRow {
  readonly setting?: Partial<HpaSetting>;
  readonly syncs: readonly (readonly [s: number, spec: number, ...metrics: readonly SyncMetric[]])[];
  readonly want: number;
}
const kv = { name: 'kv', type: 'Pods', pods: [running(), running()], targetMilli: 700n } as const;
export const syncs: Readonly<Record<string, SyncRow>> = {
  'C3 a metric without samples does not forbid going up': { syncs: [[0, 3, kv, wants(4)]], want: 4 },
  'C4 a metric without samples forbids going down': { syncs: [[0, 5, kv, wants(1)]], want: 5 },
  'C5 a failing metric forbids going down': { syncs: [[0, 5, failing, wants(3)]], want: 5 },
  'C6 a failing metric does not forbid going up': { syncs: [[0, 3, failing, wants(4)]], want: 4 },
  'C7 the first sync after a restart does not go down': { syncs: [[0, 5, wants(2)]], want: 5 },
  'C8 a target at zero is left alone where the minimum is above it': {
    setting: { minReplicas: 3 },
    syncs: [[0, 0, wants(2)]],
    want: 0,
  },
  'C8 a target at zero that it did not put there is left alone even where the minimum is zero': {
    setting: { minReplicas: 0 },
    syncs: [[0, 0, wants(2)]],
    want: 0,
  },
  'C8 a target that it put at zero follows its metric': {
    setting: { minReplicas: 0, behavior: eager },
    syncs: [
      [0, 1, wants(0)],
      [15, 0, wants(2)],
    ],
    want: 2,
  },
  'C9 below the minimum no metric is asked': { setting: { minReplicas: 3 }, syncs: [[0, 2, failing]], want: 3 },
  'C10 above the maximum no metric is asked': { setting: { maxReplicas: 5 }, syncs: [[0, 10, failing]], want: 5 },
  'C11 is clamped to the maximum': { setting: { maxReplicas: 8 }, syncs: [[0, 5, wants(20)]], want: 8 },
  'C11 is clamped to the minimum': {
    setting: { minReplicas: 2, behavior: eager },
    syncs: [[0, 5, wants(1)]],
    want: 2,
  },
  'C12 goes to zero where the minimum is zero': {
    setting: { minReplicas: 0, behavior: eager },
    syncs: [[0, 2, wants(0)]],
    want: 0,
  },
  'C13 a young recommendation holds': {
    syncs: [
      [0, 10, wants(10)],
      [540, 4, wants(4)],
      [600, 4, wants(3)],
    ],
    want: 4,
  },
  'C13 an outdated recommendation holds nothing': {
    syncs: [
      [0, 10, wants(10)],
      [540, 4, wants(4)],
      [841, 4, wants(3)],
    ],
    want: 3,
  },
};
function lastOf({ setting, syncs: all }: SyncRow): number | undefined {
  const one = hpa(setting);
  return all.map((sync) => one.sync(view(...sync)).replicas).at(-1);
}

export const hpaTables: readonly PeerTable[] = [
  {
    peer: 'HPA',
    what: 'replicas that one external metric asks for',
    cases: casesOf(external, ({ type, usage, target, spec, ready = spec, status = spec, tolerance = tenth }) =>
      externalReplicas(metric(type, usage, target), { spec, status, ready }, tolerance),
    ),
  },
  {
    peer: 'HPA',
    what: 'replicas that an Object metric asks for, which is computed as an external one',
    cases: casesOf(objects, ({ type, usage, target, spec, ready = spec, up = 0.1 }) =>
      externalReplicas(metric(type, usage, target), { spec, status: spec, ready }, { up, down: 0.1 }),
    ),
  },
  {
    peer: 'HPA',
    what: 'replicas that a Pods metric asks for',
    cases: casesOf(pods, ({ pods: all, target, spec, up = 0.1 }) =>
      podsReplicas({ pods: all, targetMilli: BigInt(target), spec }, { up, down: 0.1 }),
    ),
  },
  { peer: 'HPA', what: 'replicas after the last of some syncs', cases: casesOf(syncs, lastOf) },
];
