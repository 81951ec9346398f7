import type { Errors } from './calibration.ts';
import {
  baseHorizonSeconds,
  believable,
  type Forecast,
  forecastFrom,
  hereNow,
  jumpOf,
  pastErrors,
} from './forecast.ts';
import type { LongBound } from './long.ts';
import { levelsOf, type Levels } from './members.ts';
import { rampOf } from './ramp.ts';
import type { Series } from './series.ts';

/** The forecast for any horizon and quantile; what horizons and quantiles share is computed once. */
export interface Outlook {
  readonly series: Series;
  readonly levels: Levels;
  /** `undefined` while no recent rate is known. */
  readonly within: (horizonSeconds: number, quantile: number) => Forecast | undefined;
  /** Largest bin of the last `seconds`. */
  readonly peak: (seconds: number) => number;
}

/** A bin older than this says nothing about now. */
const oldestLevelSeconds = 300;

/** Bounds from what is known of days, where they have proved better. */
export type LongOutlook = (horizonSeconds: number, quantile: number) => LongBound | undefined;

export function outlookOf(series: Series, long: LongOutlook = () => undefined): Outlook {
  const levels = levelsOf(series);
  const errors = new Map<number, readonly Errors[]>();
  const made = new Map<string, Forecast>();
  const isKnown = series.length > 0 && (series.t[series.length - 1] ?? 0) >= -oldestLevelSeconds;
  const errorsOver = (horizonSeconds: number): readonly Errors[] => {
    const base = horizonSeconds === baseHorizonSeconds ? {} : { base: errorsOver(baseHorizonSeconds) };
    const past = errors.get(horizonSeconds) ?? pastErrors(series, levels, { horizonSeconds, ...base });
    errors.set(horizonSeconds, past);
    return past;
  };
  const jump = (): number => jumpOf(series, levels, () => errorsOver(baseHorizonSeconds)[0]);
  const fromLevels = (horizonSeconds: number, quantile: number): Forecast => {
    const past = errorsOver(horizonSeconds);
    return forecastFrom({ series, levels, errors: past, horizonSeconds, quantile });
  };
  const fromLong = (horizonSeconds: number, quantile: number): Forecast | undefined => {
    const bound = long(horizonSeconds, quantile);
    if (bound === undefined) return undefined;
    const upper = believable(bound.upper, series, levels);
    const method = `pool of members, most by ${bound.heaviest}`;
    return { horizonSeconds, ...hereNow(series, levels), upper, quantile, method, knowsDays: true };
  };
  const within = (horizonSeconds: number, quantile: number): Forecast | undefined => {
    if (!isKnown) return undefined;
    const key = `${horizonSeconds}/${quantile}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const ramp = rampOf(series, horizonSeconds, quantile);
    const floor = Math.max(jump(), ramp === 0 ? 0 : believable(ramp, series, levels));
    const forecast = atLeast(floor, fromLong(horizonSeconds, quantile) ?? fromLevels(horizonSeconds, quantile));
    made.set(key, forecast);
    return forecast;
  };
  return { series, levels, within, peak: (seconds) => peakOf(series, seconds) };
}

/** Demand stays what it is: what is known of its course is left out. */
export function levelOnly(outlook: Outlook): Outlook {
  const within: Outlook['within'] = (horizonSeconds, quantile) => {
    const made = outlook.within(horizonSeconds, quantile);
    return made === undefined ? undefined : { ...made, upper: made.recent };
  };
  return { ...outlook, within };
}

function atLeast(floor: number, forecast: Forecast): Forecast {
  return forecast.upper >= floor ? forecast : { ...forecast, upper: floor };
}

function peakOf(series: Series, seconds: number): number {
  let peak = 0;
  for (let i = series.length - 1; i >= 0 && (series.t[i] ?? 0) > -seconds; i--) peak = Math.max(peak, series.y[i] ?? 0);
  return peak;
}
