import { describe, expect, test } from 'vitest';
import { ConcurrencyBuckets, weightedCoefficient } from '../../../../src/sim/policies/concurrency-buckets.ts';
import { at } from '../../../support/builders.ts';
import { written } from '../../../support/peer-tables/knative.ts';

test('has no data before the first write and a window after the last', () => {
  expect([
    new ConcurrencyBuckets(5, 1).isEmpty(at(0)),
    written([1, 0]).isEmpty(at(4)),
    written([1, 0]).isEmpty(at(5)),
  ]).toStrictEqual([true, false, true]);
});

test('a window of 5 s by granules of 3 s has 2 buckets', () => expect(new ConcurrencyBuckets(5, 3).size).toBe(2));

describe('weights', () => {
  test('of 6, 40 and 60 buckets', () => {
    expect(weightedCoefficient(6)).toBeCloseTo(0.78456, 5);
    expect(weightedCoefficient(40)).toBeCloseTo(0.20567, 5);
    expect(weightedCoefficient(60)).toBe(0.2);
  });
  test('lay most on the newest', () => {
    const buckets = written(...[2, 3, 4, 5, 6].map((value, s) => [value, s] as const));
    expect(buckets.weightedAverage(at(4))).toBeCloseTo(5.812, 3);
  });
  test('fade while nothing comes', () => {
    const buckets = written([6, 4]);
    expect(buckets.weightedAverage(at(6))).toBeCloseTo(
      6 * weightedCoefficient(5) * (1 - weightedCoefficient(5)) ** 2,
      5,
    );
  });
});
