import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stabilise } from '../../../../src/core/decision/behavior.ts';
import { type Behavior, defaultBehavior } from '../../../../src/core/model/policy.ts';
import type { RawRecommendation } from '../../../../src/core/model/memory.ts';
import { replicas } from '../../../../src/core/model/units.ts';
import { behavior as behaviors, size } from '../../../support/arbitraries.ts';
import { at, epoch } from '../../../support/settle-builders.ts';

const now = epoch;

type Recommended = readonly (readonly [replicas: number, minutesAgo: number])[];
const windows = (upSeconds: number, downSeconds: number): Behavior => ({
  scaleUp: { ...defaultBehavior.scaleUp, stabilizationWindowSeconds: upSeconds },
  scaleDown: { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: downSeconds },
});
interface WindowCase {
  readonly behavior: Behavior;
  readonly history: Recommended;
  readonly current: number;
  readonly desired: number;
  readonly want: { readonly replicas: number; readonly by?: string };
}
const fiveMinutesDown = windows(0, 300);
const windowCases: Readonly<Record<string, WindowCase>> = {
  'passes the first recommendation': {
    behavior: fiveMinutesDown,
    history: [],
    current: 100,
    desired: 5,
    want: { replicas: 5 },
  },
  'holds at the highest of the down window': {
    behavior: windows(0, 180),
    history: [
      [4, 2],
      [5, 1],
    ],
    current: 100,
    desired: 3,
    want: { replicas: 5, by: 'ScaleDownStabilized' },
  },
  'holds at the lowest of the up window': {
    behavior: windows(300, 0),
    history: [
      [4, 2],
      [5, 1],
    ],
    current: 1,
    desired: 7,
    want: { replicas: 4, by: 'ScaleUpStabilized' },
  },
  'does not lower by the up window': {
    behavior: windows(300, 0),
    history: [
      [1, 2],
      [2, 1],
    ],
    current: 100,
    desired: 3,
    want: { replicas: 3 },
  },
  'does not raise by the down window': {
    behavior: windows(0, 300),
    history: [
      [4, 2],
      [5, 1],
    ],
    current: 1,
    desired: 3,
    want: { replicas: 3 },
  },
  'forgets what left the window': {
    behavior: windows(300, 0),
    history: [
      [10, 100],
      [6, 1],
      [5, 2],
      [9, 3],
    ],
    current: 1,
    desired: 100,
    want: { replicas: 5, by: 'ScaleUpStabilized' },
  },
  'holds when the down window saw more': {
    behavior: windows(300, 300),
    history: [
      [2, 100],
      [3, 3],
    ],
    current: 2,
    desired: 1,
    want: { replicas: 2, by: 'ScaleDownStabilized' },
  },
  'holds when the up window saw less': {
    behavior: windows(300, 300),
    history: [
      [2, 100],
      [1, 3],
    ],
    current: 2,
    desired: 3,
    want: { replicas: 2, by: 'ScaleUpStabilized' },
  },
};
/** An HPA without `behavior` takes the highest of five minutes, whatever the present size. */
const plainCases: Readonly<
  Record<string, { readonly history: Recommended; readonly desired: number; readonly want: number }>
> = {
  'without history': { history: [], desired: 5, want: 5 },
  'with higher ones in it': {
    history: [
      [4, 2],
      [5, 1],
    ],
    desired: 3,
    want: 5,
  },
  'with lower ones in it': {
    history: [
      [1, 2],
      [2, 1],
    ],
    desired: 3,
    want: 3,
  },
  'with only outdated ones': {
    history: [
      [10, 10],
      [9, 9],
    ],
    desired: 3,
    want: 3,
  },
  'with outdated and young ones': {
    history: [
      [10, 10],
      [4, 1],
      [5, 2],
      [9, 9],
    ],
    desired: 3,
    want: 5,
  },
};
const recommended = (history: Recommended): readonly RawRecommendation[] =>
  history.map(([n, minutesAgo]) => ({ at: at(-60 * minutesAgo), replicas: replicas(n) }));

describe('stabilisation windows', () => {
  for (const [name, { behavior, history, current, desired, want }] of Object.entries(windowCases)) {
    test(`${name}`, () => {
      expect(stabilise({ current, desired, history: recommended(history), now: epoch }, behavior)).toStrictEqual(want);
    });
  }
  for (const [name, { history, desired, want }] of Object.entries(plainCases)) {
    test(`five minutes down from far above, ${name}`, () => {
      expect(stabilise({ current: 100, desired, history: recommended(history), now }, fiveMinutesDown).replicas).toBe(
        want,
      );
    });
  }

  test('a recommendation exactly as old as the window has left it', () => {
    const history = [{ at: at(-300), replicas: replicas(9) }];
    expect(stabilise({ current: 9, desired: 2, history, now }, fiveMinutesDown).replicas).toBe(2);
    const young = [{ at: at(-299.999), replicas: replicas(9) }];
    expect(stabilise({ current: 9, desired: 2, history: young, now }, fiveMinutesDown).replicas).toBe(9);
  });
});

test('property: a window never moves against the direction, and a constant recommendation passes it', () => {
  const raw = fc.record({ at: fc.integer({ min: -900, max: -1 }).map(at), replicas: size.map(replicas) });
  fc.assert(
    fc.property(behaviors, size, size, fc.array(raw, { maxLength: 8 }), (behavior, current, desired, history) => {
      const { replicas: stable } = stabilise({ current, desired, history, now }, behavior);
      expect(stable).toBeGreaterThanOrEqual(Math.min(current, desired));
      expect(stable).toBeLessThanOrEqual(Math.max(current, desired));
      const constant = history.map((entry) => ({ ...entry, replicas: replicas(desired) }));
      expect(stabilise({ current, desired, history: constant, now }, behavior).replicas).toBe(desired);
    }),
    { numRuns: 5000, seed: 2 },
  );
});
