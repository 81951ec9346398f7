import fc from 'fast-check';
import { expect, test } from 'vitest';
import { longAfter, longBound, pastWanted } from '../../../src/core/forecast/long.ts';
import { outlookOf } from '../../../src/core/forecast/outlook.ts';
import { seriesOf } from '../../../src/core/forecast/series.ts';
import { freshLearned } from '../../../src/core/learning.ts';
import type { DemandPast, PastBin } from '../../../src/core/model/history.ts';
import type { LearnedMemory, LongForecast } from '../../../src/core/model/memory.ts';
import { instant, type Instant } from '../../../src/core/model/units.ts';
import { lacksPast, pastEnd, primed, taughtBy, type Primed } from '../../../src/core/priming.ts';
import { lengthsOf } from '../../../src/core/signals/mix.ts';
import { at, poolPolicy } from '../../support/builders.ts';

const of: Primed = { pool: 'team-a/chat', policy: poolPolicy() };
const { stepSeconds, offsetSeconds } = pastWanted(of.pool);
const costs = { prompt: 1, output: 4 };
const hour = 3600;
const day = 86_400;

/** The end of the pool's own minute `n`. */
const minute = (n: number): Instant => at((n + 1) * stepSeconds + offsetSeconds);

function bin(end: Instant, requests: number): PastBin {
  const [promptTokensPerSecond, outputTokensPerSecond] = [1000 * requests, 200 * requests];
  return { at: end, requestsPerSecond: requests, promptTokensPerSecond, outputTokensPerSecond };
}
function pastOf(rates: readonly (number | undefined)[]): DemandPast {
  const bins = rates.flatMap((rate, n) => (rate === undefined ? [] : [bin(minute(n), rate)]));
  return { stepSeconds, bins };
}
function taught(past: DemandPast, until: Instant = at(1e9)): LongForecast | undefined {
  const steps = taughtBy(past, of, until);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
/** As the controller would have learned it, looking at the end of each minute. */
function lived(learned: LearnedMemory, bins: readonly PastBin[], from: Instant): LearnedMemory {
  const context = {
    pool: of.pool,
    quantile: of.policy.tunables.provisioningQuantile,
    costs,
    lengths: { uncachedPrompt: 1000 },
  };
  let [long, before] = [learned.long, from];
  for (const one of bins) {
    long = longAfter(long, { bin: one, before }, context);
    before = one.at;
  }
  return long === undefined ? learned : { ...learned, long };
}
const fresh = freshLearned(at(0));

test('a primed pool knows what it would know had it lived the past, and goes on as that one would', () => {
  const rate = fc.oneof({ weight: 5, arbitrary: fc.double({ min: 0, max: 1e4, noNaN: true }) }, fc.constant(undefined));
  fc.assert(
    fc.property(fc.array(rate, { minLength: 1, maxLength: 90 }), fc.integer({ min: 0, max: 90 }), (rates, seen) => {
      const past = pastOf(rates);
      // What the pool saw itself, after the past: each look tells of the time since the one before.
      const first = minute(rates.length - 1);
      const own = Array.from({ length: seen + 1 }, (_, n) => bin(instant(first + 15_000 * n), 10 + (n % 3)));
      const alone = lived({ ...fresh, demand: own }, own.slice(1), first);
      const is = primed(alone, { taught: taught(past, pastEnd(alone, first)), of, now: own.at(-1)?.at ?? first });
      const whole = past.bins.reduce((so, one) => lived(so, [one], instant(one.at - 1000 * stepSeconds)), fresh);
      expect(is.long).toStrictEqual(past.bins.length === 0 ? alone.long : lived(whole, own.slice(1), first).long);
      expect({ ...is, long: undefined }).toStrictEqual({ ...alone, long: undefined });
    }),
    { numRuns: 60 },
  );
});

const wave = (n: number): number => 20 + 10 * Math.sin((n / 40) * 2 * Math.PI) + (n % 7) / 10;
const tenHours = pastOf(Array.from({ length: 600 }, (_, n) => wave(n)));
const primedTen = primed(fresh, { taught: taught(tenHours), of, now: minute(599) });

test('a history that is there is not overwritten, and priming twice is priming once', () => {
  const now = minute(600);
  expect(lacksPast(fresh, of, now)).toBe(true);
  expect(lacksPast(primedTen, of, now)).toBe(false);
  const other = taught(pastOf(Array.from({ length: 600 }, () => 3)));
  expect(primed(primedTen, { taught: other, of, now })).toBe(primedTen);
  const on = { ...lived(primedTen, [bin(minute(600), 5)], minute(599)), demand: [bin(minute(600), 5)] };
  expect(primed(on, { taught: other, of, now: minute(601) })).toBe(on);
});

test('memory that cannot be gone on with, of another quantile or another week, is none', () => {
  const { long } = primedTen;
  if (long === undefined) throw new Error('nothing was taught');
  expect(lacksPast({ ...fresh, long: { ...long, quantile: 0.5 } }, of, minute(600))).toBe(true);
  expect(lacksPast(primedTen, of, minute(600 + 3 * 1440))).toBe(true);
});

test('an empty past primes nothing', () => {
  expect(taught({ stepSeconds, bins: [] })).toBeUndefined();
  expect(primed(fresh, { taught: undefined, of, now: at(0) })).toBe(fresh);
});

const untrue: Readonly<Record<string, (good: PastBin) => PastBin>> = {
  NaN: (good) => ({ ...good, requestsPerSecond: Number.NaN }),
  'an infinite rate': (good) => ({ ...good, promptTokensPerSecond: Number.POSITIVE_INFINITY }),
  'a negative rate': (good) => ({ ...good, outputTokensPerSecond: -1 }),
  'a rate that no pool has': (good) => ({ ...good, promptTokensPerSecond: 1e30 }),
  'an unknown wait': (good) => ({ ...good, waitingPerSecond: Number.NaN }),
  'a bin of the future': (good) => ({ ...good, at: at(2e9) }),
  'a bin twice': (good) => ({ ...good, at: instant(good.at - 1000 * stepSeconds) }),
};
for (const [name, spoil] of Object.entries(untrue)) {
  test(`${name} is refused: as a gap, not as zero`, () => {
    const { bins } = tenHours;
    const spoilt = bins.map((one, n) => (n % 50 === 49 ? spoil(one) : one));
    const without = bins.filter((_, n) => n % 50 !== 49);
    expect(taught({ stepSeconds, bins: spoilt })).toStrictEqual(taught({ stepSeconds, bins: without }));
  });
}

test('a night without series is unknown and not zero', () => {
  const nightAs = (load: number | undefined): DemandPast =>
    pastOf(Array.from({ length: 900 }, (_, n) => (n > 600 && n < 840 ? load : wave(n))));
  const usualOf = (past: DemandPast): number => {
    const { state = {} } = taught(past) ?? {};
    const { week } = state as { readonly week: { readonly sum: number; readonly weight: number } };
    return week.sum / week.weight / (1000 + 4 * 200);
  };
  expect(usualOf(nightAs(undefined))).toBeCloseTo(20, 0);
  expect(usualOf(nightAs(0))).toBeLessThan(16);
});

test('queues that grew while engines were full count as demand', () => {
  const full: DemandPast = {
    stepSeconds,
    bins: Array.from({ length: 3 }, (_, n) => ({ ...bin(minute(n), 10), waitingPerSecond: 5 })),
  };
  expect(taught(full)?.open.work).toBe((15 * 1000 + 4 * 10 * 200) * stepSeconds);
});

/** A working day: quiet nights, a steep morning, and no two minutes alike. */
function daily(n: number): number {
  const x = ((n % 1440) / 1440) * 24;
  const morning = 1 / (1 + Math.exp(-6 * (x - 9)));
  const evening = 1 / (1 + Math.exp(3 * (x - 18)));
  return 3 + 60 * morning * evening + ((n * 7919) % 13) / 6;
}

/** Pinball loss of the bounds through the third morning, in requests per second. */
function lossOf(isPrimed: boolean): number {
  const { tunables } = of.policy;
  const begin = 2 * 1440 + 7 * 60;
  const [from, to] = [begin + 60, begin + 240];
  const past = pastOf(Array.from({ length: begin }, (_, n) => daily(n)));
  let learned = isPrimed ? primed(fresh, { taught: taught(past), of, now: minute(begin) }) : fresh;
  let loss = 0;
  for (let n = begin; n <= to; n++) {
    const own = bin(minute(n), daily(n));
    learned = { ...lived(learned, [own], minute(n - 1)), demand: [...learned.demand, own] };
    if (n < from) continue;
    const now = own.at;
    const lengths = { ...lengthsOf(learned.mix), uncachedPrompt: 1000, output: 200 };
    const outlook = outlookOf(seriesOf(learned.demand, lengths, costs, now), (horizonSeconds, quantile) =>
      longBound(learned.long, { horizonSeconds, quantile, pool: of.pool, workOfRequest: 1800, now }),
    );
    const upper = outlook.within(600, tunables.provisioningQuantile)?.upper ?? 0;
    const most = Math.max(...Array.from({ length: 10 }, (_, i) => daily(n + 1 + i)));
    loss += Math.max(
      tunables.provisioningQuantile * (most - upper),
      (1 - tunables.provisioningQuantile) * (upper - most),
    );
  }
  return loss / (to - from + 1);
}

test("a primed pool forecasts tomorrow's morning better than one that began an hour before it", {
  timeout: 60_000,
}, () => {
  const [known, unknown] = [lossOf(true), lossOf(false)];
  expect(known).toBeLessThan(0.7 * unknown);
});

test('the past that is asked for ends with the minutes of the pool and fits two weeks', () => {
  expect(pastWanted(of.pool)).toMatchObject({ stepSeconds: 60, spanSeconds: 14 * day });
  expect(offsetSeconds).toBeLessThan(60);
  expect(pastEnd({ ...fresh, demand: [bin(at(hour), 1)] }, at(2 * hour))).toBe(at(hour));
});
