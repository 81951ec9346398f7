import type { FallbackBehavior } from '../../../src/core/model/peer-parameters.ts';
import { apaReplicas } from '../../../src/sim/policies/aibrix-apa.ts';
import { aibrixKpaReplicas } from '../../../src/sim/policies/aibrix-kpa.ts';
import { type DampedCase, dampedReplicas } from '../../../src/sim/policies/budscaler.ts';
import { type KthenaCase, kthenaReplicas } from '../../../src/sim/policies/kthena.ts';
import { fallbackMilli, type TriggerReading } from '../../../src/sim/policies/scaled-object.ts';
import { casesOf, type PeerTable } from './table.ts';

const parameters = {
  tickSeconds: 10,
  signal: 'KvUse',
  targetMilli: 500,
  observeWindowSeconds: 180,
  maxScaleUpRate: 2,
  maxScaleDownRate: 2,
  tolerancePercent: 10,
  scaleUpCooldownSeconds: 0,
  scaleDownCooldownSeconds: 300,
  panicWindowSeconds: 60,
  panicThresholdPercent: 200,
} as const;

const apa: Readonly<Record<string, { readonly current: number; readonly mean: number; readonly want: number }>> = {
  'keeps the size inside the tolerance': { current: 4, mean: 0.55, want: 4 },
  'scales by the ratio above it': { current: 4, mean: 0.6, want: 5 },
  'at most doubles': { current: 3, mean: 1.8, want: 6 },
  'scales by the ratio below it': { current: 8, mean: 0.3, want: 5 },
  'at most halves': { current: 9, mean: 0, want: 4 },
};
interface KpaRow {
  readonly current: number;
  readonly stable: number;
  readonly panic: number;
  readonly want: number;
}
const kpa: Readonly<Record<string, KpaRow>> = {
  'settles at the mean of a pod over its target, whatever the size': { current: 4, stable: 1, panic: 1, want: 2 },
  'at most halves': { current: 10, stable: 1, panic: 1, want: 5 },
  'at most doubles': { current: 1, stable: 5, panic: 5, want: 2 },
  'in panic takes the larger mean': { current: 3, stable: 1, panic: 2.4, want: 5 },
  'without stable data is in panic': { current: 1, stable: 0, panic: 1, want: 2 },
  'keeps the size inside the tolerance': { current: 2, stable: 1.05, panic: 1, want: 2 },
};
const kthenaBase: KthenaCase = { sum: 0, target: 10, current: 5, unready: 0, tolerance: 0.1 };
const kthena: Readonly<Record<string, Partial<KthenaCase> & { readonly want: number }>> = {
  'sums over pods, so that nothing runs away': { sum: 71, want: 8 },
  'compares the sum with one target, not with the present size': { sum: 10.5, want: 5 },
  'falls to one below that': { sum: 8, want: 1 },
  'does not shrink while a pod is unready and the sum is a target or more': { sum: 30, unready: 1, want: 5 },
  'rises with an unready pod': { sum: 80, unready: 1, want: 8 },
  'is held by many unready pods': { sum: 60, unready: 5, want: 5 },
  'shrinks with an unready pod when the sum is less than a target': { sum: 8, unready: 1, want: 1 },
};
const damped: Readonly<Record<string, DampedCase & { readonly want: number }>> = {
  'takes 80 % of the way up': { ratio: 1.5, current: 4, effective: 4, want: 6 },
  'at most doubles': { ratio: 9, current: 4, effective: 4, want: 8 },
  'takes half of the way down': { ratio: 0.5, current: 8, effective: 8, want: 6 },
  'at most halves': { ratio: -3, current: 8, effective: 8, want: 4 },
  'starts an increase from ready pods and half of those that start': { ratio: 1.5, current: 4, effective: 3, want: 5 },
  'has a tolerance of a thousandth': { ratio: 1.0005, current: 4, effective: 4, want: 4 },
  'never asks for nothing': { ratio: 0, current: 1, effective: 1, want: 1 },
};
interface FallbackRow {
  readonly failures: number;
  readonly type?: TriggerReading['type'];
  readonly ready?: number;
  readonly spec?: number;
  readonly behavior?: FallbackBehavior;
  readonly want: bigint | undefined;
}
const fallbacks: Readonly<Record<string, FallbackRow>> = {
  'more failures than the threshold make a value of replicas times target': { failures: 4, want: 15_000n },
  'Value divides it by ready pods': { failures: 4, type: 'Value', ready: 2, want: 7500n },
  'Value without a ready pod stays an error': { failures: 4, type: 'Value', ready: 0, want: undefined },
  'as many failures as the threshold are still an error': { failures: 3, want: undefined },
  'currentReplicasIfHigher keeps a larger size': {
    failures: 4,
    spec: 7,
    behavior: 'currentReplicasIfHigher',
    want: 35_000n,
  },
  'currentReplicasIfLower keeps a smaller fallback': {
    failures: 4,
    spec: 7,
    behavior: 'currentReplicasIfLower',
    want: 15_000n,
  },
  'currentReplicas stays': { failures: 4, spec: 7, behavior: 'currentReplicas', want: 35_000n },
};

function fallbackOf({
  failures,
  type = 'AverageValue',
  ready = 3,
  spec = 3,
  behavior = 'static',
}: FallbackRow): unknown {
  const fallback = { failureThreshold: 3, replicas: 3, behavior };
  const counts = { spec, status: spec, ready };
  return fallbackMilli({ type, thresholdMilli: 5000 }, { failures, fallback, counts });
}

export const otherTables: readonly PeerTable[] = [
  {
    peer: 'KEDA',
    what: 'the fallback of a trigger that keeps failing: target 5, threshold 3, 3 replicas',
    cases: casesOf(fallbacks, fallbackOf),
  },
  {
    peer: 'AIBrix APA',
    what: 'replicas by the mean',
    cases: casesOf(apa, ({ current, mean }) => apaReplicas(parameters, current, mean)),
  },
  {
    peer: 'AIBrix KPA',
    what: 'replicas by the stable and the panic mean',
    cases: casesOf(kpa, ({ current, stable, panic }) => aibrixKpaReplicas(parameters, current, { stable, panic })),
  },
  {
    peer: 'Kthena',
    what: 'its recommendation',
    cases: casesOf(kthena, (given) => kthenaReplicas({ ...kthenaBase, ...given })),
  },
  {
    peer: 'BudScaler',
    what: 'the damped ratio',
    cases: casesOf(damped, (given) => dampedReplicas({ tolerancePermille: 1 }, given)),
  },
];
