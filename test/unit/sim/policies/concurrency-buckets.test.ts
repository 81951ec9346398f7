import { describe, expect, test } from 'vitest';
import { ConcurrencyBuckets, weightedCoefficient } from '../../../../src/sim/policies/concurrency-buckets.ts';
import { SlidingMaximum } from '../../../../src/sim/policies/sliding-maximum.ts';
import { at } from '../../../support/builders.ts';

const written = (...values: readonly (readonly [value: number, s: number])[]): ConcurrencyBuckets => {
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
describe('the average of buckets', () => {
  for (const [name, { buckets, s, want }] of Object.entries(averages)) {
    test(`${name}`, () => expect(buckets.average(at(s))).toBe(want));
  }
});

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
describe('the sliding maximum', () => {
  for (const [name, { values, want }] of Object.entries(maxima)) {
    test(`${name}`, () => {
      const maximum = new SlidingMaximum(5, 1);
      const read = values.map(([value, s]) => {
        maximum.record(at(s), value);
        return maximum.current;
      });
      expect(read).toStrictEqual(want);
    });
  }
});
