import { expect, test } from 'vitest';
import { comparison } from '../../../../src/sim/report/comparison.ts';
import { paretoFront } from '../../../../src/sim/report/pareto.ts';
import { sweepSvg } from '../../../../src/sim/report/sweep-svg.ts';
import { powersOfTen } from '../../../../src/ui/plots.ts';
import { simResult } from '../../../support/sim-results.ts';

const verdict = { isInformative: true };
const sweep = ['a', 'b'].flatMap((policy) =>
  [30, 300].flatMap((coldStartSeconds) =>
    [1, 0.9, 1.1].map((iterationFactor) =>
      simResult({ policy, coldStartSeconds, iterationFactor, gpuHours: coldStartSeconds * iterationFactor }),
    ),
  ),
);

test('a run at one cold start and one iteration time is one figure, as it always was', () => {
  const html = comparison([simResult()], verdict);
  expect(html.match(/<svg class="\w+/g)).toStrictEqual(['<svg class="pareto']);
  expect(html).not.toMatch(/class="band"|Small dots|Diamonds|Cold start/);
});

test('several cold starts are a figure each, with the band, after one of what they cost', () => {
  const html = comparison(sweep, verdict);
  expect(html.match(/<svg class="\w+/g)).toStrictEqual([
    '<svg class="sweep',
    '<svg class="pareto',
    '<svg class="pareto',
  ]);
  expect(html.match(/class="band"/g)?.length).toBe(4);
  expect(html).toContain('a at 0.9 x the iteration time: 99.61%, 27.0 GPU-hours');
  expect(html).toContain('b, cold start 300 s: 300 GPU-hours');
  expect(html).toContain('Cold start 300 s. Share of requests');
});

test('an oracle is a diamond and never on the front', () => {
  const results = [simResult({ policy: 'a' }), simResult({ policy: 'oracle', gpuHours: 1, isRealisable: false })];
  expect(comparison(results, verdict)).toMatch(/<g class="bound"><title>oracle: [^<]*<\/title><path/);
  const outcomes = results.map(({ policy, gpuHours, isRealisable = true }) => ({
    policy,
    gpuHours,
    isRealisable,
    attainment: 1,
  }));
  expect(paretoFront(outcomes).map(({ policy }) => policy)).toStrictEqual(['a']);
});

test('names beside the lines of a sweep stand a line apart and inside, whatever the values', () => {
  const points = [1, 2].map((coldStartSeconds) => ({ coldStartSeconds, attainment: 1, gpuHours: 0 }));
  const svg = sweepSvg(Array.from({ length: 21 }, (_, at) => ({ policy: `<p${at}>`, points })));
  const height = Number(/viewBox="0 0 1040 (\d+)"/.exec(svg)?.[1]);
  const names = [...svg.matchAll(/class="name" x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) => Number(y)).slice(0, 21);
  const apart = names.toSorted((a, b) => a - b).map((y, at, all) => y - (all[at - 1] ?? -100));
  expect(Math.min(...apart)).toBeGreaterThanOrEqual(14.9);
  expect([Math.min(...names) > 0, Math.max(...names) < height]).toStrictEqual([true, true]);
  expect(svg).not.toMatch(/NaN|Infinity|<p\d/);
});

const ranges = {
  'begins between two powers': [0.0726, 19, [0.1, 1, 10]],
  'begins and ends at one': [0.001, 1, [0.001, 0.01, 0.1, 1]],
  'holds none': [2, 9, []],
} as const;
for (const [name, [min, max, named]] of Object.entries(ranges)) {
  test(`a logarithmic axis that ${name} names the powers inside`, () => {
    expect(powersOfTen(min, max)).toStrictEqual(named);
  });
}
