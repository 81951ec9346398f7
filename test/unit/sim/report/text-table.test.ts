import { expect, test } from 'vitest';
import { summaryTable } from '../../../../src/sim/report/text-table.ts';
import { simResult } from '../../../support/sim-results.ts';

test('the summary is aligned, heads in capitals, numbers to the right', () => {
  const table = summaryTable([
    simResult(),
    simResult({ policy: 'a-longer-name', attainment: null, ttft: null, itl: null }),
  ]);
  expect(table.split('\n')).toStrictEqual([
    'POLICY         ATTAINED  GPU-HOURS  TTFT P50  TTFT P95  TTFT P99  ITL P50  ITL P95  ITL P99  SHED  LOST  CHANGES  PEAK  COLD  WARM',
    'balanced         99.61%        132      83ms     312ms     1.24s     16ms     24ms     42ms    15     5       42    13     4    27',
    'a-longer-name         -        132         -         -         -        -        -        -    15     5       42    13     4    27',
  ]);
});

test('runs of several seeds are followed by their mean', () => {
  const table = summaryTable([
    simResult({ seed: 1, gpuHours: 10, attainment: 0.9, lost: 1 }),
    simResult({ seed: 2, gpuHours: 20, attainment: 1, lost: 2 }),
  ]);
  const rows = table.split('\n').map((line) => line.split(/ {2,}/).slice(0, 4));
  expect(rows).toStrictEqual([
    ['POLICY', 'SEED', 'ATTAINED', 'GPU-HOURS'],
    ['balanced', '1', '90%', '10.0'],
    ['balanced', '2', '100%', '20.0'],
    ['balanced', 'mean', '95%', '15.0'],
  ]);
});
