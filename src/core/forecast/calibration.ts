import { normalQuantile } from './normal.ts';
import type { Series } from './series.ts';
import { WindowMaximum } from './window-maximum.ts';

/** Past forecasts of one member and what came, each pair at the same index; scores (y - f) / scale, sorted apart. */
export interface Errors {
  readonly count: number;
  readonly f: Float64Array;
  readonly y: Float64Array;
  readonly sorted: Float64Array;
  /** Outcomes that do not overlap: forecasts made within one horizon are surprised by the same event. At most `count`. */
  readonly independent: number;
  /** Spread of the scores of ordinary outcomes. */
  readonly ordinary: number;
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

export interface Judging {
  /** Every `thin`-th origin counts, from the newest back. */
  readonly thin: number;
  readonly floor: number;
  readonly horizonSeconds: number;
  /** Absent: the spread of the middle half of these scores themselves. */
  readonly ordinary?: number | undefined;
}

/** Pairs of a member's forecast and what came. */
export function errorsOf(
  f: Float64Array,
  actual: Float64Array,
  judging: Judging & { readonly series: Pick<Series, 't' | 'scratch'> },
): Errors {
  const { thin, floor, horizonSeconds } = judging;
  const { t, scratch } = judging.series;
  const most = Math.ceil(actual.length / thin);
  const forecasts = scratch.take(most);
  const actuals = scratch.take(most);
  const scores = scratch.take(most);
  let count = 0;
  let newest = Number.NaN;
  let oldest = Number.NaN;
  for (let i = actual.length - 1; i >= 0; i -= thin) {
    const y = actual[i] ?? Number.NaN;
    const level = f[i] ?? Number.NaN;
    if (Number.isNaN(y) || Number.isNaN(level)) continue;
    oldest = t[i] ?? 0;
    if (count === 0) newest = oldest;
    forecasts[count] = level;
    actuals[count] = y;
    scores[count++] = (y - level) / scaleAt(level, floor);
  }
  const independent = count === 0 ? 0 : Math.min(count, 1 + (newest - oldest) / horizonSeconds);
  const sorted = scores.subarray(0, count).sort();
  return {
    count,
    f: forecasts,
    y: actuals,
    sorted,
    independent,
    ordinary: judging.ordinary ?? spreadOf(sorted),
    floor,
  };
}

/** Ordinary outcomes that are counted beside those that were seen: one surprise is no habit. */
const ordinaryOutcomes = 20;
/** Quantile of the standard normal at its upper quartile. */
const quartile = 0.6745;

/** Spread of the middle half of the scores, as a standard deviation; 0 without any. */
function spreadOf(sorted: Float64Array): number {
  const at = (quantile: number): number => sorted[conformalRank(sorted.length, quantile) - 1] ?? 0;
  return (at(0.75) - at(0.25)) / (2 * quartile);
}

/**
 * The score that at most 1 - quantile of outcomes exceed, of those that were seen and of `ordinaryOutcomes` that are normal with the
 * ordinary spread; never below 0 (an upper bound is not under its forecast); 0 without any. One burst surprises every forecast made within one
 * horizon before it: counted as many among few outcomes it would hold a fleet for its return. Several do.
 */
export function scoreOf({ sorted, count, independent, ordinary }: Errors, quantile: number): number {
  if (count === 0) return 0;
  const allowed = (1 - quantile) * (independent + ordinaryOutcomes + 1);
  let score = Number.POSITIVE_INFINITY;
  for (let above = 0; above <= count; above++) {
    const left = allowed - (above / count) * independent;
    if (left <= 0) break;
    const z = normalQuantile(Math.max(0.5, 1 - left / ordinaryOutcomes));
    score = Math.min(score, Math.max(ordinary * z, sorted[count - 1 - above] ?? Number.NEGATIVE_INFINITY));
  }
  return Math.max(0, score);
}

/** Mean pinball loss at the quantile of the bounds that this score would have given, ordinary outcomes (which the score covers) counted with those seen. */
export function lossOf({ f, y, count, independent, floor }: Errors, score: number, quantile: number): number {
  if (count === 0) return 0;
  let seen = 0;
  let margin = 0;
  for (let i = 0; i < count; i++) {
    const level = f[i] ?? 0;
    const above = score * scaleAt(level, floor);
    const over = level + above - (y[i] ?? 0);
    seen += over < 0 ? -quantile * over : (1 - quantile) * over;
    margin += above;
  }
  const ordinary = (1 - quantile) * margin;
  return (independent * seen + ordinaryOutcomes * ordinary) / (count * (independent + ordinaryOutcomes));
}
