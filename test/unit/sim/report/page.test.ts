import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { readAssets } from '../../../../src/cli/report-assets.ts';
import { embedJson } from '../../../../src/sim/report/html.ts';
import { reportPage } from '../../../../src/sim/report/page.ts';
import { plotData } from '../../../../src/sim/report/plot-data.ts';
import { shownRuns } from '../../../../src/sim/report/shown-runs.ts';
import { loadVerdict } from '../../../../src/sim/report/verdict.ts';
import type { SimResult } from '../../../../src/sim/result.ts';
import { dayTimeline, emptyTimeline, simResult } from '../../../support/sim-results.ts';

function page(results: readonly SimResult[], message?: string): string {
  const output = {
    schema: 'forewarm.dev/simulation/v1',
    trace: '<day>.csv',
    engineProfile: 'p',
    isProfileValidated: true,
    rateScale: 1,
    results,
  } as const;
  const objectives = { ttftSeconds: 0.5 };
  const verdict = message === undefined ? { isInformative: true } : { isInformative: false, message };
  const shown = shownRuns(results);
  const data = plotData(shown, objectives, () => []);
  return reportPage({ output, shown, objectives, verdict, notes: [] }, readAssets(), embedJson(data));
}

test('the page is one file: no address outside it is named but the namespace of SVG', () => {
  const html = page([simResult()]);
  const addresses = [...html.matchAll(/(?:src|href)\s*=\s*"([^"#]*)/g)].map(([, address]) => address);
  expect(addresses.filter((address) => address !== '' && address !== 'data:,')).toStrictEqual([]);
  expect(html).not.toMatch(/url\(|@import|https?:\/\/(?!github\.com\/leeoniya)/);
});

test("the page's own script is plain JavaScript without imports", () => {
  const { pageScript } = readAssets();
  expect(() => new Script(`(() => {${pageScript}})`)).not.toThrow();
  expect(pageScript).not.toMatch(/^(import|export) /m);
});

test('a day of sixteen policies at 5 s stays below 3 MB', () => {
  const timeline = dayTimeline(5);
  const html = page(Array.from({ length: 16 }, (_, at) => simResult({ policy: `p${at}`, timeline })));
  expect(html.length).toBeLessThan(3_000_000);
});

test('names and reasons from files are text, never markup', () => {
  const html = page([simResult({ policy: '</script><b>' })]);
  expect(html).not.toContain('</script><b>');
  expect(html).toContain('&lt;day&gt;.csv');
  expect(html).not.toContain('<b>not</b>');
});

test('a run without requests says so instead of drawing zeros', () => {
  const html = page([
    simResult({ arrivals: 0, attainment: null, ttft: null, itl: null, timeline: emptyTimeline, decisions: [] }),
  ]);
  expect(html).toContain('No request arrived, so there is nothing to compare.');
  expect(html).toContain('No change of replicas was decided.');
});

test('the figure has a place for policies that cost nothing, attain all or attain nothing', () => {
  const html = page([
    simResult({ policy: 'free', gpuHours: 0, attainment: 0 }),
    simResult({ policy: 'all', gpuHours: 0, attainment: 1 }),
  ]);
  expect(html.match(/<svg[^]*?<\/svg>/)?.[0]).not.toMatch(/NaN|Infinity/);
});

test('a load that ranks nobody is said first and its figure greyed', () => {
  const { message } = loadVerdict({
    peakNeed: 1,
    minReplicas: 1,
    durationSeconds: 72_000,
    busiest: { from: 72_000, to: 144_000 },
  });
  const html = page([simResult()], message);
  expect(html).toContain('peak need 1 of min 1');
  expect(html).toContain('class="pareto withheld"');
});

test('320 runs of a day with a thousand decisions each stay below 8 MB, and what was left out is said', () => {
  const timeline = dayTimeline(30);
  const decisions = Array.from({ length: 1000 }, (_, i) => ({
    t: 86 * i,
    from: 5 + (i % 2),
    to: 6 - (i % 2),
    because: `up to ${i} req/s within 110 s needs ${6 - (i % 2)} replicas of 21 req/s, and this is a long sentence`,
  }));
  const results = Array.from({ length: 320 }, (_, i) =>
    simResult({ policy: `p${i % 20}`, seed: 1 + Math.floor(i / 20), coldStartSeconds: 110, timeline, decisions }),
  );
  const html = page(results);
  expect(html.length).toBeLessThan(8_000_000);
  expect(html).toContain('4 more runs of each policy are left out here');
  expect(html.match(/<option /g)).toHaveLength(12);
});

test('runs are chosen by what differs between them, those at the own iteration time first', () => {
  const runs = [1, 2].flatMap((seed) =>
    [0.9, 1].map((iterationFactor) => simResult({ policy: 'a', seed, coldStartSeconds: 110, iterationFactor })),
  );
  const { variations, policies, leftOut } = shownRuns([
    ...runs,
    simResult({ policy: 'b', seed: 2, coldStartSeconds: 110 }),
  ]);
  expect(variations).toStrictEqual([
    'seed 1, iterations x 1',
    'seed 2, iterations x 1',
    'seed 1, iterations x 0.9',
    'seed 2, iterations x 0.9',
  ]);
  expect(policies.map(({ policy, first }) => [policy, first])).toStrictEqual([
    ['a', 0],
    ['b', 1],
  ]);
  expect(policies[0]?.runs[0]).toBe(runs[1]);
  expect(leftOut).toBe(0);
});

test('one run of each policy leaves nothing to choose', () => {
  const html = page([simResult({ policy: 'a' }), simResult({ policy: 'b' })]);
  expect(html).not.toContain('<select');
  expect(shownRuns([simResult()]).variations).toStrictEqual(['']);
});
