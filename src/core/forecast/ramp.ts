import { normalQuantile } from './normal.ts';
import type { Series } from './series.ts';

/** A ramp is looked for in this much of the newest past. */
const windowSeconds = 180;
/** A step between bins so many times the shortest is a gap: looks were missed. */
const gapSteps = 3;
/** Fewer bins show no ramp. */
const fewestBins = 4;
/** The rise stands this many of its own standard errors above nothing. */
const leastDeviations = 3;

/**
 * Demand at the end of the horizon where it is climbing now, else 0. Bounds that hold 95 % of the time may fail on every climb, and a climb is
 * when most requests come: the line through the last three minutes goes on for one horizon, with the quantile of its own error, if its rise stands
 * clear of the scatter about it and a line fits better than a step does (what has jumped is there already, and need not go on). Whether it climbs
 * is told by the bins before the newest: more demand in that one raises the line, and never takes it away (I9). What has fallen back under the mean
 * of the three minutes is no climb.
 */
export function rampOf(series: Series, horizonSeconds: number, quantile: number): number {
  const { t, length } = series;
  const from = windowFrom(series);
  const error = slopeError(series, from, length - 1);
  if (error === undefined) return 0;
  const line = lineThrough(series, from, length);
  if (line.slope <= leastDeviations * error || (series.y[length - 1] ?? 0) <= line.mean) return 0;
  const ahead = (t[length - 1] ?? 0) - line.middle + horizonSeconds;
  return line.mean + (line.slope + normalQuantile(quantile) * error) * ahead;
}

/** Standard error of the slope over bins from..to (to excluded) where a line fits them better than a step. */
function slopeError(series: Series, from: number, to: number): number | undefined {
  if (to - from < fewestBins) return undefined;
  const line = lineThrough(series, from, to);
  if (line.slope <= 0 || line.squares >= stepSquares(series.y, from, to)) return undefined;
  const poisson = Math.max(0, line.mean) / line.stepSeconds;
  return Math.sqrt(Math.max(line.squares / (line.count - 2), poisson) / line.spread);
}

/** The first bin of the window: after the last gap in it, for what was on the other side of it may have ended there. */
function windowFrom({ t, length }: Series): number {
  const at = (i: number): number => t[i] ?? 0;
  const edge = at(length - 1) - windowSeconds + 1e-9;
  let shortest = length < 3 ? 0 : Math.min(at(length - 1) - at(length - 2), at(length - 2) - at(length - 3));
  let from = length - 1;
  while (from > 0 && at(from - 1) > edge) {
    const step = at(from) - at(from - 1);
    shortest = Math.min(shortest, step);
    if (step > gapSteps * shortest) break;
    from--;
  }
  return from;
}

interface Line {
  readonly count: number;
  readonly mean: number;
  /** Seconds: mean of the times, and of a step between two. */
  readonly middle: number;
  readonly stepSeconds: number;
  readonly slope: number;
  /** Sum of squared times about their mean, and of what the line leaves. */
  readonly spread: number;
  readonly squares: number;
}

function lineThrough({ t, y }: Series, from: number, to: number): Line {
  const count = to - from;
  let [mean, middle] = [0, 0];
  for (let i = from; i < to; i++) {
    mean += (y[i] ?? 0) / count;
    middle += (t[i] ?? 0) / count;
  }
  let [spread, shared, total] = [0, 0, 0];
  for (let i = from; i < to; i++) {
    const [dt, dy] = [(t[i] ?? 0) - middle, (y[i] ?? 0) - mean];
    spread += dt * dt;
    shared += dt * dy;
    total += dy * dy;
  }
  const slope = shared / spread;
  const stepSeconds = Math.max(1, ((t[to - 1] ?? 0) - (t[from] ?? 0)) / (count - 1));
  return { count, mean, middle, stepSeconds, slope, spread, squares: Math.max(0, total - slope * shared) };
}

/** What the best single step leaves of the sum of squares. */
function stepSquares(y: Float64Array, from: number, to: number): number {
  let [sum, squares] = [0, 0];
  for (let i = from; i < to; i++) {
    sum += y[i] ?? 0;
    squares += (y[i] ?? 0) ** 2;
  }
  let [before, most] = [0, 0];
  for (let i = from; i < to - 1; i++) {
    before += y[i] ?? 0;
    most = Math.max(most, before ** 2 / (i + 1 - from) + (sum - before) ** 2 / (to - i - 1));
  }
  return squares - most;
}
