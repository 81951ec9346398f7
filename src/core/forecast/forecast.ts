import { errorsOf, horizonMaxima, lossOf, scaleAt, scoreOf, type Errors } from './calibration.ts';
import { normalQuantile } from './normal.ts';
import { type Levels, memberNames, pointsAt, pointsOf } from './members.ts';
import { meanOf, type Series } from './series.ts';

/** Demand ahead, in requests of the present mix per second. */
export interface Forecast {
  readonly horizonSeconds: number;
  /** Demand now: mean of the last minute. */
  readonly level: number;
  /** The newest bin, or the last minute where that was more. */
  readonly recent: number;
  /** The quantile of the largest minute inside the horizon. */
  readonly upper: number;
  readonly quantile: number;
  readonly method: string;
  /** Days before were known to it, not only the last hours. */
  readonly knowsDays?: boolean;
}

/** Fewer judged forecasts than this express no quantile worth the name. */
const fewestScores = 30;
const mostScores = 120;
/** Members worse than the best fade: weight exp(-12 (loss / best - 1)). */
const sharpness = 12;
/** Bursts of real traffic: variance of arrivals over that of a Poisson stream, before anything was measured. */
const priorDispersion = 8;
/** Spread of a minute's mean rate per root of the rate. */
const priorScatter = Math.sqrt(priorDispersion / 60);
/** The spread at level 0 is that of this share of the usual level, and of one request in ten minutes. */
const floorShare = 0.05;
const smallestFloor = 1 / 600;
/** No bound is believed beyond this multiple of the largest minute of the last two hours. */
const mostGrowth = 1.5;

/** Ordinary errors are measured over this horizon, of which even a young pool has seen many; over others they grow as the root of time. */
export const baseHorizonSeconds = 60;

/**
 * Errors of each member over one horizon, from the bins before the newest: so more demand in the newest bin never lowers a bound (I9), and
 * what was not known then is not used. `base`: the same over `baseHorizonSeconds`.
 */
export function pastErrors(
  series: Series,
  levels: Levels,
  { horizonSeconds, base }: { readonly horizonSeconds: number; readonly base?: readonly Errors[] },
): readonly Errors[] {
  const length = Math.max(0, series.length - 1);
  const actual = horizonMaxima(series, levels.short, { seconds: horizonSeconds, length });
  const floor = floorShare * meanOf(series, 0, length) + smallestFloor;
  const thin = Math.max(1, Math.ceil(length / mostScores));
  const growth = Math.sqrt(horizonSeconds / baseHorizonSeconds);
  return pointsOf(series, levels, horizonSeconds).map((f, i) => {
    const of = base?.[i];
    const ordinary = of === undefined ? undefined : of.ordinary * growth;
    return errorsOf(f, actual, { series, thin, floor, horizonSeconds, ordinary });
  });
}

export interface ForecastInput {
  readonly series: Series;
  readonly levels: Levels;
  readonly errors: readonly Errors[];
  readonly horizonSeconds: number;
  readonly quantile: number;
}

/**
 * Calibrated levels: three cheap point forecasts, each with the conformal quantile of its own past errors over this very horizon, mixed by the
 * loss of their bounds.
 */
export function forecastFrom({ series, levels, errors, horizonSeconds, quantile }: ForecastInput): Forecast {
  const last = series.length - 1;
  const points = pointsAt(levels, last, horizonSeconds);
  const { level, recent } = hereNow(series, levels);
  const scores = errors.map((e) => scoreOf(e, quantile));
  const weights = weightsOf(errors, points, { scores, quantile });
  const bounds = errors.map((e, i) =>
    boundOf({ level: points[i] ?? 0, recent }, e, { score: scores[i] ?? 0, quantile }),
  );
  const upper = believable(mixed(bounds, weights), series, levels);
  return { horizonSeconds, level, recent, upper, quantile, method: methodOf(weights, errors) };
}

/** Demand in the last minute, and in the newest bin where that was more. */
export function hereNow(series: Series, levels: Levels): Pick<Forecast, 'level' | 'recent'> {
  const level = levels.short[series.length - 1] ?? 0;
  return { level, recent: Math.max(level, series.y[series.length - 1] ?? 0) };
}

/** A bound is at least what is here now, and not far beyond what was seen. */
export function believable(upper: number, series: Series, levels: Levels): number {
  const { level, recent } = hereNow(series, levels);
  return Math.max(level, Math.min(upper, mostGrowth * Math.max(recent, largest(levels.short))));
}

/** A bin this many of its own standard deviations above the last minute is no scatter. */
const jumpDeviations = 4;

/**
 * The newest bin where it stands so far above the last minute that the load has jumped, else 0: a bound must not wait a minute for the mean to
 * follow. How far single bins scatter is told by the ordinary errors of the last minute, and by no less than a Poisson stream: they (`base`) are
 * asked for only when the newest bin is beyond that.
 */
export function jumpOf({ t, y, length }: Series, { short }: Levels, base: () => Errors | undefined): number {
  if (length < 2) return 0;
  const newest = y[length - 1] ?? 0;
  const level = short[length - 2] ?? 0;
  const step = Math.max(1, (t[length - 1] ?? 0) - (t[length - 2] ?? 0));
  const isBeyond = (scatter: number, floor: number): boolean =>
    newest - level > jumpDeviations * scatter * Math.sqrt(baseHorizonSeconds / step) * scaleAt(level, floor);
  const poisson = Math.sqrt(1 / baseHorizonSeconds);
  const errors = isBeyond(poisson, 0) ? base() : undefined;
  if (errors === undefined) return 0;
  const ordinary = errors.count < fewestScores ? priorScatter : errors.ordinary;
  return isBeyond(Math.max(ordinary, poisson), errors.floor) ? newest : 0;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i] ?? 0);
  return most;
}

/**
 * Upper bound of one member now. While its errors are few, what they say is mixed with the prior spread around the newest demand.
 */
function boundOf(
  { level, recent }: { readonly level: number; readonly recent: number },
  { count, floor }: Errors,
  { score, quantile }: { readonly score: number; readonly quantile: number },
): number {
  const measured = level + score * scaleAt(level, floor);
  if (count >= fewestScores) return measured;
  const base = Math.max(level, recent);
  const prior = base - level + priorScore(quantile) * scaleAt(base, floor);
  return Math.max(measured, level + (1 - count / fewestScores) * prior);
}

/** Normal quantile times the spread of a minute's mean rate per root of the rate. */
function priorScore(quantile: number): number {
  return normalQuantile(quantile) * priorScatter;
}

/** By loss among the members that can answer and were judged often enough; the plain last minute until there is one. */
function weightsOf(
  errors: readonly Errors[],
  points: readonly number[],
  { scores, quantile }: { readonly scores: readonly number[]; readonly quantile: number },
): readonly number[] {
  const losses = errors.map((e, i) =>
    e.count >= fewestScores && !Number.isNaN(points[i]) ? lossOf(e, scores[i] ?? 0, quantile) : Infinity,
  );
  const best = Math.min(...losses) + 1e-9;
  if (best === Infinity) return errors.map((_, i) => (i === 0 ? 1 : 0));
  const raw = losses.map((loss) => Math.exp(-sharpness * (loss / best - 1)));
  const total = raw.reduce((a, b) => a + b, 0);
  return raw.map((weight) => weight / total);
}

function mixed(values: readonly number[], weights: readonly number[]): number {
  return values.reduce((sum, value, i) => (weights[i] ? sum + value * weights[i] : sum), 0);
}

function methodOf(weights: readonly number[], errors: readonly Errors[]): string {
  const heaviest = weights.indexOf(Math.max(...weights));
  const count = errors[heaviest]?.count ?? 0;
  const name = memberNames[heaviest] ?? memberNames[0];
  return count < fewestScores ? `${name}, prior bounds (${count} errors)` : `${name}, calibrated on ${count} errors`;
}
