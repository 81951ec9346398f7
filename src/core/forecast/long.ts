import type { DemandPast, PastWanted } from '../model/history.ts';
import type { DemandBin, LongForecast } from '../model/memory.ts';
import { elapsed, instant, type Instant } from '../model/units.ts';
import type { Lengths } from '../signals/mix.ts';
import { copyOf } from './copy.ts';
import { advance, emptyForecaster, heaviestOf, poolNames, type Forecaster } from './forecaster.ts';
import { promptTokensOf, type TokenCosts } from './series.ts';
import { setupOf, type Setup } from './setup.ts';

/** The pool of members on minutes of work: what it knows of days, kept as plain data. */

/** Grows with the content of the state; another format starts anew. */
export const longFormat = 1;
const step = 60;
/** Bounds for horizons between these are interpolated, beyond the last there are none. */
const horizons: readonly number[] = [2, 5, 13];
/** A bin tells at most this much of the time before it. */
const longestSpanSeconds = 60;
/** Minutes without a bin after which memory begins anew, and how far time may go back before it does. */
const longestGap = 2 * 1440;
const farthestBack = 60;
/** A last bin older than this says nothing about now. */
const oldestSeconds = 300;

export interface LongContext {
  /** Spreads the ends of minutes over the pools. */
  readonly pool: string;
  readonly quantile: number;
  readonly costs: TokenCosts;
  /** What prompts that still wait are taken for. */
  readonly lengths: Pick<Lengths, 'uncachedPrompt'>;
}

const sizes: Setup = setupOf({ step, horizons, quantiles: [] });

function setupFor(quantile: number): Setup {
  return { ...sizes, quantiles: [quantile] };
}

/** What the pool of members knows after one more bin of demand; `before`: the bin that came last. */
export function longAfter(
  long: LongForecast | undefined,
  { bin, before }: { readonly bin: DemandBin; readonly before: Instant | undefined },
  context: LongContext,
): LongForecast | undefined {
  if (before === undefined) return long;
  const span = Math.min(longestSpanSeconds, elapsed(before, bin.at));
  if (span <= 0) return long;
  const work =
    context.costs.prompt * promptTokensOf(bin, context.lengths) + context.costs.output * bin.outputTokensPerSecond;
  const end = bin.at / 1000 - offsetOf(context.pool);
  const start = end - span;
  const first = Math.floor(start / step);
  let next = usable(long, context, first) ?? fresh(context, first);
  for (let minute = first; minute * step < end; minute++) {
    const seconds = Math.min(end, (minute + 1) * step) - Math.max(start, minute * step);
    next = poured(next, { minute, seconds, work });
  }
  return next;
}

/** Two weeks: of the first, the regressions learn what a week later looks like. */
const pastSeconds = 14 * 86_400;

/** The past that would be as good as lived: in the minutes of this pool, so that none is spread over two. */
export function pastWanted(pool: string): PastWanted {
  return { stepSeconds: step, offsetSeconds: offsetOf(pool), spanSeconds: pastSeconds };
}

/** What the pool of members would know had it lived this past; a step of work a bin. What is not in it stays unknown. */
export function* livedThrough(past: DemandPast, context: LongContext): Generator<void, LongForecast | undefined> {
  let long: LongForecast | undefined;
  for (const bin of past.bins) {
    long = longAfter(long, { bin, before: instant(bin.at - 1000 * past.stepSeconds) }, context);
    yield;
  }
  return long;
}

/** Whether there is memory of a time before `since` that can be gone on with; `since` undefined: any. */
export function remembersBefore(
  long: LongForecast | undefined,
  { since, now }: { readonly since: Instant | undefined; readonly now: Instant },
  context: Pick<LongContext, 'pool' | 'quantile'>,
): boolean {
  const minuteOf = (at: Instant): number => Math.floor((at / 1000 - offsetOf(context.pool)) / step);
  const kept = usable(long, context, minuteOf(now));
  return kept !== undefined && (since === undefined || stateOf(kept).past.first < minuteOf(since));
}

/** What can be gone on with: of this format and quantile, and not from another time. */
function usable(
  long: LongForecast | undefined,
  { quantile }: Pick<LongContext, 'quantile'>,
  minute: number,
): LongForecast | undefined {
  if (long === undefined || long.format !== longFormat || long.quantile !== quantile) return undefined;
  const gap = minute - long.open.minute;
  return gap > longestGap || gap < -farthestBack ? undefined : long;
}

function fresh({ quantile }: LongContext, minute: number): LongForecast {
  const state: Forecaster = emptyForecaster(setupFor(quantile), minute);
  return { format: longFormat, quantile, open: { minute, seconds: 0, work: 0 }, state };
}

interface Pour {
  readonly minute: number;
  readonly seconds: number;
  readonly work: number;
}

/** Adds a piece of a minute; the first piece of a later one closes the minutes before it. A piece of a closed minute comes too late. */
function poured(long: LongForecast, { minute, seconds, work }: Pour): LongForecast {
  const { open } = long;
  if (minute < open.minute) return long;
  if (minute === open.minute) {
    return { ...long, open: { minute, seconds: open.seconds + seconds, work: open.work + work * seconds } };
  }
  const setup = setupFor(long.quantile);
  const state = copyOf(stateOf(long));
  advance(state, setup, open.seconds >= step / 2 ? rounded(open.work / open.seconds) : Number.NaN);
  for (let skipped = open.minute + 1; skipped < minute; skipped++) advance(state, setup, Number.NaN);
  return { ...long, state, open: { minute, seconds, work: work * seconds } };
}

/** A minute's mean needs no more digits, and fewer keep memory small. */
function rounded(n: number): number {
  return n === 0 ? 0 : Number(n.toPrecision(5));
}

/** The state is written and read by this room alone; its format says that it is as this version keeps it. */
function stateOf(long: LongForecast): Forecaster {
  return long.state as Forecaster;
}

/** Seconds by which this pool's minutes end later, so that a thousand pools do not close theirs in one pass. */
function offsetOf(pool: string): number {
  let hash = 7;
  for (let i = 0; i < pool.length; i++) hash = (hash * 31 + pool.charCodeAt(i)) % 1_000_003;
  return hash % step;
}

export interface LongBound {
  /** In requests of the present mix per second. */
  readonly upper: number;
  readonly heaviest: string;
}

/**
 * The largest bound of the minutes inside the horizon, while the mix is better than the calibrated last minute at every horizon it comes from;
 * otherwise nothing, and the caller's own levels stand.
 */
export function longBound(long: LongForecast | undefined, question: LongQuestion): LongBound | undefined {
  const { horizonSeconds, quantile, pool, workOfRequest, now } = question;
  if (long === undefined || long.format !== longFormat || long.quantile !== quantile) return undefined;
  const state = stateOf(long);
  const age = now / 1000 - offsetOf(pool) - (state.answeredAt + 1) * step;
  if (age < 0 || age > oldestSeconds) return undefined;
  const last = Math.max(1, Math.ceil((age + horizonSeconds) / step - 1e-9));
  const upTo = horizons.findIndex((horizon) => horizon >= last);
  if (upTo < 0) return undefined;
  const bounds = horizons.slice(0, upTo + 1).map((horizon, i) => mixBound(state, i, horizon));
  if (bounds.some((bound) => Number.isNaN(bound))) return undefined;
  const upper = Math.max(...bounds.slice(0, upTo), between(bounds, upTo, last));
  return { upper: upper / workOfRequest, heaviest: poolNames[heaviestOf(state, setupFor(quantile), upTo)] ?? '' };
}

/** The newest bound of the mix; NaN while it is not the better one. */
function mixBound({ horizons: all, answeredAt }: Forecaster, i: number, horizon: number): number {
  const own = all[i];
  const bound = own?.said[answeredAt % horizon]?.mixes[0] ?? -1;
  return own?.gates[0]?.isMix === true && bound >= 0 ? bound : Number.NaN;
}

export interface LongQuestion {
  readonly horizonSeconds: number;
  readonly quantile: number;
  readonly pool: string;
  readonly workOfRequest: number;
  readonly now: Instant;
}

/** The bound at a horizon between two of the grid; before the first the first one's. */
function between(bounds: readonly number[], right: number, last: number): number {
  const b = bounds[right] ?? 0;
  if (right === 0) return b;
  const [from = 0, to = 0] = horizons.slice(right - 1, right + 1);
  const a = bounds[right - 1] ?? b;
  return a + ((last - from) / (to - from)) * (b - a);
}
