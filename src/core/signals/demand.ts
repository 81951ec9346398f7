import { lengthsOf } from './mix.ts';
import type { DemandBin, GatewayBaseline, LearnedMemory, ReplicaBaseline } from '../model/memory.ts';
import type { PoolSeen, ReplicaSeen } from '../model/pool.ts';
import { aged } from '../model/sample.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { isCovered } from './coverage.ts';
import { birthOf, increaseOf, isMisread, type Flow, type Increase, type PairContext } from './flow.ts';
import { gatewayStep, type GatewayStep } from './gateway.ts';
import type { Observation } from './observe.ts';
import { stuckSince } from './progress.ts';
import { countsOf, isServing, maxAgeSeconds } from './reading.ts';

/** Samples from a replica's first minute do not teach capacity. */
const teachesAfterSeconds = 60;
/** A pair of readings that is no longer than this has no gap in it, also where samples turn stale sooner: three of the shortest pairs. */
const longestTeachingSeconds = 15;
/** More replicas than this keep no baseline: memory stays bounded, and those that have one speak for the others. */
const mostBaselines = 600;

export interface DemandContext {
  readonly learned: LearnedMemory;
  readonly watchedSince: Instant;
  readonly now: Instant;
}

export interface DemandStep {
  /** Arrivals of this step; absent while too little new was read (unknown is not zero). */
  readonly bin?: DemandBin;
  /** What the replicas did, for the lengths of the mix. */
  readonly flow?: Flow;
  /** The same without those in their first minute and without gaps, for capacity: neither a warm-up nor what was not watched teaches. */
  readonly settledFlow?: Flow;
  readonly baselines: LearnedMemory['baselines'];
  readonly gateway?: GatewayBaseline;
}

/** Per-replica rates added up over the pool. */
interface PoolRates {
  requests: number;
  uncachedPrompt: number;
  waitingChange: number;
  covered: number;
  expected: number;
  /** Of a pool too large to remember: replicas without baseline. */
  unsampled: number;
}

type Sums = { -readonly [K in keyof Flow]: Flow[K] };

/**
 * Arrivals since the last look: the gateway's counter where there is one, else the sum over replicas of finished + change of running and
 * waiting, each over its own pair of readings, scaled up when a few are dark. Throughput is never taken for demand.
 */
export function stepDemand(seen: PoolSeen, observation: Observation, context: DemandContext): DemandStep {
  const maxAge = maxAgeSeconds(seen.scrapeIntervalSeconds);
  const { rates, all, settled } = readPairs(observation, context, maxAge);
  const gateway = gatewayStep(seen.gateway, context.learned.gateway, { now: context.now, maxAge });
  const flow = all.replicas > 0 ? all : undefined;
  const bin = binOf({ rates, gateway, context });
  return {
    ...(bin === undefined ? {} : { bin }),
    ...(flow === undefined || bin === undefined ? {} : { flow }),
    ...(settled.replicas === 0 || bin === undefined ? {} : { settledFlow: settled }),
    baselines: nextBaselines(seen, context, { isClosed: bin !== undefined, maxAge }),
    ...(gateway.next === undefined ? {} : { gateway: gateway.next }),
  };
}

interface Pairs {
  readonly rates: PoolRates;
  readonly all: Flow;
  readonly settled: Flow;
}

/**
 * Adds up the replicas over one common window. A replica just born is divided by the window of the others, not by its own short life: the
 * traffic that it drew away from them is in their windows too. Until it is read it is not missed: its count comes whole with the next look.
 */
function readPairs(observation: Observation, context: DemandContext, maxAge: number): Pairs {
  const { sampled, unsampled } = sampledOf(observation, context);
  const rates: PoolRates = { requests: 0, uncachedPrompt: 0, waitingChange: 0, covered: 0, expected: 0, unsampled };
  const all = emptyFlow();
  const settled = emptyFlow();
  const births: Increase[] = [];
  const { learned, watchedSince, now } = context;
  for (const { seen } of sampled) {
    const pair: PairContext = { baseline: learned.baselines[seen.id], maxAge, watchedSince, now };
    const increase = increaseOf(seen, pair);
    if (increase !== undefined || !isUnread(seen, pair)) rates.expected++;
    if (increase === undefined) continue;
    if (increase.isBirth) births.push(increase);
    else addRates(rates, increase, increase.seconds);
    addFlow(all, increase);
    if (teaches(seen, now) && !spansGap(increase, maxAge)) addFlow(settled, increase);
  }
  const window = births.length === all.replicas ? 0 : windowOf(all, births);
  for (const birth of births) addRates(rates, birth, Math.max(birth.seconds, window));
  return { rates, all, settled };
}

/**
 * The replicas that tell: all of them, or in a pool too large to remember those that have a baseline. The dark ones serve, as far as is known, and are
 * taken to do as much as the mean of those that tell.
 */
function sampledOf(
  { readings }: Observation,
  { learned }: DemandContext,
): { readonly sampled: Observation['readings']; readonly unsampled: number } {
  const telling = readings.filter(({ isDark, isStuck }) => !isDark && !isStuck);
  const dark = readings.filter(({ isDark, isStuck }) => isDark && !isStuck).length;
  if (telling.length <= mostBaselines) return { sampled: telling, unsampled: dark };
  const sampled = telling.filter(({ seen }) => learned.baselines[seen.id] !== undefined);
  return { sampled, unsampled: dark + telling.length - sampled.length };
}

/** Mean span of the pairs that are no births. */
function windowOf(all: Flow, births: readonly Increase[]): number {
  const lived = births.reduce((sum, birth) => sum + birth.seconds, 0);
  return (all.replicaSeconds - lived) / (all.replicas - births.length);
}

function isUnread(seen: ReplicaSeen, pair: PairContext): boolean {
  return pair.baseline === undefined && birthOf(seen, pair) !== undefined;
}

function addRates(rates: PoolRates, increase: Increase, seconds: number): void {
  rates.covered++;
  rates.requests += increase.arrivals / seconds;
  rates.uncachedPrompt += (increase.promptTokens - increase.cachedTokens) / seconds;
  rates.waitingChange += increase.waitingChange / seconds;
}

interface BinInput {
  readonly rates: PoolRates;
  readonly gateway: GatewayStep;
  readonly context: DemandContext;
}

function binOf({ rates, gateway, context }: BinInput): DemandBin | undefined {
  const { covered, expected, unsampled } = rates;
  const scale = isCovered(covered, expected) ? (expected + unsampled) / covered : undefined;
  const queueChange = gateway.queuedChangePerSecond ?? 0;
  const counted = gateway.requestsPerSecond;
  if (counted === undefined && scale === undefined) return undefined;
  const requests = counted ?? Math.max(0, rates.requests * (scale ?? 1) + queueChange);
  const prompt = scale === undefined ? 0 : Math.max(0, rates.uncachedPrompt * scale);
  const waiting = scale === undefined ? 0 : rounded(rates.waitingChange * scale + queueChange);
  return {
    at: context.now,
    requestsPerSecond: rounded(requests),
    promptTokensPerSecond: rounded(prompt),
    outputTokensPerSecond: rounded(requests * lengthsOf(context.learned.mix).output),
    ...(waiting === 0 ? {} : { waitingPerSecond: waiting }),
  };
}

/** Five digits are more than a bin of a few seconds can hold; it keeps memory small. */
function rounded(n: number): number {
  return n === 0 ? 0 : Number(n.toPrecision(5));
}

/** Old enough to be past its warm-up. */
function teaches(replica: ReplicaSeen, now: Instant): boolean {
  const readyAt = replica.milestones.readyAt ?? replica.since;
  return elapsed(readyAt, now) >= teachesAfterSeconds;
}

/** Counters tell what a gap brought, but how many ran in it is only known of its ends: no steady state was seen. */
function spansGap({ seconds }: Increase, maxAge: number): boolean {
  return seconds > Math.max(maxAge, longestTeachingSeconds);
}

function emptyFlow(): Sums {
  return {
    replicas: 0,
    replicaSeconds: 0,
    finished: 0,
    started: 0,
    promptTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    runningSeconds: 0,
    runningChange: 0,
    waitingSeconds: 0,
    itlSeconds: 0,
    itlTokens: 0,
  };
}

function addFlow(sums: Sums, increase: Increase): void {
  sums.replicas++;
  sums.replicaSeconds += increase.seconds;
  sums.finished += increase.finished;
  sums.started += increase.started;
  sums.promptTokens += increase.promptTokens;
  sums.cachedTokens += increase.cachedTokens;
  sums.outputTokens += increase.outputTokens;
  sums.runningSeconds += increase.runningSeconds;
  sums.runningChange += increase.runningChange;
  sums.waitingSeconds += increase.waitingSeconds;
  sums.itlSeconds += increase.itlSeconds;
  sums.itlTokens += increase.itlTokens;
}

interface BaselineStep {
  readonly isClosed: boolean;
  readonly maxAge: number;
}

/** The readings from which the next step counts. While no bin closed, a pair is left to grow; only a pair grown too wide starts anew. */
function nextBaselines(seen: PoolSeen, context: DemandContext, step: BaselineStep): LearnedMemory['baselines'] {
  const next: Record<string, ReplicaBaseline> = {};
  let count = 0;
  for (const target of seen.targets) {
    for (const replica of target.replicas) {
      if (count >= mostBaselines) return next;
      const baseline = nextBaseline(replica, context, step);
      if (baseline === undefined) continue;
      next[replica.id] = baseline;
      count++;
    }
  }
  return next;
}

/** Readings farther apart than this are no pair. */
const widestPairSeconds = 75;

function nextBaseline(
  replica: ReplicaSeen,
  context: DemandContext,
  { isClosed, maxAge }: BaselineStep,
): ReplicaBaseline | undefined {
  const before = context.learned.baselines[replica.id];
  const { samples } = replica;
  const finished = samples.finishedTotal;
  const reading = aged(finished.kind === 'missing' ? samples.running : finished, context.now, Infinity);
  if (reading.kind !== 'value' || !(isServing(replica) || replica.phase === 'Draining')) return before;
  if (before !== undefined && reading.at <= before.at) return before;
  if (isMisread(replica, { ...context, baseline: before, maxAge })) return before;
  if (before !== undefined && !isClosed && elapsed(before.at, reading.at) < widestPairSeconds) return before;
  const since = stuckSince(replica, before);
  return {
    at: reading.at,
    counts: countsOf(samples),
    ...(since === undefined ? {} : { stuckSince: since }),
  };
}
