import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { histogramQuantile } from '../../../../src/sim/policies/histogram-quantile.ts';

const of = (bounds: readonly number[], counts: readonly number[]) => (quantile: number) =>
  histogramQuantile(quantile, { bounds, counts });

/** Rules of `histogram_quantile` as Prometheus documents them, worked by hand. */
const cases = {
  'is linear inside the bucket': { q: 0.5, bounds: [1, 2, 4], counts: [0, 10, 20, 20], want: 2 },
  'takes its place between the bounds': { q: 0.75, bounds: [1, 2, 4], counts: [0, 10, 20, 20], want: 3 },
  'begins the first bucket at 0': { q: 0.5, bounds: [1, 2], counts: [10, 10, 10], want: 0.5 },
  'answers the last bound for what lies beyond it': { q: 0.95, bounds: [1, 2], counts: [0, 5, 10], want: 2 },
  'passes over empty buckets': { q: 0.9, bounds: [1, 2, 4, 8], counts: [5, 5, 5, 10, 10], want: 7.2 },
  'answers the largest at 1': { q: 1, bounds: [1, 2, 4], counts: [1, 2, 2, 2], want: 2 },
  'takes a count that falls for the one before': { q: 0.5, bounds: [1, 2, 4], counts: [4, 3, 8, 8], want: 1 },
  'has no value when nothing was counted': { q: 0.95, bounds: [1, 2], counts: [0, 0, 0], want: undefined },
  'has no value without buckets': { q: 0.95, bounds: [], counts: [7], want: undefined },
  'has no value for a quantile that is no number': { q: NaN, bounds: [1], counts: [1, 1], want: undefined },
  'is minus infinity below 0': { q: -0.1, bounds: [1], counts: [1, 1], want: -Infinity },
  'is infinity above 1': { q: 1.1, bounds: [1], counts: [1, 1], want: Infinity },
} as const;

describe('histogramQuantile', () => {
  for (const [name, { q, bounds, counts, want }] of Object.entries(cases)) {
    test(`histogramQuantile ${name}`, () => expect(of(bounds, counts)(q)).toStrictEqual(want));
  }

  test('lies in the bucket of the true quantile, whatever the values, and does not depend on the scale of counts', () => {
    const bounds = [0.1, 0.5, 1, 5, 20];
    const values = fc.array(fc.double({ min: 0.001, max: 19, noNaN: true }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 100 }), (list, percent) => {
        const counts = [...bounds, Infinity].map((bound) => list.filter((v) => v <= bound).length);
        const answer = of(bounds, counts)(percent / 100) ?? NaN;
        const rank = Math.ceil((percent / 100) * list.length - 1e-9);
        const exact = list.toSorted((a, b) => a - b)[Math.max(0, rank - 1)] ?? NaN;
        const upper = bounds.findIndex((bound) => exact <= bound);
        expect(answer).toBeLessThanOrEqual((bounds[upper] ?? NaN) + 1e-9);
        expect(answer).toBeGreaterThanOrEqual((bounds[upper - 1] ?? 0) - 1e-9);
        const rates = counts.map((count) => count / 64);
        expect(of(bounds, rates)(percent / 100)).toBeCloseTo(answer, 9);
      }),
      { seed: 11 },
    );
  });
});
