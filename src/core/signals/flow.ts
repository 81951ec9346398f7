import type { BaselineSignal, ReplicaBaseline } from '../model/memory.ts';
import type { ReplicaSamples, ReplicaSeen } from '../model/pool.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { type Counts, countsOf, freshValue } from './reading.ts';

/** What the teaching replicas did between two looks, summed. */
export interface Flow {
  readonly replicas: number;
  readonly replicaSeconds: number;
  readonly finished: number;
  readonly started: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Mean of running requests at both ends, times the seconds. */
  readonly runningSeconds: number;
  readonly runningChange: number;
  readonly waitingSeconds: number;
  readonly itlSeconds: number;
  readonly itlTokens: number;
}

/** What one replica did between two readings. */
export interface Increase extends Omit<Flow, 'replicas' | 'replicaSeconds'> {
  readonly seconds: number;
  /** Increase of finished requests plus change of running and waiting; never negative. */
  readonly arrivals: number;
  readonly waitingChange: number;
  /** Its whole life so far, which may be much shorter than the window of the others. */
  readonly isBirth: boolean;
}

/** A pair of readings nearer than this says too little, one farther apart too much. */
const shortestPairSeconds = 5;
const longestPairSeconds = 90;
/** A replica that became Ready this recently, and surely never before, started from 0 inside the window: its whole count is an increase. */
const bornWithinSeconds = 60;

/** No replica does or holds more: numbers beyond were misread, and what they say would be remembered for hours. */
const mostRequestsPerSecond = 1e5;
const mostTokensPerSecond = 1e8;
const mostRequestsHeld = 1e6;

export interface PairContext {
  readonly baseline: ReplicaBaseline | undefined;
  readonly maxAge: number;
  readonly watchedSince: Instant;
  readonly now: Instant;
}

/**
 * Increases of a replica since its baseline; `undefined` when there is no usable pair of readings. A counter that fell was reset: everything
 * it shows came since. A replica without baseline counts from its first sample, unless it was just born.
 */
export function increaseOf(replica: ReplicaSeen, context: PairContext): Increase | undefined {
  const increase = pairOf(replica, context);
  return increase !== undefined && isPlausible(increase) ? increase : undefined;
}

/** A pair of readings of which the later cannot be true. */
export function isMisread(replica: ReplicaSeen, context: PairContext): boolean {
  const increase = pairOf(replica, context);
  return increase !== undefined && !isPlausible(increase);
}

function isPlausible({ seconds, ...increase }: Increase): boolean {
  const tokens = Math.max(increase.promptTokens, increase.cachedTokens, increase.outputTokens);
  const held = Math.max(increase.runningSeconds, increase.waitingSeconds);
  return (
    increase.arrivals <= mostRequestsPerSecond * seconds &&
    tokens <= mostTokensPerSecond * seconds &&
    held <= mostRequestsHeld * seconds
  );
}

function pairOf(replica: ReplicaSeen, context: PairContext): Increase | undefined {
  const { samples } = replica;
  const known = finishedOf(samples, context);
  if (known === undefined) return undefined;
  const { baseline } = context;
  if (baseline === undefined) {
    const bornAt = birthOf(replica, context);
    return bornAt === undefined
      ? undefined
      : { ...between(countsOf(samples), {}, elapsed(bornAt, known.at)), isBirth: true };
  }
  const seconds = elapsed(baseline.at, known.at);
  if (seconds < shortestPairSeconds || seconds > longestPairSeconds) return undefined;
  const wasFinished = baseline.counts.finishedTotal;
  if (wasFinished === undefined) return undefined;
  return between(countsOf(samples), known.finished < wasFinished ? {} : baseline.counts, seconds);
}

/** Time and value of the finished counter when it, running and waiting are fresh. */
function finishedOf(
  samples: ReplicaSamples,
  { now, maxAge }: PairContext,
): { readonly at: Instant; readonly finished: number } | undefined {
  const { finishedTotal } = samples;
  const finished = freshValue(finishedTotal, now, maxAge);
  if (finished === undefined || finishedTotal.kind === 'missing') return undefined;
  if (freshValue(samples.running, now, maxAge) === undefined) return undefined;
  if (freshValue(samples.waiting, now, maxAge) === undefined) return undefined;
  return { at: finishedTotal.at, finished };
}

/** When a replica became Ready, if that was just now and for the first time: the pod itself is young, or we were watching. */
export function birthOf(replica: ReplicaSeen, { watchedSince, now }: PairContext): Instant | undefined {
  const { readyAt, createdAt } = replica.milestones;
  if (readyAt === undefined || elapsed(readyAt, now) > bornWithinSeconds) return undefined;
  return readyAt > watchedSince || elapsed(createdAt, now) <= longestPairSeconds ? readyAt : undefined;
}

function between(is: Counts, was: Counts, seconds: number): Increase {
  const change = (name: BaselineSignal): number => (is[name] ?? 0) - (was[name] ?? 0);
  const finished = change('finishedTotal');
  const runningChange = change('running');
  const waitingChange = change('waiting');
  const lived = Math.max(1, seconds);
  return {
    seconds: lived,
    isBirth: false,
    arrivals: Math.max(0, finished + runningChange + waitingChange),
    waitingChange,
    finished,
    started: finished + runningChange,
    promptTokens: counterChange(is, was, 'promptTokensTotal'),
    cachedTokens: counterChange(is, was, 'cachedPromptTokensTotal'),
    outputTokens: counterChange(is, was, 'outputTokensTotal'),
    runningSeconds: ((is.running ?? 0) - runningChange / 2) * lived,
    runningChange,
    waitingSeconds: ((is.waiting ?? 0) - waitingChange / 2) * lived,
    itlSeconds: counterChange(is, was, 'itlSecondsSum'),
    itlTokens: counterChange(is, was, 'itlCount'),
  };
}

/** Increase of a counter that may have been reset, and 0 when one end is unknown. */
function counterChange(is: Counts, was: Counts, name: BaselineSignal): number {
  const end = is[name];
  if (end === undefined) return 0;
  const start = was[name];
  if (start === undefined) return was.finishedTotal === undefined ? end : 0;
  return end < start ? end : end - start;
}
