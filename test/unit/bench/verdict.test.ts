import { expect, test } from 'vitest';
import type { Score } from '../../../bench/decisions/runs.ts';
import { turnsInWindow } from '../../../bench/decisions/turns.ts';
import { cellsOf, cheapest, isDominated, isWithin, paired, scoresIn } from '../../../bench/decisions/verdict.ts';

function score(over: Partial<Score>): Score {
  return {
    workload: 's1',
    coldStartSeconds: 110,
    seed: 1,
    iterationFactor: 1,
    policy: 'balanced',
    requests: 1000,
    misses: 0,
    lostOnScaleDown: 0,
    gpuHours: 10,
    oneReplica: 1,
    turnsInWindow: 0,
    ...over,
  };
}
/** One a seed. */
function scores(
  pairs: readonly (readonly [misses: number, gpuHours: number])[],
  policy = 'balanced',
): readonly Score[] {
  return pairs.map(([misses, gpuHours], seed) => score({ seed, misses, gpuHours, policy }));
}

test('paired differences have the interval of Student', () => {
  const { difference, half } = paired([3, 5, 7, 9], [2, 3, 4, 5]);
  expect(difference).toBe(2.5);
  expect(half).toBeCloseTo((3.182 * Math.sqrt(5 / 3)) / 2, 9);
  expect(paired([3], [1])).toStrictEqual({ difference: 2, half: 0 });
});

const same = [
  [0.05, 10],
  [0.05, 10.1],
  [0.05, 10],
  [0.05, 9.9],
] as const;
const cases: Readonly<Record<string, readonly [readonly (readonly [number, number])[], boolean]>> = {
  'fewer misses for fewer GPU-hours': [same.map(([, gpu]) => [0.04, gpu - 1] as const), true],
  'fewer misses, as many GPU-hours': [same.map(([, gpu]) => [0.02, gpu] as const), false],
  'as many misses, fewer GPU-hours': [same.map(([misses, gpu]) => [misses, gpu - 3] as const), false],
  'fewer GPU-hours by chance only': [
    [
      [0.04, 5],
      [0.04, 14],
      [0.04, 4],
      [0.04, 15],
    ],
    false,
  ],
};
for (const [name, [other, want]] of Object.entries(cases)) {
  test(`dominated: ${name}`, () => expect(isDominated(scores(same), scores(other))).toBe(want));
}

test('within the allowance only 5 % of GPU-hours count, and misses do not', () => {
  const ours = scores([
    [0.001, 10],
    [0.002, 10],
  ]);
  expect(
    isDominated(
      ours,
      scores([
        [0.009, 9.4],
        [0.009, 9.4],
      ]),
    ),
  ).toBe(true);
  expect(
    isDominated(
      ours,
      scores([
        [0, 9.6],
        [0, 9.6],
      ]),
    ),
  ).toBe(false);
});

test('the cheapest that keeps its promise is chosen in hindsight, and one replica more is allowed', () => {
  const [cell] = cellsOf([
    ...scores([[0, 10]]),
    ...scores([[0.3, 5]], 'late'),
    ...scores([[0.01, 9.2]], 'thrifty'),
    ...scores([[0, 9.5]], 'ample'),
  ]);
  if (cell === undefined) throw new Error('no cell');
  const best = cheapest(cell, ['late', 'ample', 'thrifty']);
  expect(best?.name).toBe('thrifty');
  expect(isWithin(cell.policies.get('balanced') ?? [], best?.scores ?? [], 1.05)).toBe(true);
  expect(isWithin(scores([[0, 10.4]]), best?.scores ?? [], 1.05)).toBe(false);
  expect(cheapest(cell, ['late'])).toBeUndefined();
  expect(() => scoresIn(cell, 'nobody')).toThrow('nobody was not run in s1, cold start 110 s');
});

test('turns are counted in the fullest window', () => {
  const decisions = [
    { t: 0, from: 1, to: 2 },
    { t: 100, from: 2, to: 4 },
    { t: 200, from: 4, to: 3 },
    { t: 400, from: 3, to: 4 },
    { t: 501, from: 4, to: 3 },
  ];
  expect(turnsInWindow(decisions, 300)).toBe(2);
  expect(turnsInWindow(decisions, 302)).toBe(3);
  expect(turnsInWindow(decisions.slice(0, 2), 300)).toBe(0);
});
