import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LogHistogram } from '../../../src/sim/engine/log-histogram.ts';

it('a ramp counts as each of its values would', () => {
  const ramps = fc.record({
    from: fc.double({ min: 0.5, max: 200, noNaN: true }),
    step: fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 3, noNaN: true })),
    count: fc.integer({ min: 1, max: 400 }),
    weight: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(ramps, ({ from, step, count, weight }) => {
      const whole = new LogHistogram();
      const each = new LogHistogram();
      whole.addRamp(from, step, count, weight);
      for (let i = 0; i < count; i++) each.add(from + i * step, weight);
      expect(whole.total).toBe(each.total);
      expect(whole.mean ?? 0).toBeCloseTo(each.mean ?? 1, 6);
      for (const share of [0.01, 0.25, 0.5, 0.95, 1]) {
        // A value on the edge of two bins may fall to either side.
        const [a, b] = [whole.quantile(share) ?? 0, each.quantile(share) ?? 1];
        expect(Math.abs(Math.log(a / b))).toBeLessThanOrEqual(0.0101);
      }
    }),
    { numRuns: 2000, seed: 5 },
  );
});

it('quantiles are right to half a percent, and nothing has none', () => {
  const histogram = new LogHistogram();
  expect(histogram.quantile(0.5)).toBe(null);
  for (let i = 1; i <= 1000; i++) histogram.add(i, 1);
  expect(Math.abs((histogram.quantile(0.5) ?? 0) / 500 - 1)).toBeLessThan(0.01);
  expect(Math.abs((histogram.quantile(0.99) ?? 0) / 990 - 1)).toBeLessThan(0.01);
});

it('draining one into another moves all of it', () => {
  const [total, step] = [new LogHistogram(), new LogHistogram()];
  step.add(10, 3);
  total.add(20, 1);
  total.drain(step);
  expect([total.total, step.total, step.quantile(0.5)]).toStrictEqual([4, 0, null]);
  expect(total.mean).toBeCloseTo(12.5, 9);
});
