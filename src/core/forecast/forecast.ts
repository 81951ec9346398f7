import { calibrate, horizonMaxima, scaleAt, type Calibration } from './calibration.ts';
import { means, membersOf, type Member } from './members.ts';
import { meanOf, type Series } from './series.ts';

/** Demand ahead, in requests of the present mix per second. */
export interface Forecast {
  readonly horizonSeconds: number;
  /** Demand now: mean of the last minute. */
  readonly level: number;
  /** The newest bin, or the last minute where that was more. */
  readonly recent: number;
  /** Expected over the horizon, never above `upper`. */
  readonly point: number;
  /** The quantile of the largest minute inside the horizon. */
  readonly upper: number;
  readonly quantile: number;
  readonly method: string;
}

/** Fewer judged forecasts than this express no quantile worth the name. */
const fewestScores = 30;
const mostScores = 240;
/** Members worse than the best fade: weight exp(-12 (loss / best - 1)). */
const sharpness = 12;
/** Bursts of real traffic: variance of arrivals over that of a Poisson stream, before anything was measured. */
const priorDispersion = 8;
/** The spread at level 0 is that of this share of the usual level, and of one request in ten minutes. */
const floorShare = 0.05;
const smallestFloor = 1 / 600;
/** No bound is believed beyond this multiple of the largest minute of the last two hours. */
const mostGrowth = 1.5;
/** A bin older than this says nothing about now. */
const oldestLevelSeconds = 300;

export interface ForecastInput {
  readonly series: Series;
  readonly horizonSeconds: number;
  readonly quantile: number;
  readonly binSeconds: number;
}

/**
 * Calibrated levels: three cheap point forecasts, each with the conformal quantile of its own past errors over this very horizon, mixed by the
 * loss of their bounds. `undefined` when nothing recent is known. Errors are taken from bins before the newest, so that more demand in the
 * newest bin never lowers the bound (I9).
 */
export function forecast({ series, horizonSeconds, quantile, binSeconds }: ForecastInput): Forecast | undefined {
  const last = series.length - 1;
  if (last < 0 || (series.t[last] ?? 0) < -oldestLevelSeconds) return undefined;
  const smooth = means(series, 60);
  const members = membersOf(series, horizonSeconds);
  const past = withoutLast(series);
  const actual = horizonMaxima(past, smooth.subarray(0, last), { seconds: horizonSeconds, binSeconds });
  const thin = Math.max(1, Math.ceil(last / mostScores));
  const floor = floorShare * meanOf(series, 0, last) + smallestFloor;
  const settings = { quantile, thin, floor };
  const calibrations = members.map((member) => calibrate(member.f.subarray(0, last), actual, settings));
  const level = smooth[last] ?? 0;
  const recent = Math.max(level, series.y[last] ?? 0);
  const bounds = members.map((member, i) => boundOf({ level: member.f[last] ?? 0, recent }, calibrations[i], settings));
  const weights = weightsOf(calibrations);
  const upper = Math.max(level, Math.min(mixed(bounds, weights), mostGrowth * largest(smooth)));
  const point = Math.min(
    upper,
    mixed(
      members.map((member) => member.f[last] ?? 0),
      weights,
    ),
  );
  return { horizonSeconds, level, recent, point, upper, quantile, method: methodOf(members, weights, calibrations) };
}

function withoutLast(series: Series): Series {
  const length = series.length - 1;
  return { ...series, t: series.t.subarray(0, length), y: series.y.subarray(0, length), length };
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/**
 * Upper bound of one member now. While its errors are few, what they say is mixed with the prior spread around the newest demand: a load that
 * has just begun is usually still growing.
 */
function boundOf(
  { level, recent }: { readonly level: number; readonly recent: number },
  calibration: Calibration | undefined,
  { quantile, floor }: { readonly quantile: number; readonly floor: number },
): number {
  const measured = level + Math.max(0, calibration?.score ?? 0) * scaleAt(level, floor);
  const fading = Math.max(0, 1 - (calibration?.count ?? 0) / fewestScores);
  const base = Math.max(level, recent);
  return Math.max(measured, level + fading * (base - level + priorScore(quantile) * scaleAt(base, floor)));
}

/** Normal quantile times the root of (dispersion / 60 s): the spread of a minute's mean rate per root of the rate. */
function priorScore(quantile: number): number {
  return normalQuantile(quantile) * Math.sqrt(priorDispersion / 60);
}

function weightsOf(calibrations: readonly Calibration[]): readonly number[] {
  const judged = calibrations.every((c) => c.count >= fewestScores);
  if (!judged) return calibrations.map((_, i) => (i === 0 ? 1 : 0));
  const best = Math.min(...calibrations.map((c) => c.loss)) + 1e-9;
  const raw = calibrations.map((c) => Math.exp(-sharpness * (c.loss / best - 1)));
  const total = raw.reduce((a, b) => a + b, 0);
  return raw.map((w) => w / total);
}

function mixed(values: readonly number[], weights: readonly number[]): number {
  return values.reduce((sum, v, i) => sum + v * (weights[i] ?? 0), 0);
}

function methodOf(
  members: readonly Member[],
  weights: readonly number[],
  calibrations: readonly Calibration[],
): string {
  const heaviest = weights.indexOf(Math.max(...weights));
  const count = calibrations[heaviest]?.count ?? 0;
  const name = members[heaviest]?.name ?? 'last minute';
  return count < fewestScores ? `${name}, prior bounds (${count} errors)` : `${name}, calibrated on ${count} errors`;
}

/** Quantile of the standard normal, a rational form good to 5e-4: enough for a prior. */
export function normalQuantile(p: number): number {
  const tail = Math.min(p, 1 - p);
  const t = Math.sqrt(-2 * Math.log(Math.max(1e-12, tail)));
  const z =
    t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3);
  return p < 0.5 ? -z : z;
}

/** Highest mean of any `seconds` in the last `lookback` seconds. */
export function recentPeak(series: Series, seconds: number, lookback: number): number {
  const smooth = means(series, seconds);
  let peak = 0;
  for (let i = series.length - 1; i >= 0 && (series.t[i] ?? 0) > -lookback; i--) peak = Math.max(peak, smooth[i] ?? 0);
  return peak;
}

/** Mean of the bins of the last `seconds`; 0 when there are none. */
export function recentMean(series: Series, seconds: number): number {
  let from = series.length;
  while (from > 0 && (series.t[from - 1] ?? 0) > -seconds) from--;
  return from === series.length ? 0 : meanOf(series, from, series.length);
}
