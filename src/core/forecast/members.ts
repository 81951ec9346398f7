import { meanOf, type Series } from './series.ts';

/** A point forecast for every origin of a series: f[i] was possible when bin i had just closed. */
export interface Member {
  readonly name: 'last minute' | 'last five minutes' | 'trend';
  readonly f: Float64Array;
}

const shortSeconds = 60;
const longSeconds = 300;
/** A trend is believed for a part of the horizon only: it bends before it ends. */
const trendShare = 0.6;

/** Index of the first bin inside the `seconds` before bin i (it excluded), for every i; two pointers, linear. */
export function windowStarts(series: Series, seconds: number): Int32Array {
  const starts = new Int32Array(series.length);
  let start = 0;
  for (let i = 0; i < series.length; i++) {
    const edge = (series.t[i] ?? 0) - seconds + 1e-9;
    while ((series.t[start] ?? 0) <= edge && start < i) start++;
    starts[i] = start;
  }
  return starts;
}

export function means(series: Series, seconds: number): Float64Array {
  const starts = windowStarts(series, seconds);
  const f = new Float64Array(series.length);
  for (let i = 0; i < series.length; i++) f[i] = meanOf(series, starts[i] ?? 0, i + 1);
  return f;
}

/** Level of the last minute, of the last five, and the line through the two halves of the last five minutes. */
export function membersOf(series: Series, horizonSeconds: number): readonly Member[] {
  const short = means(series, shortSeconds);
  const long = means(series, longSeconds);
  return [
    { name: 'last minute', f: short },
    { name: 'last five minutes', f: long },
    { name: 'trend', f: trend(series, long, horizonSeconds) },
  ];
}

function trend(series: Series, long: Float64Array, horizonSeconds: number): Float64Array {
  const starts = windowStarts(series, longSeconds);
  const middles = windowStarts(series, longSeconds / 2);
  const f = new Float64Array(series.length);
  const ahead = longSeconds / 2 + trendShare * horizonSeconds;
  for (let i = 0; i < series.length; i++) {
    const start = starts[i] ?? 0;
    const middle = middles[i] ?? 0;
    const level = long[i] ?? 0;
    const isFull = (series.t[i] ?? 0) - (series.t[start] ?? 0) >= 0.8 * longSeconds && middle > start;
    if (!isFull) {
      f[i] = level;
      continue;
    }
    const slope = (meanOf(series, middle, i + 1) - meanOf(series, start, middle)) / (longSeconds / 2);
    f[i] = Math.max(0, level + slope * ahead);
  }
  return f;
}
