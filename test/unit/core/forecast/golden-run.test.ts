import { expect, test } from 'vitest';
import { advance, emptyForecaster, type Answer } from '../../../../src/core/forecast/forecaster.ts';
import { setupOf } from '../../../../src/core/forecast/setup.ts';
import { pinball } from '../../../../src/core/forecast/mixing.ts';

const first = 360;
const load = Array.from({ length: 720 }, (_, t) => {
  const work = t % 24 >= 8 && t % 24 < 18 ? 30 : 0;
  const weekday = Math.floor(t / 24) % 7 < 5 ? 10 : 0;
  return 40 + work + weekday + ((37 * t * t + 11 * t) % 17);
});
const setup = setupOf({ step: 3600, horizons: [1, 3], quantiles: [0.95, 0.9], form: 'reference' });
const usual = load.slice(0, first).reduce((a, b) => a + b, 0) / first;
const pinned = { usual, pair: { a: 0.1, g: 0.3 }, firstFit: first / 2 };
const answers: (readonly Answer[])[] = [];
const run = emptyForecaster(setup, 0);
run.usual = usual;
for (const y of load) answers.push(advance(run, setup, y, pinned));

test('the series and its mean are those of the reference', () => {
  expect(load.slice(0, 12)).toStrictEqual([50, 64, 50, 59, 57, 61, 54, 53, 88, 82, 82, 88]);
  expect(load.reduce((a, b) => a + b, 0)).toBe(47405);
  expect(usual).toBeCloseTo(65.8222222, 6);
});

const members = { naive: 0, regression: 1, profile: 4, seasonal: 5, daily: 6, mean: 7 } as const;
const expected = {
  'one bin ahead of bin 500': {
    at: [500, 0],
    points: [43, 46.503348, 43.429173, 46.020617, 49.353709, 49.198789],
    bounds: [57.476963, 58.335815, 57.236888, 53.62879, 56.150596, 56.844612],
    weights: [0, 0, 0.000001, 0.027424, 0.596427, 0.376148],
    recommended: 56.342492,
  },
  'three bins ahead of bin 719': {
    at: [719, 1],
    points: [61, 65.204224, 59.925953, 56.295833, 59.933959, 59.896297],
    bounds: [95.17627, 87.926199, 74.911542, 64.949156, 68.966168, 68.750869],
    weights: [0, 0, 0.000323, 0.067163, 0.000063, 0.932452],
    recommended: 68.49754,
  },
} as const;
for (const [name, { at, points, bounds, weights, recommended }] of Object.entries(expected)) {
  test(`members, bounds, weights and their mix are those of the reference, ${name}`, () => {
    const answer = answers[at[0]]?.[at[1]];
    Object.values(members).forEach((member, i) => {
      expect(answer?.points[member]).toBeCloseTo(points[i] ?? Number.NaN, 5);
      expect(answer?.bounds[0]?.[member]).toBeCloseTo(bounds[i] ?? Number.NaN, 5);
      expect(answer?.weights[0]?.[member]).toBeCloseTo(weights[i] ?? Number.NaN, 5);
    });
    expect(answer?.mixes[0]).toBeCloseTo(recommended, 5);
  });
}

test('members answer first when the reference does', () => {
  const firstKnown = (of: (answer: Answer | undefined) => number | undefined, h: number): number =>
    answers.findIndex((each) => !Number.isNaN(of(each[h]) ?? Number.NaN));
  expect(firstKnown((a) => a?.points[members.profile], 0)).toBe(24);
  expect(firstKnown((a) => a?.points[members.daily], 0)).toBe(24);
  expect(firstKnown((a) => a?.points[members.regression], 0)).toBe(180);
  const firstBounds = { naive: [30, 32], profile: [54, 56], daily: [54, 56], mean: [31, 35], regression: [210, 212] };
  for (const [member, [one, three]] of Object.entries(firstBounds)) {
    const index = Object.entries(members).find(([name]) => name === member)?.[1] ?? -1;
    expect(firstKnown((a) => a?.bounds[0]?.[index], 0)).toBe(one);
    expect(firstKnown((a) => a?.bounds[0]?.[index], 1)).toBe(three);
  }
});

/** Losses at 0.95 and 0.9 over all origins of the second half. */
function scored(i: number, of: (answer: Answer) => readonly number[]): Scored {
  const h = setup.horizons[i] ?? 0;
  const total: Scored = { loss: [0, 0], sum: 0, held: 0, count: 0 };
  for (let t = first; t + h < load.length; t++) {
    const y = load[t + h] ?? Number.NaN;
    const answer = answers[t]?.[i];
    const [u95 = Number.NaN, u90 = Number.NaN] = answer === undefined ? [] : of(answer);
    total.loss[0] += pinball(y, u90, 0.9);
    total.loss[1] += pinball(y, u95, 0.95);
    if (y <= u95) total.held++;
    total.sum += y;
    total.count++;
  }
  return total;
}
interface Scored {
  readonly loss: [number, number];
  sum: number;
  held: number;
  count: number;
}

const scores = {
  'the calibrated last bin, one ahead': [0, (a: Answer) => a.fallbacks, 3.269818, 2.224297, 95.2646],
  'the calibrated last bin, three ahead': [1, (a: Answer) => a.fallbacks, 5.344261, 3.094702, 95.7983],
  'the mix, one ahead': [0, (a: Answer) => a.uppers, 1.413707, 0.840618, 97.493],
  'the mix, three ahead': [1, (a: Answer) => a.uppers, 1.488434, 0.909414, 96.0784],
} as const;
for (const [name, [i, of, pl90, pl95, covered]] of Object.entries(scores)) {
  test(`scores of the whole run are those of the reference: ${name}`, () => {
    const { loss, sum, held, count } = scored(i, of);
    expect((100 * loss[0]) / sum).toBeCloseTo(pl90, 5);
    expect((100 * loss[1]) / sum).toBeCloseTo(pl95, 5);
    expect((100 * held) / count).toBeCloseTo(covered, 4);
  });
}
