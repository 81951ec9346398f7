import type { LearnedMemory } from '../model/memory.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { type TokenCosts, workOf } from '../forecast/series.ts';
import type { Flow } from '../signals/flow.ts';
import type { Lengths } from '../signals/mix.ts';
import type { Observation } from '../signals/observe.ts';
import type { Capacity } from './from-profile.ts';

type Queue = NonNullable<LearnedMemory['queue']>;
type Ceiling = NonNullable<LearnedMemory['ceiling']>;

/** A queue that stood for so long while nothing was on its way disproves the capacity. */
const standingSeconds = 60;
/** The disproof is forgotten slowly (an engine is restarted with other settings), and at once when a replica serves more. */
export const reliefPerMinute = 1.003;
/** Of what was computed: a stall is no measure of an engine. */
const leastShare = 0.4;

export interface QueueStep {
  readonly observation: Observation;
  /** As `servedBy` tells. */
  readonly served: number | undefined;
  /** Replicas are still to come: the queue was expected, and is being dealt with. */
  readonly isOnItsWay: boolean;
  readonly now: Instant;
}

/** A queue counts from more than a tenth of what runs (a request or two that wait for the next iteration are none), and stands while it does not shrink with nothing on its way. */
export function queueAfter(before: Queue | undefined, step: QueueStep): Queue | undefined {
  const { observation, served, isOnItsWay, now } = step;
  const { signals, gatewayQueue } = observation;
  const size = signals.waiting.sum + (gatewayQueue.kind === 'known' ? gatewayQueue.value : 0);
  if (size <= Math.max(2, 0.1 * signals.running.sum)) return undefined;
  const stands = before !== undefined && !isOnItsWay && size > 0.95 * before.size;
  const throughput = served === undefined ? before?.throughput : smoothed(before?.throughput, served);
  return {
    ...(stands ? { since: before.since, size: before.size } : { since: now, size }),
    ...(throughput === undefined ? {} : { throughput }),
  };
}

/**
 * What a replica did, as requests of the mean length a second: while lengths change, those that finish are of another length than those in which a capacity is
 * told. Of an engine that counts no tokens, the requests themselves; absent: not known.
 */
export function servedBy(flow: Flow | undefined, lengths: Lengths, costs: TokenCosts): number | undefined {
  if (flow === undefined) return undefined;
  const prompt = Math.max(0, flow.promptTokens - flow.cachedTokens);
  const work = costs.prompt * prompt + costs.output * Math.max(0, flow.outputTokens);
  const requests = work > 0 ? work / workOf(lengths, costs) : Math.max(0, flow.finished);
  return requests / flow.replicaSeconds;
}

function smoothed(before: number | undefined, seen: number): number {
  return before === undefined ? seen : before + 0.4 * (seen - before);
}

export interface CeilingStep {
  readonly queue: Queue | undefined;
  readonly served: number | undefined;
  readonly capacity: Capacity | undefined;
  readonly now: Instant;
}

export function ceilingAfter(before: Ceiling | undefined, step: CeilingStep): Ceiling | undefined {
  const { queue, served = 0, capacity, now } = step;
  if (capacity === undefined) return before;
  const computed = capacity.requestsPerSecond / capacity.believed;
  if (queue?.throughput !== undefined && elapsed(queue.since, now) >= standingSeconds) {
    return { share: Math.max(leastShare, Math.min(1, queue.throughput / computed)), at: now };
  }
  const share = served / computed;
  return before !== undefined && share > capacity.believed ? { share: Math.min(1, share), at: now } : before;
}

/** The capacity, or the part of it that was seen to be all. */
export function underCeiling(capacity: Capacity, ceiling: Ceiling | undefined, now: Instant): Capacity {
  if (ceiling === undefined) return capacity;
  const minutes = Math.max(0, elapsed(ceiling.at, now)) / 60;
  const believed = Math.min(1, ceiling.share * reliefPerMinute ** minutes);
  if (believed === 1) return capacity;
  return {
    ...capacity,
    requestsPerSecond: capacity.requestsPerSecond * believed,
    inFlight: Math.max(1, capacity.inFlight * believed),
    boundBy: 'learned',
    believed,
    doubt: 1,
  };
}
