import fc from 'fast-check';
import { expect, test } from 'vitest';
import { longAfter, longBound, type LongContext } from '../../../../src/core/forecast/long.ts';
import type { DemandBin, LongForecast } from '../../../../src/core/model/memory.ts';
import { at } from '../../../support/builders.ts';

const context: LongContext = {
  pool: 'ns/pool',
  quantile: 0.95,
  costs: { prompt: 1, output: 4 },
  lengths: { uncachedPrompt: 1000 },
};
const workOfRequest = 1000 + 4 * 200;

function bin(seconds: number, requests: number): DemandBin {
  return {
    at: at(seconds),
    requestsPerSecond: requests,
    promptTokensPerSecond: 1000 * requests,
    outputTokensPerSecond: 200 * requests,
  };
}
/** A stretch of bins each half minute; those that `rate` leaves out are missing. */
function lived(
  rate: (t: number) => number | undefined,
  { from = 0, to, begin }: { readonly from?: number; readonly to: number; readonly begin?: LongForecast | undefined },
): LongForecast | undefined {
  let long = begin;
  let before = from;
  for (let t = from + 30; t <= to; t += 30) {
    const requests = rate(t);
    if (requests === undefined) continue;
    long = longAfter(long, { bin: bin(t, requests), before: at(before) }, context);
    before = t;
  }
  return long;
}
function upper(long: LongForecast | undefined, now: number, horizonSeconds = 180): number | undefined {
  return longBound(long, { horizonSeconds, quantile: 0.95, pool: context.pool, workOfRequest, now: at(now) })?.upper;
}

/** Twenty minutes up, twenty down: a calibrated last minute lags behind it, a regression does not. */
const waves = (t: number): number => 20 + 10 * Math.sin((t / 2400) * 2 * Math.PI) + (t % 7) / 10;
const hours = 3600;
const tenHours = lived(waves, { to: 10 * hours });

test('a young pool has no bound of days: the mix must have proved itself for hours', () => {
  expect(upper(lived(waves, { to: 5 * hours }), 5 * hours)).toBeUndefined();
  expect(upper(tenHours, 10 * hours)).toBeGreaterThan(0);
});

test('with what is here now the bound holds about as often as it says, and is not far above what comes', () => {
  let long = tenHours;
  let held = 0;
  let said = 0;
  let surplus = 0;
  const end = 14 * hours;
  for (let t = 10 * hours; t < end; t += 300) {
    const bound = upper(long, t);
    if (bound !== undefined) {
      const minute = (i: number): number => (waves(t + 60 * i + 30) + waves(t + 60 * i + 60)) / 2;
      const coming = Math.max(minute(0), minute(1), minute(2));
      said++;
      if (coming <= Math.max(bound, minute(-1)) + 0.3) held++;
      surplus += bound - coming;
    }
    long = lived(waves, { from: t, to: t + 300, begin: long });
  }
  expect(said).toBeGreaterThan(40);
  expect(held / said).toBeGreaterThan(0.85);
  expect(surplus / said).toBeLessThan(3);
});

test('what was handed out stays as it is, and a round trip through JSON changes nothing that follows', () => {
  const text = JSON.stringify(tenHours);
  const restored: LongForecast = JSON.parse(text);
  const on = lived(waves, { from: 10 * hours, to: 11 * hours, begin: tenHours });
  expect(JSON.stringify(tenHours)).toBe(text);
  const again = lived(waves, { from: 10 * hours, to: 11 * hours, begin: restored });
  expect(JSON.stringify(again)).toBe(JSON.stringify(on));
});

test('never beyond the farthest horizon, never long after the last bin, never at another quantile', () => {
  const now = 10 * hours;
  expect(upper(tenHours, now, 600)).toBeGreaterThan(0);
  expect(upper(tenHours, now, 900)).toBeUndefined();
  expect(upper(tenHours, now + 400)).toBeUndefined();
  const other = { horizonSeconds: 180, quantile: 0.99, pool: context.pool, workOfRequest, now: at(now) };
  expect(longBound(tenHours, other)).toBeUndefined();
});

test('a gap is unknown and not zero: the bounds after it are those of the load, not of an outage', () => {
  const withGap = lived((t) => (t > 10 * hours && t < 10.5 * hours ? undefined : waves(t)), {
    from: 10 * hours,
    to: 11 * hours,
    begin: tenHours,
  });
  const without = lived(waves, { from: 10 * hours, to: 11 * hours, begin: tenHours });
  const [a = Number.NaN, b = Number.NaN] = [upper(withGap, 11 * hours), upper(without, 11 * hours)];
  expect(Math.abs(a / b - 1)).toBeLessThan(0.1);
});

test('memory that another format or quantile wrote, or that is of another week, is begun anew', () => {
  const next = { bin: bin(10 * hours + 30, 5), before: at(10 * hours) };
  const known = (long: LongForecast | undefined): boolean =>
    JSON.stringify(long).length > JSON.stringify(tenHours).length / 2;
  expect(known(longAfter(tenHours, next, context))).toBe(true);
  const far = { bin: bin(200 * hours, 5), before: at(200 * hours - 30) };
  for (const anew of [
    tenHours === undefined ? undefined : longAfter({ ...tenHours, format: 0 }, next, context),
    longAfter(tenHours, next, { ...context, quantile: 0.9 }),
    longAfter(tenHours, far, context),
  ]) {
    expect(upper(anew, 10 * hours + 30)).toBeUndefined();
    expect(anew?.open.seconds).toBeGreaterThan(0);
  }
});

test('whatever comes, the state holds finite numbers and the bound is finite and not negative', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          gap: fc.constantFrom(15, 30, 60, 400, 7200, -120),
          rate: fc.double({ min: 0, max: 1e6, noNaN: true }),
        }),
        {
          minLength: 1,
          maxLength: 60,
        },
      ),
      (steps) => {
        let long = tenHours;
        let t = 10 * hours;
        for (const { gap, rate } of steps) {
          const before = t;
          t += gap;
          long = longAfter(long, { bin: bin(t, rate), before: at(before) }, context);
          const bound = upper(long, t);
          expect(bound === undefined || (Number.isFinite(bound) && bound >= 0)).toBe(true);
        }
        expect(JSON.stringify(long)).not.toContain('null');
      },
    ),
    { numRuns: 60 },
  );
});
