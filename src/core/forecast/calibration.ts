import type { Series } from './series.ts';

/** Past forecasts of one member against what came, in units of the root of the level. */
export interface Calibration {
  /** The score at the quantile's conformal rank; `undefined` while there are too few. */
  readonly score: number | undefined;
  readonly count: number;
  /** Mean pinball loss at the quantile of the bounds that this score gives. */
  readonly loss: number;
}

/** The spread of a sum of many users grows with the root of its level; `floor` keeps it finite at 0. */
export function scaleAt(level: number, floor: number): number {
  return Math.sqrt(Math.max(0, level) + floor);
}

/** Rank ceil(q (k + 1)) of k ascending values, at most k: no interpolation. */
export function conformalRank(k: number, quantile: number): number {
  return Math.max(1, Math.min(k, Math.ceil(quantile * (k + 1))));
}

/**
 * Largest minute-mean inside the horizon after each origin: what an order placed there has to carry. NaN where the horizon has not passed or
 * less than half of it is known. Monotone queue, linear.
 */
export function horizonMaxima(
  series: Series,
  smooth: Float64Array,
  horizon: { readonly seconds: number; readonly binSeconds: number },
): Float64Array {
  const out = new Float64Array(series.length).fill(Number.NaN);
  const queue = new Int32Array(series.length);
  let head = 0;
  let tail = 0;
  let end = 0;
  const last = series.t[series.length - 1] ?? 0;
  const wanted = Math.max(1, Math.floor((0.5 * horizon.seconds) / horizon.binSeconds));
  for (let i = 0; i < series.length; i++) {
    const until = (series.t[i] ?? 0) + horizon.seconds;
    if (until > last + 1e-9) break;
    while (end < series.length && (series.t[end] ?? 0) <= until + 1e-9) {
      while (tail > head && (smooth[queue[tail - 1] ?? 0] ?? 0) <= (smooth[end] ?? 0)) tail--;
      queue[tail++] = end++;
    }
    while (head < tail && (queue[head] ?? 0) <= i) head++;
    if (end - 1 - i >= wanted && head < tail) out[i] = smooth[queue[head] ?? 0] ?? 0;
  }
  return out;
}

/** Scores of a member's past forecasts, their conformal quantile, and the loss of the bounds it would have given. */
export function calibrate(
  f: Float64Array,
  actual: Float64Array,
  { quantile, thin, floor }: { readonly quantile: number; readonly thin: number; readonly floor: number },
): Calibration {
  const scores = new Float64Array(f.length);
  let count = 0;
  for (let i = f.length - 1; i >= 0; i -= thin) {
    const y = actual[i] ?? Number.NaN;
    if (Number.isNaN(y)) continue;
    const level = f[i] ?? 0;
    scores[count++] = (y - level) / scaleAt(level, floor);
  }
  if (count === 0) return { score: undefined, count, loss: 0 };
  const sorted = scores.subarray(0, count).slice().sort();
  const score = sorted[conformalRank(count, quantile) - 1] ?? 0;
  let loss = 0;
  for (let i = f.length - 1; i >= 0; i -= thin) {
    const y = actual[i] ?? Number.NaN;
    if (Number.isNaN(y)) continue;
    const level = f[i] ?? 0;
    const bound = Math.max(0, level + score * scaleAt(level, floor));
    loss += y > bound ? quantile * (y - bound) : (1 - quantile) * (bound - y);
  }
  return { score, count, loss: loss / count };
}
