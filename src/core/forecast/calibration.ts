import type { Scratch } from './scratch.ts';
import type { Series } from './series.ts';
import { WindowMaximum } from './window-maximum.ts';

/** Past forecasts of one member and what came, each pair at the same index; scores (y - f) / scale, sorted apart. */
export interface Errors {
  readonly count: number;
  readonly f: Float64Array;
  readonly y: Float64Array;
  readonly sorted: Float64Array;
  /** Of the scale at which scores were taken. */
  readonly floor: number;
}

/** The spread of a sum of many users grows with the root of its level; `floor` keeps it finite at 0. */
export function scaleAt(level: number, floor: number): number {
  return Math.sqrt(Math.max(0, level) + floor);
}

/** Rank ceil(q (k + 1)) of k ascending values, at most k: no interpolation. */
export function conformalRank(k: number, quantile: number): number {
  return Math.max(1, Math.min(k, Math.ceil(quantile * (k + 1))));
}

/** An origin is judged once its own minute was full: what it said before was half a level. */
const settledSeconds = 60;

/**
 * Largest minute-mean inside the horizon after each of the first `length` bins: what an order placed there has to carry. NaN where the horizon
 * has not passed or less than half of it is known. Walks from the newest bin back: linear.
 */
export function horizonMaxima(
  series: Series,
  smooth: Float64Array,
  horizon: { readonly seconds: number; readonly length: number },
): Float64Array {
  const { seconds, length } = horizon;
  const out = series.scratch.take(length).fill(Number.NaN);
  const window = new WindowMaximum(smooth, series.scratch.take(length));
  const { settled, last } = judgedSpan(series, horizon);
  const at = (i: number): number => series.t[i] ?? 0;
  let end = length - 1;
  for (let i = length - 2; i >= 0 && at(i) >= settled; i--) {
    window.push(i + 1);
    while (end > i && at(end) > at(i) + seconds + 1e-9) end--;
    const most = window.upTo(end);
    if (at(i) <= last && isHalfKnown(series, { from: i + 1, to: end + 1, seconds })) out[i] = most;
  }
  return out;
}

/** The first origin with a full minute behind it, and the last whose horizon has passed. */
function judgedSpan(
  { t }: Series,
  { seconds, length }: { readonly seconds: number; readonly length: number },
): { readonly settled: number; readonly last: number } {
  return { settled: (t[0] ?? 0) + settledSeconds, last: (t[length - 1] ?? 0) - seconds + 1e-9 };
}

function isHalfKnown(
  { known }: Series,
  { from, to, seconds }: { readonly from: number; readonly to: number; readonly seconds: number },
): boolean {
  return (known[to] ?? 0) - (known[from] ?? 0) >= 0.5 * seconds;
}

/** Pairs of a member's forecast and what came, every `thin`-th counted back from the newest. */
export function errorsOf(
  f: Float64Array,
  actual: Float64Array,
  { thin, floor, scratch }: { readonly thin: number; readonly floor: number; readonly scratch: Scratch },
): Errors {
  const most = Math.ceil(actual.length / thin);
  const forecasts = scratch.take(most);
  const actuals = scratch.take(most);
  const scores = scratch.take(most);
  let count = 0;
  for (let i = actual.length - 1; i >= 0; i -= thin) {
    const y = actual[i] ?? Number.NaN;
    const level = f[i] ?? Number.NaN;
    if (Number.isNaN(y) || Number.isNaN(level)) continue;
    forecasts[count] = level;
    actuals[count] = y;
    scores[count++] = (y - level) / scaleAt(level, floor);
  }
  return { count, f: forecasts, y: actuals, sorted: scores.subarray(0, count).sort(), floor };
}

/** The score at the quantile's conformal rank, never below 0 (an upper bound is not under its forecast); 0 without any. */
export function scoreOf({ sorted, count }: Errors, quantile: number): number {
  return count === 0 ? 0 : Math.max(0, sorted[conformalRank(count, quantile) - 1] ?? 0);
}

/** Mean pinball loss at the quantile of the bounds that this score would have given. */
export function lossOf({ f, y, count, floor }: Errors, score: number, quantile: number): number {
  let loss = 0;
  for (let i = 0; i < count; i++) {
    const level = f[i] ?? 0;
    const over = level + score * scaleAt(level, floor) - (y[i] ?? 0);
    loss += over < 0 ? -quantile * over : (1 - quantile) * over;
  }
  return count === 0 ? 0 : loss / count;
}
