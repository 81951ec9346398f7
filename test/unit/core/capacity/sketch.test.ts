import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addToSketch,
  emptySketch,
  exponentialBuckets,
  quantileOf,
  type Buckets,
} from '../../../../src/core/capacity/sketch.ts';
import { at } from '../../../support/builders.ts';

/** The recommender's own test options: buckets of 1 from 0. */
const unitBuckets: Buckets = { count: 102, startOf: (i) => i, bucketOf: (v) => Math.min(101, Math.floor(v)) };
const day = 86_400;

function sketchOf(samples: readonly { readonly value: number; readonly weight: number; readonly days: number }[]) {
  let sketch = emptySketch(at(0));
  for (const { value, weight, days } of samples) {
    for (let i = 0; i < weight; i++)
      sketch = addToSketch(sketch, { value, at: at(days * day), halfLifeSeconds: day }, unitBuckets);
  }
  return sketch;
}

test('samples one half-life apart weigh as the vertical recommender weighs them', () => {
  const sketch = sketchOf([1, 2, 3, 4].map((n, i) => ({ value: n, weight: n, days: i })));
  const want = [
    [0, 2],
    [0.02, 2],
    [0.03, 3],
    [0.1, 3],
    [0.11, 4],
    [0.34, 4],
    [0.35, 5],
    [1, 5],
  ] as const;
  for (const [p, value] of want) expect([p, quantileOf(sketch, p, unitBuckets)]).toEqual([p, value]);
});

test('without decay weights count as they are', () => {
  const sketch = sketchOf([1, 2, 3, 4].map((n) => ({ value: n, weight: n, days: 0 })));
  const want = [
    [0, 2],
    [0.1, 2],
    [0.2, 3],
    [0.3, 3],
    [0.4, 4],
    [0.6, 4],
    [0.7, 5],
    [1, 5],
  ] as const;
  for (const [p, value] of want) expect([p, quantileOf(sketch, p, unitBuckets)]).toEqual([p, value]);
});

test('a thousand samples of twenty half-lives ago are outweighed by one of now', () => {
  const sketch = sketchOf([
    { value: 2, weight: 1000, days: 0 },
    { value: 1, weight: 1, days: 20 },
  ]);
  expect(quantileOf(sketch, 0.999, unitBuckets)).toBe(2);
  expect(quantileOf(sketch, 1, unitBuckets)).toBe(3);
});

test('after a hundred half-lives the old samples are gone', () => {
  const sketch = sketchOf([
    { value: 2, weight: 1, days: 0 },
    { value: 1, weight: 1, days: 101 },
  ]);
  expect(quantileOf(sketch, 1, unitBuckets)).toBe(2);
});

test('an empty sketch answers 0', () => expect(quantileOf(emptySketch(at(0)), 0.9, unitBuckets)).toBe(0));

test('a quantile is never under a value by more than nothing nor over it by more than a bucket', () => {
  const buckets = exponentialBuckets(1, 1.08, 7200);
  fc.assert(
    fc.property(fc.double({ min: 1, max: 7000, noNaN: true }), (value) => {
      const sketch = addToSketch(emptySketch(at(0)), { value, at: at(0), halfLifeSeconds: day }, buckets);
      const answer = quantileOf(sketch, 0.9, buckets);
      expect(answer).toBeGreaterThanOrEqual(value * (1 - 1e-9));
      expect(answer).toBeLessThanOrEqual(value * 1.081 + 1.1);
    }),
    { numRuns: 2000 },
  );
});
