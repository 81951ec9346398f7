import { leadTimeSeconds } from '../capacity/lead-time.ts';
import type { Slots } from '../capacity/slots.ts';
import type { LearnedMemory, Warmth } from '../model/memory.ts';
import type { Tunables } from '../model/policy.ts';
import type { ReplicaPhase, ReplicaSeen, TargetSeen } from '../model/pool.ts';
import { elapsed, type Instant } from '../model/units.ts';
import type { ReplicaReading } from '../signals/observe.ts';

export interface Arriving {
  readonly replica: string;
  readonly phase: ReplicaPhase | 'Ordered';
  readonly inSeconds: number;
  /** It should have been ready by now. */
  readonly isOverdue: boolean;
}

/** What a target has and what is on its way: the stock of the inventory rule. */
export interface Position {
  /** Replicas that serve now, those unready under load among them. */
  readonly serving: number;
  readonly ready: number;
  /** Were Ready and give no capacity: wedged, or unready without load. (A dark one is unknown, and counted as serving.) */
  readonly dead: number;
  readonly unreadyUnderLoad: number;
  /** By the time they are expected, soonest first. */
  readonly arriving: readonly Arriving[];
  readonly unschedulable: number;
  readonly gated: number;
  readonly crashLooping: number;
  /** Refused at creation: ordered, and not even pending. */
  readonly refused: number;
  readonly refusedBy: 'QuotaExceeded' | 'CreateRefused';
}

/** Seconds from decision to Ready on a warm and on a cold node. */
export type Lead = Readonly<Record<Warmth, number>>;

export interface PositionContext {
  readonly readings: readonly ReplicaReading[];
  readonly leadTime: LearnedMemory['leadTime'];
  readonly tunables: Tunables;
  readonly slots: Slots;
  readonly now: Instant;
}

/** Of replicas ordered and not yet created, so many are expected one by one: a size of millions, typed by mistake, must not cost a pass its memory. */
const mostOrdered = 2000;
/** A replica that lost readiness without load is given this long to come back. */
const unreadyGraceSeconds = 60;
/** An overdue start is expected after another tenth of the time it has already taken. */
const overdueShare = 0.1;
const soonestSeconds = 5;

/** What the next starts will take: as those that ended, and those under way that already took longer. */
export function leadOf(target: TargetSeen, { leadTime, tunables, slots, now }: PositionContext): Lead {
  const waited: Record<Warmth, number[]> = { warm: [], cold: [] };
  for (const replica of target.replicas) {
    if (isStarting(replica)) waited[warmthOf(replica, slots)].push(elapsed(orderedAt(replica), now));
  }
  return {
    warm: leadTimeSeconds(leadTime, 'warm', { tunables, waited: waited.warm }),
    cold: leadTimeSeconds(leadTime, 'cold', { tunables, waited: waited.cold }),
  };
}

export function positionOf(target: TargetSeen, context: PositionContext): Position {
  const live = target.replicas.filter((replica) => replica.phase !== 'Draining');
  const inPhase = (phase: ReplicaPhase): number => live.filter((replica) => replica.phase === phase).length;
  const unborn = Math.max(0, (target.specReplicas ?? 0) - live.length);
  const isRefused = target.createFailure !== undefined;
  const arriving = live.filter(isStarting).map((replica) => arrival(replica, context));
  const expectedOrders = isRefused ? 0 : Math.min(unborn, mostOrdered);
  for (let k = 0; k < expectedOrders; k++) arriving.push(ordered(target, k, context));
  arriving.sort((a, b) => a.inSeconds - b.inSeconds || (a.replica < b.replica ? -1 : 1));
  return {
    ...servingOf(target, context),
    arriving,
    unschedulable: inPhase('Unschedulable'),
    gated: inPhase('Gated'),
    crashLooping: inPhase('CrashLooping'),
    refused: isRefused ? unborn : 0,
    refusedBy: isQuota(target.createFailure) ? 'QuotaExceeded' : 'CreateRefused',
  };
}

function isQuota(failure: TargetSeen['createFailure']): boolean {
  return failure !== undefined && /quota/i.test(`${failure.reason} ${failure.message}`);
}

const starting: readonly ReplicaPhase[] = ['Scheduling', 'PullingImage', 'LoadingWeights', 'StartingEngine'];

function isStarting(replica: ReplicaSeen): boolean {
  return starting.includes(replica.phase);
}

/** Replicas that were ordered and will not come by waiting: they give no capacity and block further raises. */
export function blockedOf(position: Position): number {
  return position.unschedulable + position.gated + position.crashLooping + position.refused;
}

interface ServingCounts {
  serving: number;
  ready: number;
  dead: number;
  unreadyUnderLoad: number;
}

function servingOf(target: TargetSeen, { readings, now }: PositionContext): ServingCounts {
  const counts: ServingCounts = { serving: 0, ready: 0, dead: 0, unreadyUnderLoad: 0 };
  for (const reading of readings) if (reading.target === target.target) countServing(counts, reading, now);
  return counts;
}

function countServing(counts: ServingCounts, reading: ReplicaReading, now: Instant): void {
  if (reading.seen.phase === 'Ready') counts.ready++;
  if (reading.isStuck) {
    counts.dead++;
    return;
  }
  if (reading.seen.phase === 'Ready') {
    counts.serving++;
    return;
  }
  const isBusy = (reading.running ?? 0) + (reading.waiting ?? 0) > 0;
  if (isBusy) counts.unreadyUnderLoad++;
  if (isBusy || reading.isDark || elapsed(reading.seen.since, now) < unreadyGraceSeconds) counts.serving++;
  else counts.dead++;
}

function orderedAt({ milestones }: ReplicaSeen): Instant {
  return milestones.orderedAt ?? milestones.createdAt;
}

function warmthOf({ startedWarm, node }: ReplicaSeen, slots: Slots): Warmth {
  return (startedWarm ?? (node === undefined && slots.warm > 0)) ? 'warm' : 'cold';
}

function arrival(replica: ReplicaSeen, { leadTime, tunables, slots, now }: PositionContext): Arriving {
  const lead = leadTimeSeconds(leadTime, warmthOf(replica, slots), { tunables });
  return { replica: replica.name, phase: replica.phase, ...expected(lead, elapsed(orderedAt(replica), now)) };
}

function ordered(target: TargetSeen, k: number, { leadTime, tunables, slots, now }: PositionContext): Arriving {
  const raised = target.specChanges.findLast((change) => change.to > change.from);
  const lead = leadTimeSeconds(leadTime, k < slots.warm ? 'warm' : 'cold', { tunables });
  const waited = raised === undefined ? 0 : Math.max(0, elapsed(raised.at, now));
  return { replica: `${target.target} #${k + 1}`, phase: 'Ordered', ...expected(lead, waited) };
}

function expected(lead: number, waited: number): Pick<Arriving, 'inSeconds' | 'isOverdue'> {
  return { inSeconds: Math.max(lead - waited, overdueShare * waited, soonestSeconds), isOverdue: waited > lead };
}
