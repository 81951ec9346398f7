import { forecast, type Forecast } from './forecast.ts';
import type { Series } from './series.ts';

/** The forecast for any horizon and quantile, each computed once. */
export interface Outlook {
  readonly series: Series;
  /** `undefined` while no recent rate is known. */
  readonly within: (horizonSeconds: number, quantile: number) => Forecast | undefined;
}

export function outlookOf(series: Series, binSeconds: number): Outlook {
  const known = new Map<string, Forecast | undefined>();
  return {
    series,
    within: (horizonSeconds, quantile) => {
      const key = `${horizonSeconds}/${quantile}`;
      if (known.has(key)) return known.get(key);
      const made = forecast({ series, horizonSeconds, quantile, binSeconds });
      known.set(key, made);
      return made;
    },
  };
}
