import { expect, test } from 'vitest';
import { flipsOf, flipText, type Ranked } from '../../../../src/sim/report/ranking.ts';
import { resultNotes } from '../../../../src/sim/report/result-notes.ts';
import { policyRows, summaryRows } from '../../../../src/sim/report/summary.ts';
import { summaryTable } from '../../../../src/sim/report/text-table.ts';
import { simResult } from '../../../support/sim-results.ts';

/** Attainment at 1, 0.9 and 1.1 times the iteration time. */
function banded(policy: string, attained: readonly number[], gpuHours = 10): readonly Ranked[] {
  return [1, 0.9, 1.1].map((iterationFactor, at) => ({
    policy,
    iterationFactor,
    attainment: attained[at] ?? null,
    gpuHours,
    coldStartSeconds: 110,
  }));
}

const cases = {
  'policies that keep their order': [[0.9, 0.95, 0.8], [0.8, 0.94, 0.7], []],
  'policies that change it on one side': [[0.9, 0.95, 0.6], [0.8, 0.94, 0.7], [1.1]],
  'policies that change it on both': [
    [0.9, 0.9, 0.6],
    [0.8, 0.94, 0.7],
    [0.9, 1.1],
  ],
  'policies that draw level': [[0.9, 0.95, 0.8], [0.8, 0.95, 0.8], []],
  'a tie that the band tells apart': [[0.9, 0.95, 0.8], [0.90001, 0.9, 0.7], []],
} as const;
for (const [name, [a, b, factors]] of Object.entries(cases)) {
  test(`${name} flip at [${factors.join(', ')}]`, () => {
    const flips = flipsOf([...banded('a', a), ...banded('b', b)]);
    const wanted = { measure: 'attainment', policies: ['a', 'b'], factors, coldStartSeconds: 110 };
    expect(flips).toStrictEqual(factors.length === 0 ? [] : [wanted]);
  });
}

test('an oracle is no choice, so nobody changes places with it', () => {
  const oracle = banded('oracle', [0.99, 0.99, 0.99]).map((row) => ({ ...row, isRealisable: false }));
  expect(flipsOf([...banded('a', [0.98, 1, 0.98]), ...oracle])).toStrictEqual([]);
});

/** Two policies at two cold starts, two seeds and three factors. `second` flips in GPU-hours at 110 s. */
const results = ['first', 'second'].flatMap((policy) =>
  [30, 110].flatMap((coldStartSeconds) =>
    [1, 2].flatMap((seed) =>
      [1, 0.9, 1.1].map((iterationFactor) => {
        const isFlip = policy === 'second' && coldStartSeconds === 110 && iterationFactor === 1.1;
        const gpuHours = (policy === 'first' ? 10 : 11) + seed + (iterationFactor - 1) * 10 - (isFlip ? 5 : 0);
        return simResult({ policy, seed, coldStartSeconds, iterationFactor, gpuHours });
      }),
    ),
  ),
);

test('the summary has the runs at the own iteration time, their band, and the mean of each cold start', () => {
  const rows = summaryRows(results);
  expect(rows.map(({ policy, coldStartSeconds, seed }) => `${policy} ${coldStartSeconds} ${seed}`)).toStrictEqual(
    ['first', 'second'].flatMap((policy) =>
      [30, 110].flatMap((cold) => [1, 2, 'mean'].map((seed) => `${policy} ${cold} ${seed}`)),
    ),
  );
  expect(rows[2]).toMatchObject({ gpuHours: 11.5, band: { gpuHours: { least: 10.5, most: 12.5 }, flipped: [] } });
  expect(policyRows(results).map(({ seed }) => seed)).toStrictEqual(['mean', 'mean', 'mean', 'mean']);
});

test('a place that the band upsets is marked in the table and said in words', () => {
  const table = summaryTable(results).split('\n');
  expect(table[0]).toMatch(/^POLICY +COLD START +SEED +ATTAINED +IN BAND +GPU-HOURS +HOURS IN BAND/);
  expect(
    table.filter((line) => line.includes(' *')).map((line) => line.split(/ +/).slice(0, 3).join(' ')),
  ).toStrictEqual(['first', 'second'].flatMap((policy) => [1, 2, 'mean'].map((seed) => `${policy} 110s ${seed}`)));
  expect(resultNotes(results)).toStrictEqual([
    '* first and second change places in GPU-hours at 1.1 x the iteration time, cold start 110 s.',
  ]);
});

test('without a sweep the cold start goes without saying', () => {
  const flip = { measure: 'gpuHours', policies: ['a', 'b'], factors: [0.9, 1.1], coldStartSeconds: 110 } as const;
  expect(flipText(flip, false)).toBe('a and b change places in GPU-hours at 0.9 and 1.1 x the iteration time');
});

test('an oracle is named for what it is, with the bound that nobody undercuts', () => {
  const oracle = simResult({ policy: 'oracle', attainment: 0.98, isRealisable: false, leastGpuHours: 90.25 });
  expect(summaryTable([oracle])).toContain('oracle (not realisable)');
  expect(resultNotes([simResult(), oracle])).toStrictEqual([
    'Nobody can build oracle: the true arrivals are known there. Work / capacity: no fleet serves this load below 90.3 GPU-hours.',
    'Even the oracle attains 98% only: --max-replicas is too few, or requests miss on an idle replica (long prompts).',
  ]);
});

test('a band that was interrupted says at which factor its rows are, and nothing of places', () => {
  const early = [simResult({ policy: 'a', iterationFactor: 0.9 }), simResult({ policy: 'b', iterationFactor: 1 })];
  expect(summaryTable(early)).toContain('a (iterations x 0.9)');
  expect(resultNotes(early)).toStrictEqual([]);
  const whole = ['a', 'b'].flatMap((policy) =>
    [1, 0.9, 1.1].map((iterationFactor) => simResult({ policy, iterationFactor })),
  );
  expect(resultNotes(whole)).toStrictEqual(['No two policies change places between 0.9 and 1.1 x the iteration time.']);
});
