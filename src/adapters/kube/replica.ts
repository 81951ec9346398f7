import type { ReplicaMilestones, ReplicaPhase } from '../../core/model/pool.ts';
import { type Instant, instant } from '../../core/model/units.ts';
import type { ContainerSeen, PodKept } from './pod.ts';

/** A pod that ended counts as nothing: not pending, not missing, not coverage. */
export function isTerminal(pod: PodKept): boolean {
  return pod.phase === 'Failed' || pod.phase === 'Succeeded';
}

/** Where a pod stands; `wasReady`: it has been Ready before, as far as we know. */
export function phaseOf(pod: PodKept, wasReady: boolean): ReplicaPhase {
  if (pod.isDeleting) return 'Draining';
  if (pod.node === undefined) return unboundPhase(pod);
  if (pod.conditions['Ready']?.status === 'True') return 'Ready';
  if ([...pod.initContainers, ...pod.containers].some((one) => one.waiting === 'CrashLoopBackOff'))
    return 'CrashLooping';
  if (wasReady) return 'Unready';
  return startingPhase(pod);
}

function unboundPhase(pod: PodKept): ReplicaPhase {
  const scheduled = pod.conditions['PodScheduled'];
  if (pod.isGated || scheduled?.reason === 'SchedulingGated') return 'Gated';
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' ? 'Unschedulable' : 'Scheduling';
}

function startingPhase(pod: PodKept): ReplicaPhase {
  if (pod.initContainers.some((one) => one.isRunning)) return 'LoadingWeights';
  return pod.containers.some((one) => one.isRunning) ? 'StartingEngine' : 'PullingImage';
}

/**
 * Readiness is False from the pod's first second; a transition to False after its container started means that it had been True between. So a
 * replica that lost readiness is told from one that starts, even by a process that saw only the end.
 */
export function hasLostReadiness(pod: PodKept): boolean {
  const ready = pod.conditions['Ready'];
  const started = latest(pod.containers.map((one) => one.startedAt));
  return ready?.status === 'False' && ready.at !== undefined && started !== undefined && ready.at > started + 1000;
}

/** Times at which a pod passed its marks, never going back; `orderedAt` comes from the history of spec changes. */
export function milestonesOf(
  pod: PodKept,
  orderedAt: Instant | undefined,
  firstReadyAt: number | undefined,
): ReplicaMilestones {
  const scheduled = pod.conditions['PodScheduled'];
  const scheduledAt = scheduled?.status === 'True' ? scheduled.at : undefined;
  const imageAt = earliest([...pod.initContainers, ...pod.containers].map((one) => one.startedAt));
  const weightsAt = initEnd(pod.initContainers);
  return {
    ...(orderedAt === undefined ? {} : { orderedAt }),
    createdAt: instant(pod.createdAt),
    ...mark('scheduledAt', scheduledAt),
    ...mark('imageAt', imageAt),
    ...mark('weightsAt', weightsAt),
    ...mark('readyAt', firstReadyAt),
  };
}

/** Since when the pod is in its phase, as its own timestamps say. */
export function sinceOf(pod: PodKept, phase: ReplicaPhase): Instant {
  const marks: Readonly<Record<ReplicaPhase, number | undefined>> = {
    Scheduling: pod.createdAt,
    Gated: pod.createdAt,
    Unschedulable: pod.conditions['PodScheduled']?.at,
    PullingImage: pod.conditions['PodScheduled']?.at,
    LoadingWeights: earliest(pod.initContainers.map((one) => one.startedAt)),
    StartingEngine: latest(pod.containers.map((one) => one.startedAt)),
    Ready: pod.conditions['Ready']?.at,
    Unready: pod.conditions['Ready']?.at,
    CrashLooping: pod.conditions['Ready']?.at,
    Draining: pod.deletingSince,
  };
  return instant(marks[phase] ?? pod.createdAt);
}

function initEnd(init: readonly ContainerSeen[]): number | undefined {
  if (init.length === 0 || !init.every((one) => one.isTerminated)) return undefined;
  return latest(init.map((one) => one.finishedAt));
}

function mark<K extends string>(name: K, at: number | undefined): Partial<Record<K, Instant>> {
  const out: Partial<Record<K, Instant>> = {};
  if (at !== undefined) out[name] = instant(at);
  return out;
}

function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
