import type { ReplicaBaseline } from '../model/memory.ts';
import type { PoolSeen, ReplicaSeen, TargetName } from '../model/pool.ts';
import type { Sample } from '../model/sample.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { emptyTally, tally, stateOf, type SignalState } from './coverage.ts';
import { isStuck, stuckSince } from './progress.ts';
import { freshValue, gapCause, isServing, maxAgeSeconds, type GapCause } from './reading.ts';

/** The signals that a decrease needs (I2), in the order in which a report names them. */
export const requiredSignals = ['waiting', 'running', 'kvUse', 'finishedTotal'] as const;
export type RequiredSignal = (typeof requiredSignals)[number];

/**
 * A replica that has told nothing (or nothing true) for this long is a condition, no longer a veto. One that tells something is not dark, however long
 * the rest is missing; one that serves in the dark is taken to have as much to do as the busiest that tells.
 */
const darkAfterSeconds = 600;

/** One serving replica as this tick believes it. */
export interface ReplicaReading {
  readonly seen: ReplicaSeen;
  readonly target: TargetName;
  readonly waiting: number | undefined;
  readonly running: number | undefined;
  readonly kvUse: number | undefined;
  /** Gauges claim work and no counter moves: its numbers are stale. */
  readonly isStuck: boolean;
  readonly isDark: boolean;
  /** Ready for less than the age at which a reading is stale, and never read: its first reading is not late yet. */
  readonly isNewborn: boolean;
}

export type GatewayQueue =
  | { readonly kind: 'absent' }
  | { readonly kind: 'known'; readonly value: number; readonly ageSeconds: number }
  | { readonly kind: 'missing'; readonly cause: GapCause };

/** What is known of a pool now. */
export interface Observation {
  readonly readings: readonly ReplicaReading[];
  readonly signals: Readonly<Record<RequiredSignal, SignalState>>;
  readonly gatewayQueue: GatewayQueue;
}

export interface ObserveContext {
  readonly baselines: Readonly<Record<string, ReplicaBaseline>>;
  /** Nothing is dark for longer than we have looked. */
  readonly watchedSince: Instant;
  readonly now: Instant;
}

export function observe(seen: PoolSeen, { baselines, watchedSince, now }: ObserveContext): Observation {
  const maxAge = maxAgeSeconds(seen.scrapeIntervalSeconds);
  const tallies = {
    waiting: emptyTally(),
    running: emptyTally(),
    kvUse: emptyTally(),
    finishedTotal: emptyTally(),
  };
  const readings: ReplicaReading[] = [];
  for (const target of seen.targets) {
    for (const replica of target.replicas) {
      if (!isServing(replica)) continue;
      const reading = read(replica, target.target, { baseline: baselines[replica.id], watchedSince, now, maxAge });
      readings.push(reading);
      if (reading.isDark && reading.isStuck) continue;
      for (const name of requiredSignals) tally(tallies[name], replica.samples[name], { reading, now, maxAge });
    }
  }
  const signals = {
    waiting: stateOf(tallies.waiting),
    running: stateOf(tallies.running),
    kvUse: stateOf(tallies.kvUse),
    finishedTotal: stateOf(tallies.finishedTotal),
  };
  return { readings, signals, gatewayQueue: readGateway(seen, now, maxAge) };
}

interface ReadContext {
  readonly baseline: ReplicaBaseline | undefined;
  readonly watchedSince: Instant;
  readonly now: Instant;
  readonly maxAge: number;
}

function read(seen: ReplicaSeen, target: TargetName, context: ReadContext): ReplicaReading {
  const { baseline, watchedSince, now, maxAge } = context;
  const since = stuckSince(seen, baseline);
  const stuck = isStuck(since, now);
  const value = (name: 'waiting' | 'running' | 'kvUse'): number | undefined =>
    stuck ? undefined : freshValue(seen.samples[name], now, maxAge);
  const isFresh = (sample: Sample): boolean => freshValue(sample, now, maxAge) !== undefined;
  const waiting = value('waiting');
  const running = value('running');
  const lastKnown = (stuck ? since : lastReadingAt(seen, baseline)) ?? seen.since;
  const silence = Math.min(elapsed(lastKnown, now), elapsed(watchedSince, now));
  const isSilent = waiting === undefined && running === undefined && (stuck || !isFresh(seen.samples.finishedTotal));
  const isDark = isSilent && silence >= darkAfterSeconds;
  const isNewborn = baseline === undefined && isNotReadYet(seen) && elapsed(seen.since, now) < maxAge;
  return { seen, target, waiting, running, kvUse: value('kvUse'), isStuck: stuck, isDark, isNewborn };
}

function isNotReadYet({ phase, samples: { running } }: ReplicaSeen): boolean {
  return phase === 'Ready' && running.kind === 'missing' && running.cause === 'NotScraped';
}

function lastReadingAt(seen: ReplicaSeen, baseline: ReplicaBaseline | undefined): Instant | undefined {
  const { running } = seen.samples;
  if (running.kind !== 'missing') return running.at;
  return baseline?.counts.running === undefined ? undefined : baseline.at;
}

function readGateway(seen: PoolSeen, now: Instant, maxAge: number): GatewayQueue {
  const sample = seen.gateway?.queued;
  if (sample === undefined || (sample.kind === 'missing' && sample.cause === 'NotExposed')) return { kind: 'absent' };
  const known = freshValue(sample, now, maxAge);
  if (known === undefined || sample.kind === 'missing') {
    return { kind: 'missing', cause: gapCause(sample, now, maxAge) };
  }
  return { kind: 'known', value: known, ageSeconds: Math.max(0, elapsed(sample.at, now)) };
}
