import { limitRate, limitWithoutBehavior } from '../../../src/core/decision/behavior.ts';
import { type Behavior, defaultBehavior, type ScalingRate, type ScalingRules } from '../../../src/core/model/policy.ts';
import type { SpecChange } from '../../../src/core/model/pool.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { at } from '../settle-builders.ts';
import { casesOf, type PeerTable } from './table.ts';

const now = at(0);
export const pods = (value: number, periodSeconds: number): ScalingRate => ({ type: 'Pods', value, periodSeconds });
export const percent = (value: number, periodSeconds: number): ScalingRate => ({
  type: 'Percent',
  value,
  periodSeconds,
});
export const rules = (
  policies: readonly ScalingRate[],
  selectPolicy: ScalingRules['selectPolicy'] = 'Max',
): ScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy,
  policies,
});
const up = (...policies: readonly ScalingRate[]): Behavior => ({ ...defaultBehavior, scaleUp: rules(policies) });
const down = (...policies: readonly ScalingRate[]): Behavior => ({ ...defaultBehavior, scaleDown: rules(policies) });

/** Changes that all lie inside the period: an addition is positive, a removal negative. */
const changed = (...steps: readonly number[]): readonly SpecChange[] =>
  steps.map((step, i) => ({ at: at(-10 + i), from: replicas(50), to: replicas(50 + step) }));

export interface RateRow {
  readonly behavior: Behavior;
  readonly from: number;
  readonly to: number;
  readonly changes?: readonly SpecChange[];
  readonly min?: number;
  readonly max?: number;
  readonly want: { readonly replicas: number; readonly by?: string };
}
export const rates: Readonly<Record<string, RateRow>> = {
  'B1 doubles by the defaults': {
    behavior: defaultBehavior,
    from: 10,
    to: 50,
    want: { replicas: 20, by: 'ScaleUpLimit' },
  },
  'B2 takes the larger of pods and percent': {
    behavior: up(pods(100, 60), percent(100, 60)),
    from: 10,
    to: 500,
    want: { replicas: 110, by: 'ScaleUpLimit' },
  },
  'B3 takes percent where it is larger': {
    behavior: up(pods(2, 60), percent(100, 60)),
    from: 10,
    to: 500,
    want: { replicas: 20, by: 'ScaleUpLimit' },
  },
  'B4 adds pods': { behavior: up(pods(30, 60)), from: 10, to: 500, want: { replicas: 40, by: 'ScaleUpLimit' } },
  'B5 adds 200 percent': {
    behavior: up(percent(200, 60)),
    from: 10,
    to: 500,
    want: { replicas: 30, by: 'ScaleUpLimit' },
  },
  'B6 rounds a percentage up': {
    behavior: up(percent(1, 60)),
    from: 3,
    to: 1000,
    want: { replicas: 4, by: 'ScaleUpLimit' },
  },
  'B7 removes the larger of pods and percent': {
    behavior: down(pods(20, 60), percent(1, 60)),
    from: 100,
    to: 2,
    want: { replicas: 80, by: 'ScaleDownLimit' },
  },
  'B8 removes pods where they are more': {
    behavior: down(pods(2, 60), percent(1, 60)),
    from: 100,
    to: 2,
    want: { replicas: 98, by: 'ScaleDownLimit' },
  },
  'B9 removes pods': { behavior: down(pods(5, 60)), from: 10, to: 2, want: { replicas: 5, by: 'ScaleDownLimit' } },
  'B10 allows exactly the half': { behavior: down(percent(50, 60)), from: 10, to: 5, want: { replicas: 5 } },
  'B11 stays when the period is used up': {
    behavior: up(pods(5, 120)),
    from: 100,
    to: 200,
    changes: changed(1, 5, 9),
    want: { replicas: 100, by: 'ScaleUpLimit' },
  },
  'B12 counts what was added from the start of the period': {
    behavior: up(pods(150, 120)),
    from: 100,
    to: 500,
    changes: changed(1, 5, 9),
    want: { replicas: 235, by: 'ScaleUpLimit' },
  },
  'B13 takes a percentage of the size at the start': {
    behavior: up(percent(200, 120)),
    from: 100,
    to: 500,
    changes: changed(1, 5, 9),
    want: { replicas: 255, by: 'ScaleUpLimit' },
  },
  'B14 names the maximum where it is nearer': {
    behavior: up(pods(300, 60)),
    from: 100,
    to: 500,
    changes: changed(1, 5, 9),
    max: 200,
    want: { replicas: 200, by: 'TooManyReplicas' },
  },
  'B15 counts both directions going up': {
    behavior: up(percent(300, 300)),
    from: 6,
    to: 24,
    changes: changed(4, -2),
    want: { replicas: 16, by: 'ScaleUpLimit' },
  },
  'B16 stays when what may be removed is removed': {
    behavior: down(pods(5, 120)),
    from: 100,
    to: 0,
    changes: changed(-1, -5, -9),
    want: { replicas: 100, by: 'ScaleDownLimit' },
  },
  'B17 names the minimum where it is nearer': {
    behavior: down(pods(115, 120)),
    from: 100,
    to: 0,
    changes: changed(-1, -5, -9),
    min: 1,
    want: { replicas: 1, by: 'TooFewReplicas' },
  },
  'B18 takes a percentage of the size before the removals': {
    behavior: down(percent(50, 120)),
    from: 100,
    to: 0,
    changes: changed(-2, -4, -6),
    want: { replicas: 56, by: 'ScaleDownLimit' },
  },
  'B19 counts both directions going down': {
    behavior: down(percent(50, 180)),
    from: 10,
    to: 1,
    changes: changed(2, -4),
    want: { replicas: 6, by: 'ScaleDownLimit' },
  },
  'B20 never goes up to honour a removal': {
    behavior: down(percent(10, 120)),
    from: 100,
    to: 0,
    changes: changed(-10, -10, -10),
    want: { replicas: 100, by: 'ScaleDownLimit' },
  },
  'B21 lets more than everything be removed': {
    behavior: down(percent(1000, 120)),
    from: 10,
    to: 5,
    want: { replicas: 5 },
  },
  'B21 and stops at the minimum': {
    behavior: down(percent(1000, 120)),
    from: 10,
    to: 0,
    min: 2,
    want: { replicas: 2, by: 'TooFewReplicas' },
  },
  'B22 takes the smaller change up': {
    behavior: { ...defaultBehavior, scaleUp: rules([pods(2, 60), percent(50, 60)], 'Min') },
    from: 1,
    to: 100,
    want: { replicas: 2, by: 'ScaleUpLimit' },
  },
  'B22 takes the smaller change down': {
    behavior: { ...defaultBehavior, scaleDown: rules([pods(2, 60), percent(50, 60)], 'Min') },
    from: 5,
    to: 0,
    want: { replicas: 3, by: 'ScaleDownLimit' },
  },
  'B23 does not move up when disabled': {
    behavior: { ...defaultBehavior, scaleUp: rules([pods(2, 60)], 'Disabled') },
    from: 7,
    to: 9,
    want: { replicas: 7, by: 'ScaleUpLimit' },
  },
  'B23 does not move down when disabled': {
    behavior: { ...defaultBehavior, scaleDown: rules([pods(2, 60)], 'Disabled') },
    from: 7,
    to: 1,
    want: { replicas: 7, by: 'ScaleDownLimit' },
  },
};
export interface LegacyRow {
  /** Current, desired, minimum, maximum. */
  readonly given: readonly [number, number, number, number];
  readonly want: { readonly replicas: number; readonly by?: string };
}
export const legacies: Readonly<Record<string, LegacyRow>> = {
  'lets a doubling that is not one pass': { given: [5, 7, 3, 8], want: { replicas: 7 } },
  'stops at the minimum': { given: [3, 1, 2, 8], want: { replicas: 2, by: 'TooFewReplicas' } },
  'lets zero pass where the minimum is zero': { given: [1, 0, 0, 10], want: { replicas: 0 } },
  'stops at the maximum': { given: [20, 1000, 1, 10], want: { replicas: 10, by: 'TooManyReplicas' } },
  'stops at the double': { given: [3, 1000, 1, 2000], want: { replicas: 6, by: 'ScaleUpLimit' } },
  'allows 4 from 1': { given: [1, 1000, 1, 2000], want: { replicas: 4, by: 'ScaleUpLimit' } },
  'allows 4 from 2': { given: [2, 1000, 1, 2000], want: { replicas: 4, by: 'ScaleUpLimit' } },
};

export const rateTables: readonly PeerTable[] = [
  {
    peer: 'HPA',
    what: 'what the rate policies leave of a change',
    cases: casesOf(rates, ({ behavior, from, to, changes = [], min = 0, max = 10_000 }) =>
      limitRate({ current: from, desired: to, min, max, changes, now }, behavior),
    ),
  },
  {
    peer: 'HPA',
    what: 'what an HPA without behavior leaves of a change',
    cases: casesOf(legacies, ({ given: [current, desired, min, max] }) =>
      limitWithoutBehavior({ current, desired, min, max }),
    ),
  },
];
