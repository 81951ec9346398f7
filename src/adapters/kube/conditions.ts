import type { Decision } from '../../core/model/decision.ts';
import type { Problem } from '../../core/model/result.ts';
import { describe } from '../../core/model/result.ts';
import type { Mode } from '../../core/model/policy.ts';
import type { TargetSeen } from '../../core/model/pool.ts';
import type { PoolReport } from '../../core/model/report.ts';
import { isJson, type Json, list, text } from './fields.ts';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

export interface PoolState {
  readonly mode: Mode;
  readonly targets: readonly TargetSeen[];
  readonly report?: PoolReport;
  readonly decisions: readonly Decision[];
  /** The last action that failed, in words. */
  readonly failure?: string;
  /** What each target's follower adds to a decision. */
  readonly damps: readonly string[];
  /** References of the object that lead nowhere. */
  readonly dangling: readonly Problem[];
  /** Who answers the external metrics API, when a follower does not hear us. */
  readonly metricsOwner?: string;
  /** Why replicas were not read, in words. */
  readonly readingProblem?: string;
}

/** All conditions of one pool, always the same set for its mode: what cannot be said is Unknown. */
export function conditionsOf(state: PoolState): readonly Condition[] {
  const core: readonly Condition[] = state.report?.conditions ?? [];
  return [
    ready(state),
    ...core.filter(({ type }) => type !== 'AbleToScale').map((one) => explained(one, state)),
    ableToScale(state, core),
    conflict(state),
    ...follower(state),
  ];
}

/** The core knows that a signal is missing; whoever read knows what stood in the way. */
function explained(condition: Condition, { readingProblem }: PoolState): Condition {
  const isGap = condition.type === 'MetricsAvailable' && condition.status !== 'Unknown';
  if (!isGap || readingProblem === undefined) return condition;
  return { ...condition, message: `${condition.message}; ${readingProblem}` };
}

/** Of an object that cannot be used. */
export function invalidConditions(found: Problem): readonly Condition[] {
  return [{ type: 'Ready', status: 'False', reason: 'InvalidSpec', message: describe(found) }];
}

function ready({ targets, dangling, decisions }: PoolState): Condition {
  const unseen = targets.filter(({ specReplicas }) => specReplicas === undefined).map(({ target }) => target);
  if (unseen.length > 0) {
    const message = `target ${unseen.join(', ')} was not found or may not be read: create it, correct \`scaleTargetRef\`, or allow get, list and watch of its kind and get and patch of its scale`;
    return { type: 'Ready', status: 'False', reason: 'TargetUnreadable', message };
  }
  const [missing] = dangling;
  if (missing !== undefined)
    return { type: 'Ready', status: 'True', reason: 'ReferenceNotFound', message: describe(missing) };
  const isDecided = decisions.some(({ replicas }) => replicas !== undefined);
  return isDecided
    ? { type: 'Ready', status: 'True', reason: 'Decided', message: 'a size was decided from what was seen' }
    : { type: 'Ready', status: 'Unknown', reason: 'Undecided', message: 'nothing may be said about the size yet' };
}

function ableToScale({ mode, failure }: PoolState, core: readonly Condition[]): Condition {
  if (failure !== undefined) return { type: 'AbleToScale', status: 'False', reason: 'ActionFailed', message: failure };
  const said = core.find(({ type }) => type === 'AbleToScale');
  if (said !== undefined) return said;
  const message = mode === 'Scale' ? 'the scale of the targets can be read and written' : `mode ${mode} writes nothing`;
  return { type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale', message };
}

function conflict({ mode, targets }: PoolState): Condition {
  const rivals = targets.flatMap(({ otherOwner }) =>
    otherOwner === undefined || (mode === 'Recommend' && otherOwner.followsUs) ? [] : [otherOwner.ref],
  );
  if (rivals.length === 0 || mode === 'Observe') {
    return {
      type: 'ConflictDetected',
      status: 'False',
      reason: 'NoOtherOwner',
      message: 'nothing else sets the replicas of the targets',
    };
  }
  const cure =
    mode === 'Scale'
      ? 'remove it, or set `mode` to Recommend and let it follow'
      : 'it does not use forewarm_desired_replicas of this object';
  return {
    type: 'ConflictDetected',
    status: 'True',
    reason: 'OtherOwner',
    message: `${rivals.join(', ')} also sets replicas: ${cure}`,
  };
}

/** Recommend publishes; somebody must act on it (a recommendation that nobody follows looks healthy from inside). */
function follower(state: PoolState): readonly Condition[] {
  if (state.mode !== 'Recommend') return [];
  return [followed(state), damps(state)];
}

function followed({ targets, metricsOwner }: PoolState): Condition {
  for (const { target, otherOwner } of targets) {
    if (otherOwner?.followsUs === true && otherOwner.problem === undefined) continue;
    const owner = metricsOwner === undefined ? '' : `; external.metrics.k8s.io is served by ${metricsOwner}`;
    const message =
      otherOwner === undefined
        ? `no HorizontalPodAutoscaler follows target ${target}: create one on forewarm_desired_replicas`
        : `${otherOwner.ref} does not act on target ${target}: ${otherOwner.problem ?? 'it uses other metrics'}${owner}`;
    return { type: 'Followed', status: 'False', reason: 'NotFollowed', message };
  }
  const names = targets.map(({ otherOwner }) => otherOwner?.ref ?? '').join(', ');
  return { type: 'Followed', status: 'True', reason: 'Followed', message: `${names} acts on the recommendation` };
}

function damps(state: PoolState): Condition {
  if (state.damps.length === 0) {
    return {
      type: 'FollowerDamps',
      status: 'False',
      reason: 'FollowsAtOnce',
      message: 'the follower adds no window and no tolerance',
    };
  }
  return { type: 'FollowerDamps', status: 'True', reason: 'FollowerAddsDelay', message: state.damps.join('; ') };
}

/** With the times of what did not change its status. */
export function dated(
  conditions: readonly Condition[],
  before: unknown,
  about: { readonly now: string; readonly generation: number },
): readonly Json[] {
  const known = new Map(list(before, 'conditions').map((one) => [text(one, 'type'), one]));
  return conditions.map((one) => {
    const old = known.get(one.type);
    const since = isJson(old) && old['status'] === one.status ? text(old, 'lastTransitionTime') : undefined;
    return {
      ...one,
      message: one.message.slice(0, 1024),
      observedGeneration: about.generation,
      lastTransitionTime: since ?? about.now,
    };
  });
}
