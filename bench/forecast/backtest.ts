import { advance, emptyForecaster } from '../../src/core/forecast/forecaster.ts';
import { pinball } from '../../src/core/forecast/mixing.ts';
import { setupOf, type Form } from '../../src/core/forecast/setup.ts';
import type { LoadSeries } from './series.ts';

/** Scores over the second half of a series: pinball loss in % of the mean load, share covered in %. */
export interface Scores {
  readonly series: string;
  readonly family: string;
  /** Seconds. */
  readonly horizon: number;
  readonly origins: number;
  readonly pl90: number;
  readonly pl95: number;
  readonly covered: number;
  /** The same of the calibrated last bin. */
  readonly naive: { readonly pl90: number; readonly pl95: number };
  readonly mixShare: number;
}
export interface Backtest {
  readonly scores: readonly Scores[];
  /** CPU of one bin, all horizons and quantiles. */
  readonly millisecondsPerBin: number;
  readonly stateBytes: number;
}

const quantiles = [0.9, 0.95];

interface Tally {
  origins: number;
  sum: number;
  covered: number;
  isMix: number;
  readonly own: [number, number];
  readonly naive: [number, number];
}

/** Lives through a series bin by bin; every bin of the scored part is an origin, every second one of a very long part. */
export function backtest({ name, family, step, values, horizons }: LoadSeries, form: Form = 'bounded'): Backtest {
  const isShort = values.length * step <= 2 * 86_400;
  const from = Math.floor(values.length * (isShort ? 0.4 : 0.5));
  const setup = setupOf({ step, horizons, quantiles, form, isShort });
  const forecaster = emptyForecaster(setup, 0);
  const tallies = horizons.map((): Tally => ({ origins: 0, sum: 0, covered: 0, isMix: 0, own: [0, 0], naive: [0, 0] }));
  const before = process.cpuUsage();
  values.forEach((y, t) => {
    const answers = advance(forecaster, setup, y);
    if (t < from || Number.isNaN(y)) return;
    horizons.forEach((horizon, i) => {
      const isThinned = values.length - from - horizon > 6000 && t % 2 !== 0;
      const target = values[t + horizon];
      const tally = tallies[i];
      const answer = answers[i];
      if (isThinned || target === undefined || Number.isNaN(target) || tally === undefined || answer === undefined)
        return;
      tally.origins++;
      tally.sum += target;
      quantiles.forEach((quantile, q) => {
        tally.own[q] = (tally.own[q] ?? 0) + pinball(target, answer.uppers[q] ?? Number.NaN, quantile);
        tally.naive[q] = (tally.naive[q] ?? 0) + pinball(target, answer.fallbacks[q] ?? Number.NaN, quantile);
      });
      if (target <= (answer.uppers[1] ?? Number.NaN)) tally.covered++;
      if (answer.isMix[1] === true) tally.isMix++;
    });
  });
  const { user, system } = process.cpuUsage(before);
  const scores = tallies.map((tally, i): Scores => {
    const percent = (loss: number): number => (100 * loss) / tally.sum;
    return {
      series: name,
      family,
      horizon: (horizons[i] ?? 0) * step,
      origins: tally.origins,
      pl90: percent(tally.own[0]),
      pl95: percent(tally.own[1]),
      covered: (100 * tally.covered) / tally.origins,
      naive: { pl90: percent(tally.naive[0]), pl95: percent(tally.naive[1]) },
      mixShare: tally.isMix / tally.origins,
    };
  });
  return {
    scores,
    millisecondsPerBin: (user + system) / 1000 / values.length,
    stateBytes: Buffer.byteLength(JSON.stringify(forecaster)),
  };
}
