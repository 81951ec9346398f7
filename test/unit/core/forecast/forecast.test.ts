import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tokenCosts } from '../../../../src/core/capacity/token-costs.ts';
import { conformalRank, horizonMaxima } from '../../../../src/core/forecast/calibration.ts';
import { normalQuantile } from '../../../../src/core/forecast/normal.ts';
import { outlookOf } from '../../../../src/core/forecast/outlook.ts';
import { rampOf } from '../../../../src/core/forecast/ramp.ts';
import { remember } from '../../../../src/core/forecast/remember.ts';
import { means, seriesFrom, seriesOf, type Series } from '../../../../src/core/forecast/series.ts';
import type { DemandBin } from '../../../../src/core/model/memory.ts';
import { at, llama8bH100 } from '../../../support/builders.ts';

/** Values 15 s apart, the last one now. */
function seriesEnding(values: readonly number[]): Series {
  const points = values.map((y, i) => ({ t: 15 * (i + 1 - values.length), y }));
  return seriesFrom(
    points,
    (p) => p.t,
    (p) => p.y,
  );
}
/** A deterministic stream of uniform numbers. */
function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
/** Counts of a Poisson stream in bins of 15 s, as rates. */
function poissonRates(rate: number, bins: number, seed: number): readonly number[] {
  const next = uniforms(seed);
  return Array.from({ length: bins }, () => {
    let count = 0;
    for (let t = -Math.log(1 - next()) / rate; t < 15; t -= Math.log(1 - next()) / rate) count++;
    return count / 15;
  });
}
function upperOf(values: readonly number[], horizon: number, quantile = 0.95): number {
  return outlookOf(seriesEnding(values)).within(horizon, quantile)?.upper ?? Number.NaN;
}

const ranks = {
  'one value stands for every quantile': [1, 0.5, 1],
  'below 1/(1 - q) values the largest': [18, 0.95, 18],
  'nineteen values carry the p95': [19, 0.95, 19],
  'of forty the 39th': [40, 0.95, 39],
  'of a hundred the median is the 51st': [100, 0.5, 51],
} as const;
for (const [name, [k, q, want]] of Object.entries(ranks)) {
  test(`conformal rank: ${name}`, () => expect(conformalRank(k, q)).toBe(want));
}

test('the normal quantile is that of the tables', () => {
  for (const [p, z] of [
    [0.5, 0],
    [0.95, 1.645],
    [0.99, 2.326],
    [0.05, -1.645],
  ] as const) {
    expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(1e-3);
  }
});

test('the maximum of a horizon is the plain maximum, where the horizon has passed and is half known', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ gap: fc.constantFrom(15, 15, 15, 60, 300), y: fc.double({ min: 0, max: 50, noNaN: true }) }),
        {
          minLength: 2,
          maxLength: 60,
        },
      ),
      fc.constantFrom(30, 75, 200, 615),
      (steps, seconds) => {
        let t = 0;
        const points = steps.map(({ gap, y }) => ({ t: (t += gap), y }));
        const series = seriesFrom(
          points,
          (p) => p.t,
          (p) => p.y,
        );
        const maxima = horizonMaxima(series, series.y, { seconds, length: points.length });
        points.forEach((origin, i) => {
          const inside = points.filter((p) => p.t > origin.t && p.t <= origin.t + seconds + 1e-9);
          const got = maxima[i] ?? Number.NaN;
          if (Number.isNaN(got)) return;
          expect(got).toBe(Math.max(...inside.map((p) => p.y)));
          expect(origin.t + seconds).toBeLessThanOrEqual(t + 1e-6);
        });
        const isDense = steps.every(({ gap }) => gap === 15);
        const hasJudged = maxima.some((m) => !Number.isNaN(m));
        expect(hasJudged || !isDense || t <= seconds + 90).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a level that never moves is forecast as itself', () => {
  const steady = Array.from({ length: 100 }, () => 8);
  expect(upperOf(steady, 120)).toBeCloseTo(8, 9);
});

test('before anything was judged the bound has a prior spread', () => {
  const upper = upperOf([10, 10, 10], 120);
  expect(upper).toBeGreaterThan(11);
  expect(upper).toBeLessThan(15);
});

test('on Poisson arrivals the p95 bound holds in about 95 of 100 cases and stays near the rate', () => {
  let held = 0;
  let total = 0;
  const scored = 60;
  for (let seed = 1; seed <= scored; seed++) {
    const rates = poissonRates(5, 300, seed);
    const upper = upperOf(rates.slice(0, 280), 120);
    const ahead = means(seriesEnding(rates), 60).subarray(280, 288);
    if (Math.max(...ahead) <= upper) held++;
    total += upper;
  }
  expect(held / scored).toBeGreaterThan(0.85);
  expect(total / scored).toBeGreaterThan(5);
  expect(total / scored).toBeLessThan(7.5);
});

test('on a steady ramp the bound runs ahead of the level and covers what comes, not much more', () => {
  const ramp = Array.from({ length: 200 }, (_, i) => 2 + 0.1 * i);
  const upper = upperOf(ramp, 300);
  const coming = 21.9 + 0.1 * (300 / 15) - 0.15;
  expect(upper).toBeGreaterThan(coming - 0.1);
  expect(upper).toBeLessThan(coming + 0.8);
});

test('a bound is not believed beyond one and a half times the largest minute that was', () => {
  const spiky = Array.from({ length: 120 }, (_, i) => (i % 40 < 10 ? 20 : 0.1));
  expect(upperOf(spiky, 300)).toBeLessThanOrEqual(30);
});

test('what is older than five minutes says nothing about now', () => {
  const points = [{ t: -301, y: 5 }];
  expect(
    outlookOf(
      seriesFrom(
        points,
        (p) => p.t,
        (p) => p.y,
      ),
    ).within(60, 0.95),
  ).toBeUndefined();
  expect(
    outlookOf(
      seriesFrom(
        [],
        () => 0,
        () => 0,
      ),
    ).within(60, 0.95),
  ).toBeUndefined();
});

test('more demand in the newest bin never lowers a bound, whatever came before', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 120 }),
      fc.double({ min: 0, max: 50, noNaN: true }),
      fc.constantFrom(60, 195, 700),
      (values, more, horizon) => {
        const raised = [...values.slice(0, -1), (values.at(-1) ?? 0) + more];
        expect(upperOf(raised, horizon)).toBeGreaterThanOrEqual(upperOf(values, horizon) - 1e-9);
      },
    ),
    { numRuns: 1500 },
  );
});

test('bounds grow with the quantile and are never below the level', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 40, noNaN: true }), { minLength: 1, maxLength: 140 }), (values) => {
      const outlook = outlookOf(seriesEnding(values));
      const level = outlook.within(120, 0.5)?.level ?? Number.NaN;
      for (const q of [0.5, 0.8, 0.95, 0.999]) {
        const upper = outlook.within(120, q)?.upper ?? Number.NaN;
        expect(upper).toBeGreaterThanOrEqual(level - 1e-9);
        expect(Number.isFinite(upper)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

const bin = (seconds: number, requests: number): DemandBin => ({
  at: at(seconds),
  requestsPerSecond: requests,
  promptTokensPerSecond: 1000 * requests,
  outputTokensPerSecond: 200 * requests,
});

test('longer prompts at the same number of requests are more demand', () => {
  const lengths = { uncachedPrompt: 1000, cachedPrompt: 0, output: 200, isPrior: false };
  const costs = tokenCosts(llama8bH100, lengths);
  const longer = { ...bin(15, 10), promptTokensPerSecond: 20_000 };
  const { y } = seriesOf([bin(0, 10), longer], lengths, costs, at(15));
  expect(y[0]).toBeCloseTo(10, 9);
  expect(y[1]).toBeGreaterThan(14);
  expect(y[1]).toBeLessThan(20);
});

test('demand is remembered for two hours, by the minute after half an hour, with the same mean and bounded', () => {
  let bins: readonly DemandBin[] = [];
  for (let t = 0; t <= 6 * 3600; t += 15) bins = remember(bins, bin(t, 5 + (t % 60) / 15), at(t));
  expect(bins.length).toBeLessThan(260);
  expect((bins[0]?.at ?? 0) - at(6 * 3600)).toBeGreaterThanOrEqual(-7200 * 1000);
  expect(bins[3]?.requestsPerSecond).toBeCloseTo(6.5, 9);
  expect(bins.every((b, i) => i === 0 || b.at > (bins[i - 1]?.at ?? 0))).toBe(true);
  expect(JSON.stringify(bins).length).toBeLessThan(40_000);
});

test('five-second ticks keep the memory bounded too', () => {
  let bins: readonly DemandBin[] = [];
  for (let t = 0; t <= 4 * 3600; t += 5) bins = remember(bins, bin(t, 5), at(t));
  expect(bins.length).toBeLessThanOrEqual(512);
});

/** Forty quiet minutes of 15-s bins with bursts of two minutes that begin at the given minutes. */
function quietWithBursts(minutes: readonly number[]): readonly number[] {
  const quiet = poissonRates(6, 160, 3);
  return quiet.map((y, i) => (minutes.some((m) => i >= 4 * m && i < 4 * m + 8) ? y + 44 : y));
}

test('one burst in a young pool is not held ready for, three are', () => {
  expect(upperOf(quietWithBursts([10]), 110)).toBeLessThan(15);
  expect(upperOf(quietWithBursts([4, 14, 24]), 110)).toBeGreaterThan(25);
});

test('a jump far beyond what bins scatter counts in full at once, a scattered bin does not', () => {
  const calm = poissonRates(20, 60, 5);
  expect(upperOf([...calm, 80], 110)).toBeGreaterThanOrEqual(80);
  const noisy = poissonRates(20, 240, 7);
  const uppers = [60, 100, 140, 180, 220].map((end) => upperOf(noisy.slice(0, end), 110));
  expect(Math.max(...uppers)).toBeLessThan(28);
});

/** Poisson counts around a rate that may change, 15 s apart, as rates. */
function countedRates(rate: (second: number) => number, seconds: number, seed: number): readonly number[] {
  return Array.from({ length: seconds / 15 }, (_, i) => poissonRates(rate(15 * (i + 1)), 1, seed + i)[0] ?? 0);
}

test('a climb goes on for one horizon at least, whatever errors said on the flat before it', () => {
  const rate = (second: number) => 5 + Math.max(0, second - 3600) / 15;
  const climbing = countedRates(rate, 3840, 11);
  expect(upperOf(climbing, 120)).toBeGreaterThan(rate(3840 + 120));
  expect(rampOf(seriesEnding(climbing), 120, 0.95)).toBeLessThan(1.5 * rate(3840 + 120));
});

const noClimbs = {
  'a steady load': poissonRates(20, 240, 13),
  'a step that was taken a minute ago': [...poissonRates(5, 236, 17), ...poissonRates(25, 4, 19)],
  'a step that was taken two minutes ago': [...poissonRates(5, 232, 17), ...poissonRates(25, 8, 19)],
  'a fall': countedRates((second) => 60 - second / 60, 1800, 23),
  'three bins': [1, 5, 9],
  nothing: Array.from({ length: 40 }, () => 0),
};
test('what was seen climbing before a gap is not taken to climb behind it, nor what fell back', () => {
  const climbing = [2, 4, 6, 8, 10, 12, 14, 16, 18, 20];
  expect(rampOf(seriesEnding(climbing), 60, 0.95)).toBeGreaterThan(24);
  expect(rampOf(seriesEnding([...climbing, 5]), 60, 0.95)).toBe(0);
  const behind = [...climbing, 22].map((y, i) => ({
    t: i === climbing.length ? 0 : 15 * (i + 1 - climbing.length) - 75,
    y,
  }));
  const series = seriesFrom(
    behind,
    (p) => p.t,
    (p) => p.y,
  );
  expect(rampOf(series, 60, 0.95)).toBe(0);
});

for (const [name, values] of Object.entries(noClimbs)) {
  test(`no climb: ${name}`, () => expect(rampOf(seriesEnding(values), 120, 0.95)).toBe(0));
}

test('property: more demand in the newest bin never lowers a climb', () => {
  const bin = fc.double({ min: 0, max: 100, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(bin, { minLength: 4, maxLength: 20 }),
      bin,
      fc.double({ min: 0, max: 50, noNaN: true }),
      (values, newest, more) => {
        const climbOf = (last: number) => rampOf(seriesEnding([...values, last]), 110, 0.95);
        expect(climbOf(newest + more)).toBeGreaterThanOrEqual(climbOf(newest) - 1e-9);
      },
    ),
    { numRuns: 500 },
  );
});
