import type { Forecaster, Horizon } from './forecaster.ts';
import type { Autoregression } from './members/autoregression.ts';
import type { Daily } from './members/daily.ts';
import type { Levels } from './members/levels.ts';
import type { Smoothed } from './members/smoothing.ts';
import type { RecentMean } from './recent-mean.ts';

/** A forecaster that may be changed while the one it came from stays as it is. What is only ever replaced as a whole is shared. */
export function copyOf(forecaster: Forecaster): Forecaster {
  const { past, levels, daily } = forecaster;
  return {
    ...forecaster,
    past: { ...past, bins: past.bins.slice() },
    week: { ...forecaster.week },
    ...(levels === undefined ? {} : { levels: levelsCopy(levels) }),
    ...(daily === undefined ? {} : { daily: dailyCopy(daily) }),
    horizons: forecaster.horizons.map(horizonCopy),
  };
}

function horizonCopy(horizon: Horizon): Horizon {
  return {
    stores: horizon.stores.map(({ values, known, scores }) => ({ values, known, scores })),
    errors: horizon.errors.map(meanCopy),
    losses: horizon.losses.map((each) => each.map(meanCopy)),
    gates: horizon.gates.map(({ mix, fallback, isMix }) => ({
      mix: meanCopy(mix),
      fallback: meanCopy(fallback),
      isMix,
    })),
    plain: regressionCopy(horizon.plain),
    seasonal: regressionCopy(horizon.seasonal),
    said: horizon.said.slice(),
  };
}

function meanCopy({ sum, weight, count, values }: RecentMean): RecentMean {
  return values === undefined ? { sum, weight, count } : { sum, weight, count, values: values.slice() };
}

function regressionCopy(model: Autoregression): Autoregression {
  const { moments, clip } = model;
  return {
    ...model,
    moments: {
      rows: moments.rows,
      sums: moments.sums.slice(),
      products: moments.products.slice(),
      target: moments.target,
      cross: moments.cross.slice(),
    },
    clip: { ...clip, top: clip.top.slice(), bottom: clip.bottom.slice() },
    ...(model.rows === undefined ? {} : { rows: model.rows.slice() }),
  };
}

function levelsCopy(levels: Levels): Levels {
  return {
    level: smoothedCopy(levels.level),
    trend: smoothedCopy(levels.trend),
    errors: levels.errors.map(({ sums, count }) => ({ sums: sums.slice(), count })),
    chosen: levels.chosen.slice(),
    said: levels.said.slice(),
    chosenAt: levels.chosenAt,
  };
}

function smoothedCopy({ levels, trends }: Smoothed): Smoothed {
  return { levels: levels.slice(), trends: trends.slice() };
}

function dailyCopy({ table, rateErrors, rates }: Daily): Daily {
  return {
    table: { ...table, levels: table.levels.slice(), season: table.season.slice() },
    rateErrors: rateErrors.map((each) => each.map(meanCopy)),
    rates: rates.slice(),
  };
}
