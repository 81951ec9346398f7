import { boundOf, emptyStore, floorOf, keepResidual, rescale, spreadAt, type ResidualStore } from './conformal.ts';
import {
  emptyAutoregression,
  learnRow,
  refitIfDue,
  regressedAhead,
  type Autoregression,
} from './members/autoregression.ts';
import { beginDaily, dailyAhead, dailyPoint, judgeDaily, updateDaily, type Daily } from './members/daily.ts';
import { featuresAt, featuresFor, widthsOf, type Near } from './members/features.ts';
import type { Pair } from './members/holt-winters.ts';
import { beginLevels, levelsAhead, updateLevels, type Levels } from './members/levels.ts';
import { profileAhead } from './members/profile.ts';
import { isMixUsed, mixed, pinball, weightsOf } from './mixing.ts';
import { append, emptyPast, unknown, type Past } from './past.ts';
import { addTo, emptyMean, valueOf, type RecentMean } from './recent-mean.ts';
import type { Setup } from './setup.ts';

/** The pool, in this order everywhere; the last two are the error-weighted mean of the others' points, its errors taken at two scales. */
export const poolNames = [
  'last bin',
  'autoregression',
  'level',
  'damped trend',
  'daily profile',
  'seasonal autoregression',
  'Holt-Winters',
  'mean of the points',
  'mean of the points, in proportion',
] as const;
const pointMix = 7;
const proportional = 8;
const shortPool: readonly number[] = [0, 1, 2, 3];
const seasonalPool: readonly number[] = [0, 1, 4, 5, 6];

interface Gate {
  readonly mix: RecentMean;
  readonly fallback: RecentMean;
  isMix: boolean;
}

/** What one horizon has learnt. */
export interface Horizon {
  readonly stores: readonly ResidualStore[];
  readonly errors: readonly RecentMean[];
  /** Per quantile and member. */
  readonly losses: readonly (readonly RecentMean[])[];
  readonly gates: readonly Gate[];
  readonly plain: Autoregression;
  readonly seasonal: Autoregression;
  /** What was said at the last origins and is not yet judged, circular. */
  readonly said: Said[];
}

/** Everything said at an origin: `unknown` where a member could not answer. Empty: the origin was unknown. */
export interface Said {
  readonly points: readonly number[];
  /** Per quantile: each member's bound, and the mix of them. */
  readonly bounds: readonly (readonly number[])[];
  readonly mixes: readonly number[];
  /** What each rate of the daily table said. */
  readonly daily?: readonly number[];
}

export interface Forecaster {
  readonly past: Past;
  known: number;
  /** Decaying sum and weight of a week's load, and the mean that scales rest on. */
  readonly week: { sum: number; weight: number };
  usual: number;
  levels?: Levels;
  daily?: Daily;
  readonly horizons: readonly Horizon[];
  /** The last known bin: what was said then stands until the next one. */
  answeredAt: number;
}

/** Upper bounds for one horizon, per quantile. */
export interface Answer {
  readonly points: readonly number[];
  readonly bounds: readonly (readonly number[])[];
  readonly mixes: readonly number[];
  /** Weights of the members in each mix. */
  readonly weights: readonly (readonly number[])[];
  /** The calibrated last bin: what is used while the mix is not better. */
  readonly fallbacks: readonly number[];
  readonly isMix: readonly boolean[];
  /** The bound in use. */
  readonly uppers: readonly number[];
}

/** For the reference form: what its protocol fixes beforehand. */
export interface Pinned {
  readonly usual: number;
  readonly pair: Pair;
  readonly firstFit: number;
}

const nothingSaid: Said = { points: [], bounds: [], mixes: [] };

export function emptyForecaster(setup: Setup, first: number, pinned?: Pinned): Forecaster {
  return {
    past: emptyPast(setup, first),
    known: 0,
    week: { sum: 0, weight: 0 },
    usual: pinned?.usual ?? 0,
    horizons: setup.horizons.map((horizon) => emptyHorizon(setup, horizon)),
    answeredAt: first - 1,
  };
}

function emptyHorizon(setup: Setup, horizon: number): Horizon {
  const isSliding = setup.form === 'reference';
  const means = (): readonly RecentMean[] => poolNames.map(() => emptyMean(isSliding));
  const widths = widthsOf(setup);
  return {
    stores: poolNames.map(() => emptyStore(setup)),
    errors: means(),
    losses: setup.quantiles.map(means),
    gates: setup.quantiles.map(() => ({
      mix: emptyMean(isSliding),
      fallback: emptyMean(isSliding),
      isMix: setup.trust === 0,
    })),
    plain: emptyAutoregression(setup, widths.plain),
    seasonal: emptyAutoregression(setup, widths.seasonal),
    said: Array.from({ length: horizon }, () => nothingSaid),
  };
}

/**
 * One closed bin on: judges what was said for it, learns from it, and says what comes, one answer a horizon. NaN: the bin is not known, and
 * nothing new is said.
 */
export function advance(forecaster: Forecaster, setup: Setup, y: number, pinned?: Pinned): readonly Answer[] {
  append(forecaster.past, setup, y);
  const index = forecaster.past.last;
  if (!Number.isNaN(y)) {
    forecaster.known++;
    if (pinned === undefined) settleUsual(forecaster, setup, y);
  }
  refit(forecaster, setup, pinned);
  setup.horizons.forEach((horizon, i) => judge(forecaster, setup, { i, horizon, y }));
  updateMembers(forecaster, setup, { index, y, pinned });
  if (Number.isNaN(y)) {
    setup.horizons.forEach((horizon, i) => put(forecaster.horizons[i], index % horizon, nothingSaid));
    return [];
  }
  return say(forecaster, setup, y);
}

/** How what is not known is kept: bounds and loads are never negative, and JSON has no NaN. */
function kept(values: readonly number[]): readonly number[] {
  return values.map((value) => (Number.isNaN(value) ? unknown : value));
}

function known(value: number | undefined): number {
  return value === undefined || value < 0 ? Number.NaN : value;
}

function put(horizon: Horizon | undefined, slot: number, said: Said): void {
  if (horizon !== undefined) horizon.said[slot] = said;
}

/** The usual load: mean of a week. Scales follow it only when it has moved a lot. */
function settleUsual(forecaster: Forecaster, setup: Setup, y: number): void {
  const { week, usual } = forecaster;
  const keep = 1 - setup.step / (7 * 86_400);
  week.sum = keep * week.sum + y;
  week.weight = keep * week.weight + 1;
  const mean = week.sum / week.weight;
  if (mean <= 1.5 * usual && usual <= 1.5 * mean) return;
  forecaster.usual = mean;
  if (usual <= 0 || mean <= 0) return;
  const factor = Math.sqrt(floorOf(usual) / floorOf(mean));
  for (const { stores } of forecaster.horizons) {
    for (const store of stores.slice(0, proportional)) rescale(store, setup, factor);
  }
}

function refit({ past, horizons }: Forecaster, setup: Setup, pinned: Pinned | undefined): void {
  for (const { plain, seasonal } of horizons) {
    refitIfDue(plain, setup, past.last, pinned?.firstFit);
    refitIfDue(seasonal, setup, past.last, pinned?.firstFit);
  }
}

/** Spikes grow with the level itself: the last member's errors are taken in proportion to it. */
function spreadOf(member: number, level: number, floor: number): number {
  return member === proportional ? Math.max(0, level) + floor : spreadAt(level, floor);
}

interface Outcome {
  readonly i: number;
  readonly horizon: number;
  readonly y: number;
}

/** The origin that spoke of this bin: residuals, errors and losses of its members, and a row for the regressions. */
function judge(forecaster: Forecaster, setup: Setup, { i, horizon, y }: Outcome): void {
  const own = forecaster.horizons[i];
  const origin = forecaster.past.last - horizon;
  if (own === undefined || origin < forecaster.past.first) return;
  const said = own.said[origin % horizon] ?? nothingSaid;
  const floor = floorOf(forecaster.usual);
  own.stores.forEach((store, member) => {
    const point = known(said.points[member]);
    keepResidual(store, setup, origin, (y - point) / spreadOf(member, point, floor));
  });
  own.errors.forEach((mean, member) => {
    addTo(mean, Math.abs(y - known(said.points[member])), 2 * setup.hour);
  });
  setup.quantiles.forEach((quantile, q) => judgeBounds(own, setup, { said, quantile, q, y }));
  if (Number.isNaN(y) || said.points.length === 0) return;
  if (forecaster.daily !== undefined && said.daily !== undefined)
    judgeDaily(forecaster.daily, setup, { i, said: said.daily, y });
  learnFrom(forecaster, setup, { i, horizon, y });
}

function judgeBounds(
  own: Horizon,
  setup: Setup,
  at: { readonly said: Said; readonly quantile: number; readonly q: number; readonly y: number },
): void {
  const { said, quantile, q, y } = at;
  const lossWindow = Math.max(20, (setup.form === 'bounded' ? 24 : 12) * setup.hour);
  const gateWindow = Math.max(20, 24 * setup.hour);
  const bounds = said.bounds[q] ?? [];
  own.losses[q]?.forEach((mean, member) => {
    addTo(mean, pinball(y, known(bounds[member]), quantile), lossWindow);
  });
  const gate = own.gates[q];
  if (gate === undefined) return;
  addTo(gate.mix, pinball(y, known(said.mixes[q]), quantile), gateWindow);
  addTo(gate.fallback, pinball(y, known(bounds[0]), quantile), gateWindow);
}

function learnFrom({ past, usual, horizons }: Forecaster, setup: Setup, { i, horizon, y }: Outcome): void {
  const own = horizons[i];
  const origin = past.last - horizon;
  const near = featuresAt(past, setup, { origin, usual });
  if (own === undefined || Number.isNaN(near.y)) return;
  const { plain, seasonal, scale } = featuresFor(past, setup, { near, origin, horizon });
  const target = (y - near.y) / scale;
  learnRow(own.plain, setup, { origin, x: plain, target });
  learnRow(own.seasonal, setup, { origin, x: seasonal, target });
}

interface Step {
  readonly index: number;
  readonly y: number;
  readonly pinned: Pinned | undefined;
}

function updateMembers(forecaster: Forecaster, setup: Setup, { index, y, pinned }: Step): void {
  const { past } = forecaster;
  if (forecaster.daily !== undefined) updateDaily(forecaster.daily, index, y);
  else if (index - past.first === setup.day) {
    forecaster.daily = beginDaily(past, setup, pinned?.pair);
    updateDaily(forecaster.daily, index, y);
  }
  if (isSeasonal(forecaster, setup)) {
    delete forecaster.levels;
    return;
  }
  if (forecaster.levels === undefined) {
    if (!Number.isNaN(y)) forecaster.levels = beginLevels(setup, y, index);
    return;
  }
  updateLevels(forecaster.levels, setup, index, y);
}

function isSeasonal({ known }: Forecaster, { seasonalFrom }: Setup): boolean {
  return known >= seasonalFrom;
}

function say(forecaster: Forecaster, setup: Setup, y: number): readonly Answer[] {
  const { past, usual } = forecaster;
  const near = featuresAt(past, setup, { origin: past.last, usual });
  const profiles = profileAhead(past, setup, usual);
  forecaster.answeredAt = past.last;
  return setup.horizons.map((horizon, i) => {
    const own = forecaster.horizons[i];
    if (own === undefined) throw new RangeError('a horizon without memory');
    const daily = forecaster.daily === undefined ? undefined : dailyAhead(forecaster.daily, past.last + horizon);
    const points = pointsOf(forecaster, setup, { i, horizon, y, near, profile: profiles[i] ?? Number.NaN, daily });
    const answer = answerOf(forecaster, setup, own, points);
    own.said[past.last % horizon] = {
      points: kept(answer.points),
      bounds: answer.bounds.map(kept),
      mixes: kept(answer.mixes),
      ...(daily === undefined ? {} : { daily }),
    };
    return answer;
  });
}

interface PointsInput extends Outcome {
  readonly near: Near;
  readonly profile: number;
  readonly daily: readonly number[] | undefined;
}

function pointsOf(forecaster: Forecaster, setup: Setup, input: PointsInput): readonly number[] {
  const { i, horizon, y, near, profile, daily } = input;
  const { past, levels } = forecaster;
  const own = forecaster.horizons[i];
  const origin = past.last;
  const features = featuresFor(past, setup, { near, origin, horizon });
  const [level, trend] = levels === undefined ? [Number.NaN, Number.NaN] : levelsAhead(levels, i, horizon);
  const { scale } = features;
  return [
    y,
    own === undefined ? Number.NaN : regressedAhead(own.plain, { y, scale, x: features.plain }),
    level,
    trend,
    profile,
    own === undefined ? Number.NaN : regressedAhead(own.seasonal, { y, scale, x: features.seasonal }),
    daily === undefined || forecaster.daily === undefined ? Number.NaN : dailyPoint(forecaster.daily, i, daily),
  ];
}

function answerOf(forecaster: Forecaster, setup: Setup, own: Horizon, points: readonly number[]): Answer {
  const pool = isSeasonal(forecaster, setup) ? seasonalPool : shortPool;
  const bounded = setup.form === 'bounded' ? [...pool, pointMix, proportional] : [...pool, pointMix];
  const floor = floorOf(forecaster.usual);
  const eligible = points.map((point, member) => (pool.includes(member) ? point : Number.NaN));
  const mean = mixed(eligible, weightsOf(eligible, own.errors.slice(0, pointMix).map(valueOf), 8));
  const all = [...points, mean, mean];
  const bounds = setup.quantiles.map((_, q) =>
    own.stores.map((store, m) => boundOf(store, q, { point: all[m] ?? 0, spread: spreadOf(m, all[m] ?? 0, floor) })),
  );
  const weights = setup.quantiles.map((_, q) => {
    const usable = (bounds[q] ?? []).map((bound, m) => (bounded.includes(m) ? bound : Number.NaN));
    return weightsOf(usable, lossesOf(own.losses[q] ?? [], setup), 12);
  });
  const mixes = setup.quantiles.map((_, q) => mixed(bounds[q] ?? [], weights[q] ?? []));
  const fallbacks = bounds.map((each) => each[0] ?? Number.NaN);
  const isMix = setup.quantiles.map((_, q) => isMixHere(own.gates[q], setup) && !Number.isNaN(mixes[q]));
  const uppers = isMix.map((is, q) => (is ? mixes[q] : fallbacks[q]) ?? Number.NaN);
  return { points: all, bounds, mixes, weights, fallbacks, isMix, uppers };
}

function isMixHere(gate: Gate | undefined, setup: Setup): boolean {
  if (gate === undefined) return false;
  const mix = valueOf(gate.mix);
  const fallback = valueOf(gate.fallback);
  if (setup.form === 'reference') return !(mix > fallback);
  gate.isMix = isMixUsed(gate.isMix, { mix, fallback, outcomes: gate.mix.count, trust: setup.trust });
  return gate.isMix;
}

/** The member that weighs most in the newest mix of a horizon, at the first quantile. */
export function heaviestOf({ horizons, answeredAt }: Forecaster, setup: Setup, i: number): number {
  const own = horizons[i];
  const bounds = own?.said[answeredAt % (setup.horizons[i] ?? 1)]?.bounds[0] ?? [];
  const weights = weightsOf(bounds.map(known), lossesOf(own?.losses[0] ?? [], setup), 12);
  return weights.indexOf(Math.max(...weights));
}

/** Recent losses; unknown while a member has been judged too seldom. */
function lossesOf(losses: readonly RecentMean[], { probation }: Setup): readonly number[] {
  return losses.map((loss) => (loss.count < probation ? Number.NaN : valueOf(loss)));
}
