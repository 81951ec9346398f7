import { expect, test } from 'vitest';
import {
  boundOf,
  emptyStore,
  floorOf,
  keepResidual,
  rankOf,
  spreadAt,
} from '../../../../src/core/forecast/conformal.ts';
import { fitRows } from '../../../../src/core/forecast/members/autoregression.ts';
import { featuresAt, featuresFor } from '../../../../src/core/forecast/members/features.ts';
import { firstTable, tableAhead, updateTable } from '../../../../src/core/forecast/members/holt-winters.ts';
import { leastOf } from '../../../../src/core/forecast/members/levels.ts';
import { profileAhead } from '../../../../src/core/forecast/members/profile.ts';
import { predicted, quantileOf } from '../../../../src/core/forecast/members/regression.ts';
import {
  levelSettings,
  smooth,
  smoothedAhead,
  smoothedFrom,
  trendSettings,
  type Setting,
} from '../../../../src/core/forecast/members/smoothing.ts';
import { isMixUsed, mixed, pinball, weightsOf } from '../../../../src/core/forecast/mixing.ts';
import { append, emptyPast, type Past } from '../../../../src/core/forecast/past.ts';
import { addTo, emptyMean, valueOf } from '../../../../src/core/forecast/recent-mean.ts';
import { setupOf, type Setup } from '../../../../src/core/forecast/setup.ts';

const y = [10, 12, 11, 15, 14, 18, 20, 17, 16, 19, 22, 21, 18, 23];
/** A day of four bins, so that fourteen values are three days and a half. */
const setup: Setup = {
  ...setupOf({ step: 21_600, horizons: [1, 3], quantiles: [0.95], form: 'reference' }),
  fiveMinutes: 1,
  tenMinutes: 2,
  halfHour: 3,
  smoothing: 1,
  profileDays: 3,
  means: [2, 3],
};
const usual = 15.2;

function pastUpTo(t: number): Past {
  const past = emptyPast(setup, 0);
  for (const value of y.slice(0, t + 1)) append(past, setup, value);
  return past;
}

/** Level and trend of one setting after the first `count` values. */
function after(setting: Setting, count: number): readonly [number, number] {
  const state = smoothedFrom([setting], y[0] ?? 0);
  for (const value of y.slice(0, count)) smooth(state, [setting], value);
  return [state.levels[0] ?? Number.NaN, state.trends[0] ?? Number.NaN];
}

test('exponential smoothing follows the published levels', () => {
  const setting = { a: 0.35, b: 0, p: 0 };
  const levels = { 2: 10.7, 3: 10.805, 4: 12.27325, 14: 20.4611814 };
  for (const [count, level] of Object.entries(levels)) expect(after(setting, Number(count))[0]).toBeCloseTo(level, 6);
});

test('a damped trend follows the published levels and trends, and runs out ahead', () => {
  const setting = { a: 0.5, b: 0.15, p: 0.9 };
  const states = {
    2: [11, 0.15],
    3: [11.0675, 0.124875],
    4: [13.0899437, 0.398895937],
    14: [21.48013, 0.456142667],
  } as const;
  for (const [count, [level, trend]] of Object.entries(states)) {
    expect(after(setting, Number(count))[0]).toBeCloseTo(level, 5);
    expect(after(setting, Number(count))[1]).toBeCloseTo(trend, 6);
  }
  const state = smoothedFrom([setting], 10);
  for (const value of y) smooth(state, [setting], value);
  const ahead = { 1: 21.8906584, 3: 22.5926619, 10: 24.1539899 };
  for (const [h, value] of Object.entries(ahead)) {
    expect(smoothedAhead(state, setting, 0, Number(h))).toBeCloseTo(value, 5);
  }
});

/** The setting of least error over origins 3..9-h, and its forecast at the end. */
function chosen(settings: readonly Setting[], h: number): readonly [Setting | undefined, number] {
  const state = smoothedFrom(settings, y[0] ?? 0);
  const errors = settings.map(() => 0);
  y.forEach((value, t) => {
    smooth(state, settings, value);
    if (t < 3 || t >= 10 - h) return;
    const target = y[t + h] ?? Number.NaN;
    settings.forEach(
      (setting, k) => (errors[k] = (errors[k] ?? 0) + Math.abs(target - smoothedAhead(state, setting, k, h))),
    );
  });
  const best = leastOf(errors, 0, errors.length);
  const setting = settings[best];
  return [setting, setting === undefined ? Number.NaN : smoothedAhead(state, setting, best, h)];
}

const choices = {
  'the level one ahead': [levelSettings, 1, [0.7, 0, 0], 21.7665842],
  'the level three ahead': [levelSettings, 3, [0.7, 0, 0], 21.7665842],
  'the trend one ahead': [trendSettings, 1, [0.7, 0.05, 0.9], 22.0569012],
  'the trend three ahead': [trendSettings, 3, [0.7, 0.01, 0.8], 21.8479621],
} as const;
for (const [name, [settings, h, [a, b, p], value]] of Object.entries(choices)) {
  test(`the grid chooses as published: ${name}`, () => {
    const [setting, ahead] = chosen(settings, h);
    expect(setting).toStrictEqual({ a, b, p });
    expect(ahead).toBeCloseTo(value, 5);
  });
}

test('the daily profile times the level is the published one, and answers from the second day on', () => {
  const [one, three] = profileAhead(pastUpTo(13), setup, usual);
  expect(one).toBeCloseTo(24.0751658, 6);
  expect(three).toBeCloseTo(21.6676492, 6);
  const firstKnown = (i: number): number =>
    y.findIndex((_, t) => !Number.isNaN(profileAhead(pastUpTo(t), setup, usual)[i]));
  expect([firstKnown(0), firstKnown(1)]).toStrictEqual([4, 5]);
});

test('Holt-Winters begins and goes on as published', () => {
  const table = firstTable(pastUpTo(3), setup, { a: 0.3, g: 0.6 }, [0.3]);
  expect(table.levels[0]).toBeCloseTo(15, 6);
  [0.333333, -1, 0.666667, 0].forEach((season, j) => expect(table.season[j]).toBeCloseTo(season, 5));
  updateTable(table, 4, y[4] ?? 0);
  expect(table.levels[0]).toBeCloseTo(14.6, 6);
  expect(table.season[0]).toBeCloseTo(-0.226666667, 6);
  updateTable(table, 5, y[5] ?? 0);
  expect(table.levels[0]).toBeCloseTo(15.92, 6);
  expect(table.season[1]).toBeCloseTo(0.848, 6);
  y.slice(6).forEach((value, i) => updateTable(table, 6 + i, value));
  expect(table.levels[0]).toBeCloseTo(19.6124087, 5);
  [-0.68084406, 2.60887669, 3.24927803, 1.28006155].forEach((season, j) =>
    expect(table.season[j]).toBeCloseTo(season, 5),
  );
  expect(tableAhead(table, 0, 14)).toBeCloseTo(22.8616867, 5);
  expect(tableAhead(table, 0, 16)).toBeCloseTo(18.9315647, 5);
});

test('a regression sees the published features, with and without a season', () => {
  const past = pastUpTo(13);
  const near = featuresAt(past, setup, { origin: 13, usual });
  const { scale, seasonal } = featuresFor(past, setup, { near, origin: 13, horizon: 1 });
  expect(scale).toBeCloseTo(22.1866667, 6);
  const lags = [-0.22536058, -0.09014423, -0.04507212, -0.18028846, -0.31550481];
  const levels = [-0.11268029, -0.10516827, 0, -0.22536058];
  const rest = [1.03665865, 0.06850962, 0, -1, 0, 1, 0, -1];
  const withoutWeek = [...seasonal.slice(0, 11), ...seasonal.slice(12)];
  [...lags, ...levels, -0.10516827, -0.24789663, -0.26041667, ...rest].forEach((value, i) =>
    expect(withoutWeek[i]).toBeCloseTo(value, 6),
  );
  expect(seasonal[11]).toBe(0);
  const early = pastUpTo(1);
  const first = featuresFor(early, setup, {
    near: featuresAt(early, setup, { origin: 1, usual }),
    origin: 1,
    horizon: 1,
  });
  expect(first.scale).toBeCloseTo(12.52, 6);
  [-0.15974441, 0, 0, 0, 0, -0.0798722, -0.0798722, 0, -0.15974441, 0.95846645, 0.12140575].forEach((value, i) =>
    expect(first.plain[i]).toBeCloseTo(value, 6),
  );
});

test('ridge solves the published case, and quantiles interpolate', () => {
  const x = [
    [1, 2],
    [2, 1],
    [3, 5],
    [4, 4],
    [6, 3],
  ];
  const target = [1, 2, 2, 4, 5];
  const { fit } = fitRows(
    x.map((row, i) => ({ x: row, target: target[i] ?? 0 })),
    0,
  );
  expect((fit.factors[0] ?? 0) * 1.72046605).toBeCloseTo(0.27849634, 5);
  expect((fit.factors[1] ?? 0) * 1.41421456).toBeCloseTo(0.06194815, 5);
  expect(predicted(fit, [3, 3])).toBeCloseTo(2.76762548, 6);
  expect(predicted(fit, [0, 0])).toBeCloseTo(2.15059585, 6);
  const ten = Array.from({ length: 10 }, (_, i) => i + 1);
  expect(quantileOf(ten, 0.002)).toBeCloseTo(1.018, 9);
  expect(quantileOf(ten, 0.998)).toBeCloseTo(9.982, 9);
});

test('points are mixed by their recent absolute error', () => {
  const errors = [emptyMean(true), emptyMean(true)];
  const seen: number[] = [];
  for (const value of [11, 12, 11, 10]) {
    [10, 12].forEach((point, m) => {
      const mean = errors[m];
      if (mean !== undefined) addTo(mean, Math.abs(value - point), 2);
    });
    seen.push(mixed([10, 12], weightsOf([10, 12], errors.map(valueOf), 8)));
  }
  [11, 11.9999998, 11.9999998, 10.0000002].forEach((value, i) => expect(seen[i]).toBeCloseTo(value, 7));
});

test('pinball loss is what too little and too much cost', () => {
  expect([pinball(100, 90, 0.95), pinball(100, 120, 0.95), pinball(100, 120, 0.9)]).toStrictEqual([
    expect.closeTo(9.5, 9),
    expect.closeTo(1, 9),
    expect.closeTo(2, 9),
  ]);
});

const ranks = {
  30: [28, 30, 30],
  39: [36, 38, 39],
  119: [108, 114, 119],
  144: [131, 138, 144],
  240: [217, 229, 239],
  720: [649, 685, 714],
};
for (const [k, expected] of Object.entries(ranks)) {
  test(`ranks of ${k} residuals at 0.9, 0.95 and 0.99`, () => {
    expect([0.9, 0.95, 0.99].map((quantile) => rankOf(Number(k), quantile))).toStrictEqual(expected);
  });
}

test('the spread grows with the root of the level', () => {
  expect([0, 80, 100].map((level) => spreadAt(level, 5))).toStrictEqual([
    expect.closeTo(22.3606798, 6),
    expect.closeTo(92.1954446, 6),
    expect.closeTo(102.469508, 5),
  ]);
  expect(floorOf(usual)).toBeCloseTo(0.76, 8);
});

function storeOf(residuals: readonly number[]): ReturnType<typeof emptyStore> {
  const hourly = setupOf({ step: 3600, horizons: [1], quantiles: [0.9, 0.95], form: 'reference' });
  const store = emptyStore(hourly);
  residuals.forEach((residual, i) => keepResidual(store, hourly, i, residual));
  return store;
}

test('thirty residuals give a bound, twenty-nine none', () => {
  const residuals = Array.from({ length: 30 }, (_, i) => (i + 1) / 100);
  const at = { point: 80, spread: spreadAt(80, 5) };
  const store = storeOf(residuals);
  expect(boundOf(store, 1, at)).toBeCloseTo(107.658633, 5);
  expect(boundOf(store, 0, at)).toBeCloseTo(105.814724, 5);
  expect(boundOf(storeOf(residuals.slice(1)), 1, at)).toBeNaN();
});

test('weights fall with the loss, and who is unknown has none', () => {
  const values = [100, 110, 130];
  const losses = [2, 2.2, 3];
  const weights = weightsOf(values, losses, 12);
  [0.767064, 0.231035, 0.001901].forEach((weight, i) => expect(weights[i]).toBeCloseTo(weight, 5));
  expect(mixed(values, weights)).toBeCloseTo(102.367392, 5);
  expect(mixed(values, weightsOf(values, losses, 8))).toBeCloseTo(103.435954, 5);
  const without = [100, Number.NaN, 130];
  expect(mixed(without, weightsOf(without, losses, 12))).toBeCloseTo(100.074178, 5);
  expect(mixed([Number.NaN], weightsOf([Number.NaN], [1], 12))).toBeNaN();
});

test('the gate needs a clear reason to close and a better mix to open', () => {
  const ask = (was: boolean, ratio: number): boolean =>
    isMixUsed(was, { mix: ratio, fallback: 1, outcomes: 180, trust: 180 });
  let isMix = true;
  const states = [1.02, 1.06, 1.03, 1, 0.99, 1.04].map((ratio) => (isMix = ask(isMix, ratio)));
  expect(states).toStrictEqual([true, false, false, false, true, true]);
  expect(isMixUsed(false, { mix: 0.5, fallback: 1, outcomes: 179, trust: 180 })).toBe(false);
  expect(isMixUsed(true, { mix: Number.NaN, fallback: 1, outcomes: 500, trust: 180 })).toBe(true);
  expect(isMixUsed(false, { mix: 0.5, fallback: Number.NaN, outcomes: 500, trust: 180 })).toBe(false);
});
