import type { Setup } from '../setup.ts';
import {
  levelSettings,
  smooth,
  smoothedAhead,
  smoothedFrom,
  trendSettings,
  type Setting,
  type Smoothed,
} from './smoothing.ts';

/** Exponential smoothing while there is no season yet: which setting is used is chosen for each horizon by its recent error. */
export interface Levels {
  readonly level: Smoothed;
  readonly trend: Smoothed;
  /** Per horizon: fading error of each setting, levels first; all have the same weight. */
  readonly errors: readonly SettingErrors[];
  /** Per horizon: the chosen setting of either kind. */
  readonly chosen: number[][];
  /** What every setting said at the last origins, circular, as long as the longest horizon. */
  readonly said: Smoothed[];
  chosenAt: number;
}

export interface SettingErrors {
  readonly sums: number[];
  count: number;
}

const settings: readonly Setting[] = [...levelSettings, ...trendSettings];
const middle = { level: 3, trend: 30 };

export function beginLevels(setup: Setup, y: number, index: number): Levels {
  return {
    level: smoothedFrom(levelSettings, y),
    trend: smoothedFrom(trendSettings, y),
    errors: setup.horizons.map(() => ({ sums: settings.map(() => 0), count: 0 })),
    chosen: setup.horizons.map(() => [middle.level, middle.trend]),
    said: Array.from({ length: Math.max(...setup.horizons) }, () => ({ levels: [], trends: [] })),
    chosenAt: index,
  };
}

export function updateLevels(levels: Levels, setup: Setup, index: number, y: number): void {
  setup.horizons.forEach((horizon, i) => judge(levels, setup, { i, horizon, index, y }));
  smooth(levels.level, levelSettings, y);
  smooth(levels.trend, trendSettings, y);
  levels.said[index % levels.said.length] = {
    levels: short([...levels.level.levels, ...levels.trend.levels]),
    trends: short([...levels.level.trends, ...levels.trend.trends]),
  };
  if (index - levels.chosenAt < Math.min(setup.refit, setup.halfHour)) return;
  levels.chosenAt = index;
  choose(levels);
}

/** Six digits are enough to tell settings apart. */
function short(values: number[]): number[] {
  values.forEach((value, i) => (values[i] = value === 0 ? 0 : Number(value.toPrecision(6))));
  return values;
}

interface Judgement {
  readonly i: number;
  readonly horizon: number;
  readonly index: number;
  readonly y: number;
}

function judge({ said, errors }: Levels, setup: Setup, { i, horizon, index, y }: Judgement): void {
  const own = errors[i];
  const then = index < horizon ? undefined : said[(index - horizon) % said.length];
  if (own === undefined || then === undefined || then.levels.length === 0 || Number.isNaN(y)) return;
  const decay = Math.exp(-2 / Math.max(20, 24 * setup.hour));
  settings.forEach((setting, k) => {
    own.sums[k] = decay * (own.sums[k] ?? 0) + Math.abs(y - smoothedAhead(then, setting, k, horizon));
  });
  own.count++;
}

/** The setting of least error of either kind, the first on ties. */
function choose({ errors, chosen }: Levels): void {
  errors.forEach(({ sums, count }, i) => {
    if (count === 0) return;
    chosen[i] = [leastOf(sums, 0, levelSettings.length), leastOf(sums, levelSettings.length, sums.length)];
  });
}

/** Position of the least value among from..to (to excluded), counted from `from`. */
export function leastOf(values: readonly number[], from: number, to: number): number {
  let best = from;
  for (let k = from + 1; k < to; k++) if ((values[k] ?? Infinity) < (values[best] ?? Infinity)) best = k;
  return best - from;
}

/** Forecasts of the chosen level and of the chosen damped trend. */
export function levelsAhead({ level, trend, chosen }: Levels, i: number, horizon: number): readonly [number, number] {
  const [a = middle.level, b = middle.trend] = chosen[i] ?? [];
  const setting = trendSettings[b];
  return [
    level.levels[a] ?? Number.NaN,
    setting === undefined ? Number.NaN : smoothedAhead(trend, setting, b, horizon),
  ];
}
