import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { downLimit, limitRate, longestPeriodSeconds, upLimit } from '../../../../src/core/decision/behavior.ts';
import type { SpecChange } from '../../../../src/core/model/pool.ts';
import { replicas } from '../../../../src/core/model/units.ts';
import { behavior as behaviors, change, size } from '../../../support/arbitraries.ts';
import { percent, pods, rules } from '../../../support/peer-tables/hpa-rates.ts';
import { at } from '../../../support/settle-builders.ts';

const now = at(0);

describe('rate policies', () => {
  test('a change exactly one period old counts no more, one a millisecond younger does', () => {
    const old: SpecChange = { at: at(-60), from: replicas(5), to: replicas(10) };
    expect(upLimit(10, [old], now, rules([pods(5, 60)]))).toBe(15);
    expect(upLimit(10, [{ ...old, at: at(-59.999) }], now, rules([pods(5, 60)]))).toBe(10);
  });

  test('each policy looks back over its own period', () => {
    const change: SpecChange = { at: at(-30), from: replicas(6), to: replicas(10) };
    expect(upLimit(10, [change], now, rules([pods(4, 15), pods(6, 60)]))).toBe(14);
    expect(downLimit(10, [{ ...change, from: replicas(14) }], now, rules([pods(4, 15)]))).toBe(6);
  });

  test('the longest period of both directions is the longest that matters', () => {
    expect(
      longestPeriodSeconds({ scaleUp: rules([pods(1, 60), pods(9, 240)]), scaleDown: rules([percent(5, 120)]) }),
    ).toBe(240);
  });
});

test('property: a rate never moves against the direction, nor past what was wanted', () => {
  fc.assert(
    fc.property(behaviors, size, size, fc.array(change, { maxLength: 6 }), (behavior, current, desired, changes) => {
      const { replicas: allowed } = limitRate({ current, desired, min: 0, max: 1000, changes, now }, behavior);
      expect(allowed).toBeGreaterThanOrEqual(Math.min(current, desired));
      expect(allowed).toBeLessThanOrEqual(Math.max(current, desired));
      expect(Number.isInteger(allowed)).toBe(true);
    }),
    { numRuns: 5000, seed: 1 },
  );
});
