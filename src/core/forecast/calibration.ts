import type { Series } from './series.ts';
import { WindowMaximum } from './window-maximum.ts';

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

/** An origin is judged once its own minute was full: what it said before was half a level. */
const settledSeconds = 60;

/**
 * Largest minute-mean inside the horizon after each origin: what an order placed there has to carry. NaN where the horizon has not passed or
 * less than half of it is known. Walks from the newest bin back: linear.
 */
export function horizonMaxima(
  { t, length }: Series,
  smooth: Float64Array,
  horizon: { readonly seconds: number; readonly binSeconds: number },
): Float64Array {
  const out = new Float64Array(length).fill(Number.NaN);
  const window = new WindowMaximum(smooth);
  const last = t[length - 1] ?? 0;
  const fewest = Math.max(1, Math.floor((0.5 * horizon.seconds) / horizon.binSeconds));
  let end = length - 1;
  for (let i = length - 2; i >= 0; i--) {
    window.push(i + 1);
    const until = (t[i] ?? 0) + horizon.seconds + 1e-9;
    while (end > i && (t[end] ?? 0) > until) end--;
    const most = window.upTo(end);
    const isJudged = until <= last + 2e-9 && (t[i] ?? 0) - (t[0] ?? 0) >= settledSeconds;
    if (isJudged && end - i >= fewest) out[i] = most;
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
