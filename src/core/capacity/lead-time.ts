import type { LeadTimePhase, LearnedMemory, Sketch, Warmth } from '../model/memory.ts';
import type { Tunables } from '../model/policy.ts';
import type { PoolSeen, ReplicaSeen } from '../model/pool.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { addToSketch, emptySketch, exponentialBuckets, quantileOf } from './sketch.ts';

type LeadTimes = LearnedMemory['leadTime'];

export const leadTimePhases: readonly LeadTimePhase[] = ['schedule', 'image', 'weights', 'engine', 'total'];

/** 1 s to 2 h, each bucket 8 % wider than the one before. */
const buckets = exponentialBuckets(1, 1.08, 7200);
const halfLifeSeconds = 86_400;
/** A start that took longer was no start: the pod waited for something that sizing cannot order. */
const longestStartSeconds = 3600;
/** The prior counts like this part of one start: three measured ones overrule it at the p90. */
const priorWeight = 0.3;
const quantile = 0.9;

export function freshLeadTimes(now: Instant): LeadTimes {
  const pair = { warm: emptySketch(now), cold: emptySketch(now) };
  return { schedule: pair, image: pair, weights: pair, engine: pair, total: pair };
}

/**
 * p90 of decision to Ready, seconds, on a node of this warmth. `waited`: seconds that starts under way have taken so far. Those beyond what is
 * known tell something before they end: they count as starts that ended now.
 */
export function leadTimeSeconds(
  leadTime: LeadTimes,
  warmth: Warmth,
  { tunables, waited = [] }: { readonly tunables: Tunables; readonly waited?: readonly number[] },
): number {
  const prior = warmth === 'warm' ? tunables.initialLeadTimeWarmSeconds : tunables.initialLeadTimeColdSeconds;
  const sketch = leadTime.total[warmth];
  const assumed = { seconds: prior, weight: priorWeight };
  const known = sketch.count === 0 ? prior : quantileWith(sketch, [assumed]);
  const overdue = waited.filter((seconds) => seconds > known && seconds <= longestStartSeconds);
  if (overdue.length === 0) return known;
  return quantileWith(sketch, [assumed, ...overdue.map((seconds) => ({ seconds, weight: 1 }))]);
}

/** p90 of one phase; 0 when it was never measured. */
export function phaseSeconds(leadTime: LeadTimes, phase: LeadTimePhase, warmth: Warmth): number {
  return quantileOf(leadTime[phase][warmth], quantile, buckets);
}

interface Assumed {
  readonly seconds: number;
  /** Starts that it counts like. */
  readonly weight: number;
}

/** The quantile of what was measured and of what is assumed beside it. */
function quantileWith(sketch: Sketch, assumed: readonly Assumed[]): number {
  const oneStart = sketch.count === 0 ? 1 : Math.min(Math.max(...sketch.weights), sketch.total / sketch.count);
  const weights = [...sketch.weights];
  let total = sketch.total;
  for (const { seconds, weight } of assumed) {
    const bucket = buckets.bucketOf(seconds);
    while (weights.length <= bucket) weights.push(0);
    weights[bucket] = (weights[bucket] ?? 0) + weight * oneStart;
    total += weight * oneStart;
  }
  return quantileOf({ ...sketch, weights, total }, quantile, buckets);
}

export interface LeadTimeStep {
  readonly leadTime: LeadTimes;
  readonly counted: readonly string[];
}

export interface LeadTimeLesson {
  readonly now: Instant;
  /** The pool's replicas load an artifact that nodes may hold: a start of which nobody knows what it found teaches nothing. */
  readonly mayBeWarm: boolean;
}

/** Learns from replicas that became Ready for the first time. One that is or was unready again gives no sample, none is counted twice. */
export function learnLeadTimes(
  seen: PoolSeen,
  learned: LearnedMemory,
  { now, mayBeWarm }: LeadTimeLesson,
): LeadTimeStep {
  const before = new Set(learned.counted);
  const counted: string[] = [];
  let leadTime = learned.leadTime;
  for (const target of seen.targets) {
    for (const replica of target.replicas) {
      const isNew = !before.has(replica.id);
      if (isNew && !hasEndedStart(replica)) continue;
      counted.push(replica.id);
      const isKnown = !mayBeWarm || replica.startedWarm !== undefined;
      if (isNew && isKnown && replica.phase === 'Ready') leadTime = learnStart(leadTime, replica, now);
    }
  }
  return { leadTime, counted };
}

function hasEndedStart(replica: ReplicaSeen): boolean {
  return replica.phase === 'Ready' || replica.phase === 'Unready' || replica.phase === 'Draining';
}

function learnStart(leadTime: LeadTimes, replica: ReplicaSeen, now: Instant): LeadTimes {
  const spans = spansOf(replica);
  const total = spans.total;
  if (total === undefined || total <= 0 || total > longestStartSeconds) return leadTime;
  const warmth: Warmth = replica.startedWarm === true ? 'warm' : 'cold';
  const next: Record<LeadTimePhase, LeadTimes[LeadTimePhase]> = { ...leadTime };
  for (const phase of leadTimePhases) {
    const seconds = spans[phase];
    if (seconds === undefined || seconds < 0) continue;
    const sample = { value: seconds, at: now, halfLifeSeconds };
    next[phase] = { ...next[phase], [warmth]: addToSketch(next[phase][warmth], sample, buckets) };
  }
  return next;
}

/** Seconds of each phase that can be told from the milestones. */
function spansOf({ milestones: m }: ReplicaSeen): Partial<Record<LeadTimePhase, number>> {
  const ordered = m.orderedAt ?? m.createdAt;
  const span = (from: Instant | undefined, to: Instant | undefined): number | undefined =>
    from === undefined || to === undefined ? undefined : elapsed(from, to);
  const spans = {
    schedule: span(ordered, m.scheduledAt),
    image: span(m.scheduledAt, m.imageAt),
    weights: span(m.imageAt, m.weightsAt),
    engine: span(m.weightsAt ?? m.imageAt, m.readyAt),
    total: span(ordered, m.readyAt),
  };
  return Object.fromEntries(Object.entries(spans).filter(([, seconds]) => seconds !== undefined));
}
