import { describe, expect, test } from 'vitest';
import type { EngineProfile } from '../../../../src/core/model/profile.ts';
import { calibrateHistory, calibrateRuns } from '../../../../src/sim/calibration/calibration.ts';
import { fitRuns } from '../../../../src/sim/calibration/fit.ts';
import { parseHistory } from '../../../../src/sim/calibration/history.ts';
import type { MeasuredRun, SentRequest } from '../../../../src/sim/calibration/measured-run.ts';
import { playBack } from '../../../../src/sim/calibration/playback.ts';
import { minimise } from '../../../../src/sim/calibration/simplex.ts';
import { RandomStream } from '../../../../src/sim/rng.ts';
import { metricsHistory } from '../../../support/metrics-history.ts';
import { profileWith } from '../../../support/profiles.ts';

/** An engine that nobody knows: four times as slow as the base, and of other proportions. */
const truth: EngineProfile = {
  ...profileWith(),
  alpha: 9,
  w: 12,
  beta: 0.13,
  gamma: 1.5e-4,
  delta: 0.06,
  tau0: 21,
  kvCapacityTokens: 60_000,
};
const settings = { w: 12, gamma: 1.5e-4, kvCapacityTokens: 60_000 };
const free = ['alpha', 'beta', 'delta', 'tau0'] as const;

const bounds = { constant: [1, 1], wide: [0.2, 1.8] } as const;
function requests(count: number, rate: number, kind: keyof typeof bounds): readonly SentRequest[] {
  const stream = new RandomStream(7, `${rate}`);
  const [low, high] = bounds[kind];
  const length = (mean: number): number => Math.round(mean * (low + (high - low) * stream.uniform()));
  return Array.from({ length: count }, (_, i) => ({
    arrivalMs: (i * 1000) / rate,
    promptTokens: length(600),
    outputTokens: length(120),
  }));
}
function runAt(rate: number, kind: keyof typeof bounds = 'wide'): MeasuredRun {
  const run: MeasuredRun = {
    name: `${rate}/s`,
    loads: [{ kind: 'Open', requests: requests(150, rate, kind) }],
    measured: {},
  };
  return { ...run, measured: playBack(truth, run) };
}

describe('the simplex', () => {
  test('finds the bottom of a curved valley', () => {
    const cost = ([x = 0, y = 0]: readonly number[]): number => (1 - x) ** 2 + 100 * (y - x * x) ** 2;
    const found = minimise(cost, [-1.2, 1], { step: 0.5, maxLooks: 500, tolerance: 1e-9 });
    expect(found.at[0]).toBeCloseTo(1, 2);
    expect(found.at[1]).toBeCloseTo(1, 2);
  });
  test('keeps to its number of looks, give or take one shrink', () => {
    let looks = 0;
    const cost = ([x = 0, y = 0]: readonly number[]): number => {
      looks++;
      return Math.abs(x - 3) + Math.abs(y + 2);
    };
    const found = minimise(cost, [0, 0], { step: 0.1, maxLooks: 30, tolerance: 0 });
    expect(found.looks).toBe(looks);
    expect(looks).toBeLessThanOrEqual(34);
  });
  test('walks around what is not a number', () => {
    const found = minimise(([x = 0]) => (x < 0 ? Number.NaN : (x - 1) ** 2), [0.1], {
      step: -0.3,
      maxLooks: 100,
      tolerance: 1e-9,
    });
    expect(found.at[0]).toBeCloseTo(1, 2);
  });
});

describe('playing a run back', () => {
  const alone = (count: number): MeasuredRun => ({
    name: 'alone',
    loads: [{ kind: 'Closed', users: 1, untilMs: Infinity, requests: requests(count, 1, 'constant') }],
    measured: {},
  });
  test('one user alone waits for nobody: the time of a request is that of its iterations and tau0', () => {
    const { ttftMean = 0, itlMean = 0, e2eMean = 0 } = playBack(truth, alone(5));
    const prefill = 9 + Math.cbrt(12 ** 3 + (0.13 * 600) ** 3) + 0.06;
    expect(ttftMean).toBeCloseTo(21 + prefill, 6);
    expect(itlMean).toBeCloseTo(9 + Math.cbrt(12 ** 3 + 0.13 ** 3) + 0.06 + 1.5e-4 * (600 + 59), 1);
    expect(e2eMean).toBeCloseTo(ttftMean + 119 * itlMean, 6);
  });
  test('users of a closed loop send only when they were answered', () => {
    const two: MeasuredRun = {
      name: 'two',
      loads: [{ kind: 'Closed', users: 2, untilMs: 60_000, requests: requests(400, 1, 'constant') }],
      measured: {},
    };
    const { e2eMean = 0 } = playBack(truth, two);
    const { e2eMean: single = 0 } = playBack(truth, alone(5));
    expect(e2eMean).toBeGreaterThan(single);
    expect(e2eMean).toBeLessThan(2 * single);
  });
  test('a window counts only what was answered within it', () => {
    const run = runAt(2);
    const all = playBack(truth, { ...run, windowMs: 1e9 });
    expect(all).toStrictEqual(playBack(truth, run));
    expect(playBack(truth, { ...run, windowMs: 4000 }).e2eMean).toBeLessThan(4000);
    expect(playBack(truth, { ...run, windowMs: 4000 })).not.toStrictEqual(all);
    expect(playBack(truth, { ...run, windowMs: 10 })).toStrictEqual({});
  });
});

describe('a fit to runs', () => {
  const base = { ...profileWith(), ...settings };
  test('finds the constants of an engine four times as slow as the base', () => {
    const { profile } = fitRuns([runAt(0.5), runAt(3), runAt(6)], { base, free });
    expect(profile.alpha / truth.alpha).toBeCloseTo(1, 0);
    expect(profile.beta / truth.beta).toBeGreaterThan(0.9);
    expect(profile.beta / truth.beta).toBeLessThan(1.1);
    expect(Math.abs(profile.tau0 - truth.tau0)).toBeLessThan(6);
  });
  test('calls a profile calibrated where it predicts the runs held out', () => {
    const runs = [0.5, 1, 2, 3, 4, 5].map((rate) => runAt(rate));
    const calibration = calibrateRuns(runs, { base: { ...base, iterationError: 0.25 }, free });
    expect(calibration?.isCalibrated).toBe(true);
    expect(calibration?.profile).not.toHaveProperty('iterationError');
    expect(calibration?.error).toBeLessThan(5);
    expect(calibration?.profile.isValidated).toBe(true);
    expect(calibration?.profile.validity).toMatch(/^Calibrated: .*prompts of 1\d\d to 10\d\d/);
  });
  test('refuses the word where what was held out behaves otherwise', () => {
    const honest = [0.5, 1, 2, 3].map((rate) => runAt(rate));
    const runs = honest.map((run, i) =>
      i % 2 === 0 ? run : { ...run, measured: { e2eMean: 1.3 * (run.measured.e2eMean ?? 0) } },
    );
    const calibration = calibrateRuns(runs, { base, free });
    expect(calibration?.isCalibrated).toBe(false);
    expect(calibration?.profile.isValidated).toBe(false);
    expect(calibration?.profile.validity).not.toMatch(/calibrated/i);
    expect(calibration?.profile.validity).toMatch(/^Estimate, held-out error above 10 %/);
  });
  test('answers the same twice', () => {
    const runs = [runAt(1), runAt(3)];
    expect(calibrateRuns(runs, { base, free })).toStrictEqual(calibrateRuns(runs, { base, free }));
  });
  test('needs two runs, or one whose requests were timed', () => {
    expect(calibrateRuns([runAt(1)], { base, free })).toBeUndefined();
    expect(calibrateRuns([], { base, free })).toBeUndefined();
  });
});

describe('a fit to metrics history', () => {
  const base = { ...profileWith(), w: truth.w, gamma: truth.gamma };
  test('predicts the last quarter of an engine whose load went up and down', () => {
    const history = parseHistory(metricsHistory(truth, { rates: [0.5, 1, 2, 3, 4, 4.5, 4, 3, 2, 1, 3, 4.2, 2] }));
    if (!history.ok) throw new Error(history.problem.field);
    expect(history.value.kvCapacityTokens).toBe(60_000);
    const calibration = calibrateHistory(history.value, { base, free });
    expect(calibration?.errors.map(({ figure }) => figure)).toStrictEqual(['ttftMean', 'itlMean']);
    expect(calibration?.errors[1]?.meanError).toBeLessThan(3);
    expect(calibration?.isCalibrated).toBe(true);
    expect(calibration?.profile.kvCapacityTokens).toBe(60_000);
    expect(Math.abs((calibration?.profile.tau0 ?? 0) - truth.tau0)).toBeLessThan(15);
  });
  test('scales the base as a whole where the load was even', () => {
    const history = parseHistory(metricsHistory(truth, { rates: [1, 1, 1, 1] }));
    if (!history.ok) throw new Error(history.problem.field);
    const calibration = calibrateHistory(history.value, { base, free });
    expect(calibration?.fitted).toContain('too even');
    const { w = 0, gamma = 0 } = calibration?.profile ?? {};
    expect(w / gamma).toBeCloseTo(base.w / base.gamma, -2);
  });
  test('is refused for less than three rows', () => {
    expect(calibrateHistory({ rows: [], kvCapacityTokens: 1, blockTokens: 1 }, { base, free })).toBeUndefined();
  });
});
