import type { Action, Decision, Recommendation, TargetRecommendation } from '../model/decision.ts';
import type { SafetyMemory, TargetSafety } from '../model/memory.ts';
import type { Because } from '../model/reason.ts';
import { type Instant, replicas } from '../model/units.ts';
import { failureOf } from './failure.ts';
import { type Draft, guard, type GuardRule } from './guard.ts';
import { isCount, observe, remember, since } from './safety.ts';

export interface TargetOutcome {
  readonly recommendation: TargetRecommendation;
  /** Absent: the target could not be read, and nothing is decided. */
  readonly spec?: number;
  readonly draft?: Draft;
  readonly safety: TargetSafety;
  /** Replicas that shall go first, and those that no longer shall. */
  /** GPUs of replicas that it would have, were they not held by pools that share with it (I12). */
  readonly lacksGpus?: number;
  readonly marks?: { readonly victims: readonly string[]; readonly freed: readonly string[] };
}
/** What became of one pool's recommendation. */
export interface PoolOutcome {
  readonly recommendation: Recommendation;
  readonly since: Instant;
  readonly targets: readonly TargetOutcome[];
}

/** One target among those of all pools. */
export function keyOf(
  { recommendation: { pool } }: PoolOutcome,
  { recommendation: { target } }: TargetOutcome,
): string {
  return `${pool}/${target}`;
}

export interface Judging {
  readonly recommendation: Recommendation;
  readonly safety: SafetyMemory;
  readonly rules: readonly GuardRule[];
  readonly now: Instant;
}

/** Every target of one pool through the guard. Whatever is thrown on the way holds this pool and no other (I15). */
export function judge(judging: Judging): PoolOutcome {
  try {
    return judgeAll(judging);
  } catch (err) {
    return held(judging, failureOf(err));
  }
}

export function decisionOf(
  { recommendation: pool }: PoolOutcome,
  { recommendation: target, spec, draft, safety }: TargetOutcome,
): Decision {
  const size = sayable(draft, safety);
  const isRaised = size !== undefined && spec !== undefined && size > spec;
  return {
    pool: pool.pool,
    target: target.target,
    at: pool.at,
    ...(size === undefined ? {} : { replicas: replicas(size) }),
    ...(spec === undefined ? {} : { from: replicas(spec) }),
    because: draft?.because ?? [
      { reason: 'TargetUnreadable', message: `The scale of ${target.target} could not be read` },
    ],
    isHeld: size === undefined || (size === spec && target.wanted !== size),
    isReactiveRaise: target.isReactiveRaise && isRaised,
    isRollingOut: target.isRollingOut,
    ...(target.statusReplicas === undefined ? {} : { statusReplicas: target.statusReplicas }),
  };
}

/** At most one action a target, and only where the written size would differ (I10). Only mode Scale writes. */
export function scaleActions(
  { recommendation: { pool, mode, paused } }: PoolOutcome,
  { target, from, replicas: to }: Decision,
): readonly Action[] {
  if (mode !== 'Scale' || paused || from === undefined || to === undefined || to === from) return [];
  return [{ kind: 'Scale', pool, target, from, to }];
}

export function safetyOf(
  { recommendation: { mode, at }, since: kept, targets }: PoolOutcome,
  decisions: readonly Decision[],
): SafetyMemory {
  const entries = targets.map(({ recommendation: { target }, safety }) => {
    const decided = decisions.find((decision) => decision.target === target) ?? {};
    return [target, remember(safety, decided, mode, at)];
  });
  return { since: kept, targets: Object.fromEntries(entries) };
}

function judgeAll({ recommendation, safety, rules, now }: Judging): PoolOutcome {
  const { targets, mode, behavior } = recommendation;
  const kept = since(safety, recommendation, now);
  const about = { mode, behavior, safety: { ...safety, since: kept }, sharers: targets.length, now };
  return {
    recommendation,
    since: kept,
    targets: targets.map((target) => {
      const spec = target.specReplicas;
      const remembered = observe({ ...about, target });
      if (spec === undefined) return { recommendation: target, safety: remembered };
      if (!isCount(spec)) throw new RangeError(`spec.replicas of ${target.target} was ${String(spec)}`);
      const given = { pool: recommendation, target, spec, safety: remembered, since: kept, now };
      const draft = guard(given, rules);
      return {
        recommendation: target,
        spec,
        safety: remembered,
        draft: { ...draft, replicas: replicas(draft.replicas) },
      };
    }),
  };
}

function held({ recommendation, safety }: Judging, failure: Because): PoolOutcome {
  const targets = recommendation.targets.map((target): TargetOutcome => {
    const spec = target.specReplicas;
    const remembered = safety.targets[target.target] ?? { raw: [], specChanges: [] };
    if (spec === undefined || !isCount(spec)) return { recommendation: target, safety: remembered };
    return { recommendation: target, spec, safety: remembered, draft: { replicas: spec, because: [failure] } };
  });
  return { recommendation, since: safety.since, targets };
}

/** Before anything was ever known and while nothing but the absence of data holds the size, there is nothing to say. */
function sayable(draft: Draft | undefined, { raw, lastDecision }: TargetSafety): number | undefined {
  const isUnsaid = draft?.because[0]?.reason === 'AllSignalsMissing' && raw.length === 0 && lastDecision === undefined;
  return isUnsaid ? undefined : draft?.replicas;
}
