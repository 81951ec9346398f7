import type { Errors } from './calibration.ts';
import { type Forecast, forecastFrom, pastErrors } from './forecast.ts';
import { levelsOf, type Levels } from './members.ts';
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

export function outlookOf(series: Series): Outlook {
  const levels = levelsOf(series);
  const errors = new Map<number, readonly Errors[]>();
  const made = new Map<string, Forecast>();
  const isKnown = series.length > 0 && (series.t[series.length - 1] ?? 0) >= -oldestLevelSeconds;
  const within = (horizonSeconds: number, quantile: number): Forecast | undefined => {
    if (!isKnown) return undefined;
    const key = `${horizonSeconds}/${quantile}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const past = errors.get(horizonSeconds) ?? pastErrors(series, levels, horizonSeconds);
    errors.set(horizonSeconds, past);
    const forecast = forecastFrom({ series, levels, errors: past, horizonSeconds, quantile });
    made.set(key, forecast);
    return forecast;
  };
  return { series, levels, within, peak: (seconds) => peakOf(series, seconds) };
}

function peakOf(series: Series, seconds: number): number {
  let peak = 0;
  for (let i = series.length - 1; i >= 0 && (series.t[i] ?? 0) > -seconds; i--) peak = Math.max(peak, series.y[i] ?? 0);
  return peak;
}
