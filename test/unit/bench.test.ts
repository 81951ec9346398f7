import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownLimits, readLimits, sharedLimits } from '../../bench/limits.ts';
import { barText, holds, judge } from '../../bench/rows.ts';

test.skipIf(!existsSync(sharedLimits))('the bars of the repository equal those beside it', () => {
  expect(readLimits(ownLimits)).toStrictEqual(readLimits(sharedLimits));
});

test('every bar says where it comes from', () => {
  const bars = Object.values(readLimits(ownLimits)).flatMap((bench) => Object.values(bench));
  expect(bars.length).toBeGreaterThan(30);
  expect(bars.filter((bar) => bar.origin === '')).toStrictEqual([]);
});

const verdicts = {
  'a value at an upper bar holds': [{ op: '<=', limit: 250, origin: '' }, 250, true],
  'a value over an upper bar misses': [{ op: '<=', limit: 250, origin: '' }, 250.1, false],
  'a value at a lower bar holds': [{ op: '>=', limit: 3, origin: '' }, 3, true],
  'a value under a lower bar misses': [{ op: '>=', limit: 3, origin: '' }, 2, false],
  'a value inside a band holds': [{ op: 'within', limit: [94, 97], origin: '' }, 95, true],
  'a value over a band misses': [{ op: 'within', limit: [94, 97], origin: '' }, 98, false],
  'what is not a number misses': [{ op: '<=', limit: 250, origin: '' }, Number.NaN, false],
} as const;
for (const [name, [limit, value, want]] of Object.entries(verdicts)) {
  test(`${name}`, () => expect(holds(limit, value)).toBe(want));
}

test('a row carries its bar, its verdict and its ratio to the reference', () => {
  const limits = { tick: { cpu: { op: '<=', limit: 250, origin: 'cadence' } } } as const;
  const measured = [
    { case: 'a', metric: 'cpu', value: 300, unit: 'ms', reference: 200 },
    { case: 'b', metric: 'cpu', value: null, unit: 'ms', note: 'data is absent: traces/x.csv' },
    { case: 'c', metric: 'other', value: 1, unit: 'ms' },
  ];
  expect(judge('tick', measured, limits)).toStrictEqual([
    {
      case: 'a',
      metric: 'cpu',
      value: 300,
      unit: 'ms',
      reference: 200,
      ratio: 1.5,
      bar: '<= 250',
      ok: false,
      note: '',
    },
    {
      case: 'b',
      metric: 'cpu',
      value: null,
      unit: 'ms',
      reference: null,
      ratio: null,
      bar: '<= 250',
      ok: null,
      note: 'data is absent: traces/x.csv',
    },
    { case: 'c', metric: 'other', value: 1, unit: 'ms', reference: null, ratio: null, bar: null, ok: null, note: '' },
  ]);
});

test('a band is written as one', () => expect(barText({ op: 'within', limit: [94, 97], origin: '' })).toBe('94 to 97'));

test('a bench that does not exist cannot run: exit code 2, and the names of those that do', async () => {
  const runner = join(import.meta.dirname, '..', '..', 'bench', 'run.ts');
  const { code, said } = await new Promise<{ code: unknown; said: string }>((resolve) => {
    execFile(process.execPath, [runner, 'tock'], (err, _, stderr) => resolve({ code: err?.code, said: stderr }));
  });
  expect(code).toBe(2);
  expect(said).toMatch(/a bench must be one of .*tick.*, was 'tock'/);
});
