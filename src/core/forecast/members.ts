import { means, meanOf, type Series, windowStart } from './series.ts';

export const memberNames = ['last minute', 'last five minutes', 'trend'] as const;

/** What the members know at every bin of a series, whatever the horizon. */
export interface Levels {
  readonly short: Float64Array;
  readonly long: Float64Array;
  /** Change per second between the two halves of the last five minutes; NaN where those are not known. */
  readonly slope: Float64Array;
}

const shortSeconds = 60;
const longSeconds = 300;
/** A trend is believed for a part of the horizon only: it bends before it ends. */
const trendShare = 0.6;

export function levelsOf(series: Series): Levels {
  return { short: means(series, shortSeconds), long: means(series, longSeconds), slope: slopes(series) };
}

function slopes(series: Series): Float64Array {
  const slope = series.scratch.take(series.length).fill(Number.NaN);
  let start = 0;
  let middle = 0;
  for (let i = 0; i < series.length; i++) {
    start = windowStart(series, start, { i, seconds: longSeconds });
    middle = windowStart(series, middle, { i, seconds: longSeconds / 2 });
    const known = (series.known[i + 1] ?? 0) - (series.known[start + 1] ?? 0);
    if (middle <= start || known < 0.8 * (longSeconds - shortSeconds)) continue;
    slope[i] = (meanOf(series, middle, i + 1) - meanOf(series, start, middle)) / (longSeconds / 2);
  }
  return slope;
}

/** Point forecasts at bin i for the horizon, in the order of `memberNames`; NaN from a member that cannot answer. */
export function pointsAt({ short, long, slope }: Levels, i: number, horizonSeconds: number): readonly number[] {
  const level = long[i] ?? 0;
  const ahead = longSeconds / 2 + trendShare * horizonSeconds;
  return [short[i] ?? 0, level, Math.max(0, level + (slope[i] ?? Number.NaN) * ahead)];
}

/** The same for every bin: one array a member. */
export function pointsOf(series: Series, levels: Levels, horizonSeconds: number): readonly Float64Array[] {
  const ahead = longSeconds / 2 + trendShare * horizonSeconds;
  const trend = series.scratch.take(series.length);
  for (let i = 0; i < trend.length; i++) {
    trend[i] = Math.max(0, (levels.long[i] ?? 0) + (levels.slope[i] ?? Number.NaN) * ahead);
  }
  return [levels.short, levels.long, trend];
}
