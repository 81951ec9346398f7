import { expect, test } from 'vitest';
import { advance, emptyForecaster } from '../../../../src/core/forecast/forecaster.ts';
import { pinball } from '../../../../src/core/forecast/mixing.ts';
import { setupOf } from '../../../../src/core/forecast/setup.ts';

/** Ten-minute bins, so that ten days are few. */
const day = 144;
const setup = setupOf({ step: 600, horizons: [1, 3], quantiles: [0.95] });

function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
function normals(seed: number): () => number {
  const next = uniforms(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}
type Load = (seed: number) => (t: number) => number;
/** A level with the spread of many users. */
const crowd =
  (level: (t: number) => number): Load =>
  (seed) => {
    const noise = normals(seed);
    return (t) => Math.max(0, level(t) + Math.sqrt(level(t)) * noise());
  };
const walk: Load = (seed) => {
  const noise = normals(seed);
  let level = 100;
  return () => (level = Math.max(5, level + 2 * noise()));
};

interface Score {
  readonly ratio: number;
  readonly covered: number;
}

/** From the third day on, over both horizons and three seeds: loss over that of the calibrated last bin, and coverage in %. */
function score(load: Load, scale = 1): Score {
  let own = 0;
  let naive = 0;
  let held = 0;
  let count = 0;
  for (const seed of [11, 22, 33]) {
    const rate = load(seed);
    const y = Array.from({ length: 8 * day }, (_, t) => scale * rate(t));
    const forecaster = emptyForecaster(setup, 0);
    y.forEach((value, t) => {
      const answers = advance(forecaster, setup, value);
      answers.forEach(({ uppers, fallbacks }, i) => {
        const target = y[t + (setup.horizons[i] ?? 0)];
        const [upper = Number.NaN] = uppers;
        if (t < 3 * day || target === undefined) return;
        own += pinball(target, upper, 0.95);
        naive += pinball(target, fallbacks[0] ?? Number.NaN, 0.95);
        if (target <= upper) held++;
        count++;
      });
    });
  }
  return { ratio: own / naive, covered: (100 * held) / count };
}

/** With what the pool may lose: the gate lets it be up to 5 % worse before it closes, and one spike of an hour uses half of that. */
const withoutPattern = {
  'a constant crowd': [crowd(() => 100), 1.02],
  'a random walk': [walk, 1.02],
  'one step of level': [crowd((t) => (t < 5 * day ? 60 : 120)), 1.02],
  'one spike': [crowd((t) => (t > 5 * day && t < 5 * day + 6 ? 400 : 100)), 1.05],
} as const;
for (const [name, [load, most]] of Object.entries(withoutPattern)) {
  test(`without a pattern the pool does not lose to the calibrated last bin: ${name}`, () => {
    const { ratio, covered } = score(load);
    expect(ratio).toBeLessThan(most);
    expect(covered).toBeGreaterThan(93);
    expect(covered).toBeLessThan(97);
  });
}

const withPattern = {
  'a daily wave': crowd((t) => 100 + 60 * Math.sin((2 * Math.PI * t) / day)),
  'office hours': crowd((t) => (t % day >= 54 && t % day < 108 ? 200 : 60)),
};
for (const [name, load] of Object.entries(withPattern)) {
  test(`with a pattern it is better by a fifth from the third day on: ${name}`, () => {
    const { ratio, covered } = score(load);
    expect(ratio).toBeLessThan(0.8);
    expect(covered).toBeGreaterThan(92.5);
    expect(covered).toBeLessThan(97.5);
  });
}

test('bounds scale with the load', () => {
  const load = crowd((t) => 100 + 60 * Math.sin((2 * Math.PI * t) / day));
  const run = (scale: number): number => {
    const rate = load(5);
    const forecaster = emptyForecaster(setup, 0);
    let upper = Number.NaN;
    for (let t = 0; t < 4 * day; t++) upper = advance(forecaster, setup, scale * rate(t))[0]?.uppers[0] ?? Number.NaN;
    return upper;
  };
  expect(run(1000) / run(1) / 1000).toBeCloseTo(1, 4);
});

test('without a bin nothing new is said, and what was said stands', () => {
  const rate = walk(9);
  const forecaster = emptyForecaster(setup, 0);
  for (let t = 0; t < day; t++) advance(forecaster, setup, rate(t));
  const said = forecaster.answeredAt;
  expect(advance(forecaster, setup, Number.NaN)).toStrictEqual([]);
  expect(forecaster.answeredAt).toBe(said);
  expect(advance(forecaster, setup, 50).every(({ uppers }) => (uppers[0] ?? -1) >= 0)).toBe(true);
});
