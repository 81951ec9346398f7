import type { Action, Draining } from '../model/decision.ts';
import type { TargetSafety } from '../model/memory.ts';
import type { ReplicaSeen, TargetSeen } from '../model/pool.ts';
import type { Because } from '../model/reason.ts';
import { elapsed, type Instant, replicas } from '../model/units.ts';
import type { ReplicaReading } from '../signals/observe.ts';
import type { Draft } from './guard.ts';
import type { PoolOutcome, TargetOutcome } from './outcome.ts';

/** The controller that removes pods reads their marks from its own cache: a size that is lowered sooner may not find them there. */
const leastSeconds = 2;

/**
 * Ready replicas in the order in which they may go: those already marked, then the one with the least work in flight, then with the least held in
 * its cache. One of which nothing is known counts as busy. Absent where no mark is read, and where nothing may shrink and none is marked.
 */
export function drainingOf(
  target: TargetSeen,
  readings: readonly ReplicaReading[],
  mayShrink: boolean,
): Draining | undefined {
  if (target.readsMarks !== true) return undefined;
  const marked = target.replicas.filter((replica) => isMarked(replica) && replica.phase !== 'Draining');
  if (!mayShrink && marked.length === 0) return undefined;
  const ready = readings.filter((reading) => reading.target === target.target && reading.seen.phase === 'Ready');
  const inOrder = ready.toSorted(
    (a, b) =>
      Number(isMarked(b.seen)) - Number(isMarked(a.seen)) ||
      inFlight(a) - inFlight(b) ||
      (a.kvUse ?? 1) - (b.kvUse ?? 1) ||
      (a.seen.name < b.seen.name ? -1 : 1),
  );
  return { order: inOrder.map(({ seen }) => seen.name), marked: marked.map(({ name }) => name) };
}

function isMarked({ isMarked: mark }: ReplicaSeen): boolean {
  return mark === true;
}

function inFlight({ running, waiting }: ReplicaReading): number {
  return running === undefined || waiting === undefined ? Number.MAX_SAFE_INTEGER : running + waiting;
}

/**
 * I13: no Ready replica is taken away before those that shall go were marked. Those with the least to do are marked in one pass, and the size is lowered
 * at least `leastSeconds` later, in the next. Replicas that are not Ready go first without a mark; to zero all go.
 */
export function drainedFirst(outcomes: readonly PoolOutcome[], now: Instant): readonly PoolOutcome[] {
  return outcomes.map((outcome) => {
    const { mode, paused } = outcome.recommendation;
    const isWatching = mode === 'Observe' || paused;
    return {
      ...outcome,
      targets: outcome.targets.map((target) => (isWatching ? unasked(target) : drained(target, now))),
    };
  });
}

function drained(outcome: TargetOutcome, now: Instant): TargetOutcome {
  const { spec, draft } = outcome;
  const { draining } = outcome.recommendation;
  if (draining === undefined || spec === undefined || draft === undefined) return unasked(outcome);
  const free = Math.max(0, spec - draining.order.length);
  const needed = draft.replicas === 0 ? 0 : spec - draft.replicas - free;
  if (needed <= 0) return { ...unasked(outcome), marks: { victims: [], freed: draining.marked } };
  const asked = outcome.safety.draining;
  const isEnough = asked !== undefined && asked.replicas <= draft.replicas;
  return {
    ...outcome,
    draft: preparedDraft(draft, { asked, most: spec - free, needed, now }),
    safety: { ...outcome.safety, draining: isEnough ? asked : { at: now, replicas: replicas(draft.replicas) } },
    ...(isEnough ? {} : { marks: marksFor(draining, needed) }),
  };
}

interface Preparing {
  readonly asked: TargetSafety['draining'];
  /** The size when all that are not Ready are gone. */
  readonly most: number;
  readonly needed: number;
  readonly now: Instant;
}

/** As far down as was prepared. */
function preparedDraft(draft: Draft, { asked, most, needed, now }: Preparing): Draft {
  const isRipe = asked !== undefined && elapsed(asked.at, now) >= leastSeconds;
  const size = isRipe ? Math.min(most, Math.max(draft.replicas, asked.replicas)) : most;
  if (size === draft.replicas) return draft;
  return { replicas: size, because: [waiting(draft, needed), ...draft.because] };
}

function marksFor({ order, marked }: Draining, count: number): NonNullable<TargetOutcome['marks']> {
  const victims = order.slice(0, count);
  return { victims, freed: marked.filter((name) => !victims.includes(name)) };
}

function unasked(outcome: TargetOutcome): TargetOutcome {
  if (outcome.safety.draining === undefined) return outcome;
  const { draining: _, ...safety } = outcome.safety;
  return { ...outcome, safety };
}

function waiting({ replicas: size }: Draft, needed: number): Because {
  const these = needed === 1 ? 'replica with the least to do is' : `${needed} replicas with the least to do are`;
  return { reason: 'MarkedFirst', message: `Lowered to ${size} with the next look: the ${these} marked to go first` };
}

/** Only where a mark changes. */
export function markActions(
  { recommendation: pool }: PoolOutcome,
  { recommendation, marks }: TargetOutcome,
): readonly Action[] {
  if (marks === undefined || (marks.victims.length === 0 && marks.freed.length === 0)) return [];
  return [{ kind: 'ProtectPods', pool: pool.pool, target: recommendation.target, ...marks }];
}
