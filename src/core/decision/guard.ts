import type { Recommendation, TargetRecommendation } from '../model/decision.ts';
import type { TargetSafety } from '../model/memory.ts';
import type { Because, Reason } from '../model/reason.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { limitRate, stabilise } from './behavior.ts';
import { short } from '../signals/evidence.ts';
import { disputeGapSeconds, isBlind, isCount, quietSeconds } from './safety.ts';

/** Reasons that a decision carries, the binding one first. */
const mostReasons = 6;

/** A size on its way through the guard. The first reason is the rule that bound last; each reason stands once. */
export interface Draft {
  readonly replicas: number;
  readonly because: readonly Because[];
}

/** One target whose spec could be read, with the safety memory of this pass. */
export interface Guarded {
  readonly pool: Recommendation;
  readonly target: TargetRecommendation;
  readonly spec: number;
  readonly safety: TargetSafety;
  /** Since when this pool's memory was kept without a break. */
  readonly since: Instant;
  readonly now: Instant;
}

export interface GuardRule {
  readonly name: string;
  /** Number in docs/invariants.md. */
  readonly invariant: string;
  readonly reason: Reason;
  /** The size this rule insists on and why, or nothing when it has nothing against the draft. */
  readonly apply: (draft: Draft, given: Guarded) => { readonly replicas: number; readonly message: string } | undefined;
}

/** Later rules win. What a rule must protect stands behind what it is protected from. */
export const guardRules: readonly GuardRule[] = [
  { name: 'whole', invariant: 'I14', reason: 'DecisionFailed', apply: whole },
  { name: 'stable', invariant: 'I5', reason: 'HeldByStabilization', apply: stable },
  { name: 'warmedUp', invariant: 'I5', reason: 'WarmingUp', apply: warmedUp },
  { name: 'evident', invariant: 'I2', reason: 'SignalsMissing', apply: evident },
  { name: 'blind', invariant: 'I3', reason: 'AllSignalsMissing', apply: blind },
  { name: 'fallback', invariant: 'I3', reason: 'FallbackReplicas', apply: fallback },
  { name: 'undisputed', invariant: 'I17', reason: 'ConflictDetected', apply: undisputed },
  { name: 'idle', invariant: 'I6', reason: 'NoPositiveEvidence', apply: idle },
  { name: 'overridden', invariant: 'I18', reason: 'Overridden', apply: overridden },
  { name: 'floor', invariant: 'I1', reason: 'ScheduledFloor', apply: floor },
  { name: 'maximum', invariant: 'I1', reason: 'AtMaximum', apply: maximum },
  { name: 'minimum', invariant: 'I1', reason: 'AtMinimum', apply: minimum },
  { name: 'rate', invariant: 'I4', reason: 'RateLimited', apply: rate },
  { name: 'disabled', invariant: 'I16', reason: 'ScalingDisabled', apply: disabled },
  { name: 'unshared', invariant: 'I17', reason: 'ConflictDetected', apply: unshared },
  { name: 'paused', invariant: 'I7', reason: 'Paused', apply: paused },
  { name: 'failed', invariant: 'I15', reason: 'DecisionFailed', apply: failed },
];

/** What may be done for one target: the wanted size, or the present one where nothing is wanted, seen through every rule in turn. */
export function guard(given: Guarded, rules: readonly GuardRule[]): Draft {
  const start: Draft = {
    replicas: given.target.wanted ?? given.spec,
    because: given.target.because.slice(0, mostReasons),
  };
  return rules.reduce<Draft>((draft, { apply, reason }) => {
    const bound = apply(draft, given);
    if (bound === undefined) return draft;
    const before = draft.because.filter((one) => one.reason !== reason);
    const because = [{ reason, message: short(bound.message) }, ...before];
    return { replicas: bound.replicas, because: because.slice(0, mostReasons) };
  }, start);
}

type Bound = ReturnType<GuardRule['apply']>;

function whole({ replicas }: Draft, { spec }: Guarded): Bound {
  return isCount(replicas)
    ? undefined
    : { replicas: spec, message: `${replicas} is not a number of replicas; held at ${spec}` };
}

function stable({ replicas }: Draft, { spec, target, safety, pool, now }: Guarded): Bound {
  if (target.wanted === undefined) return undefined;
  const held = stabilise({ current: spec, desired: replicas, history: safety.raw, now }, pool.behavior);
  if (held.by === undefined) return undefined;
  const { scaleUp, scaleDown } = pool.behavior;
  const window = held.by === 'ScaleUpStabilized' ? scaleUp : scaleDown;
  const which = held.by === 'ScaleUpStabilized' ? 'lowest' : 'highest';
  const message = `${held.replicas} and not ${replicas}: within the ${which} recommendation of the last ${window.stabilizationWindowSeconds} s`;
  return { replicas: held.replicas, message };
}

function warmedUp({ replicas }: Draft, { spec, since, now, pool }: Guarded): Bound {
  const missing = pool.behavior.scaleDown.stabilizationWindowSeconds - elapsed(since, now);
  if (replicas >= spec || missing <= 0) return undefined;
  return {
    replicas: spec,
    message: `Not lowered to ${replicas}: ${Math.ceil(missing)} s until one full window was seen`,
  };
}

function evident({ replicas }: Draft, { spec, target }: Guarded): Bound {
  if (replicas >= spec || target.evidence.allowsDecrease) return undefined;
  const why = target.evidence.because?.message ?? 'a required signal is missing or stale';
  return { replicas: spec, message: `Not lowered to ${replicas}: ${why}` };
}

function blind(_: Draft, { spec, pool, target, safety, now }: Guarded): Bound {
  if (!isBlind(target) || pool.failure !== undefined) return undefined;
  const seconds = Math.floor(elapsed(safety.blindSince ?? now, now));
  const why = target.evidence.because?.message ?? 'no signal is known';
  return { replicas: spec, message: `Held at ${spec} for ${seconds} s: ${why}` };
}

function fallback({ replicas }: Draft, { target, safety, pool, now }: Guarded): Bound {
  if (pool.fallback === undefined || !isBlind(target) || safety.blindSince === undefined) return undefined;
  const seconds = elapsed(safety.blindSince, now);
  if (seconds < pool.fallback.afterSeconds || pool.fallback.replicas <= replicas) return undefined;
  return {
    replicas: pool.fallback.replicas,
    message: `Nothing known for ${Math.floor(seconds)} s: at least ${pool.fallback.replicas}`,
  };
}

/** A pipeline that applies twice must not be answered by lowering what people are served by; raising goes on. */
function undisputed({ replicas }: Draft, { spec, safety, now }: Guarded): Bound {
  const [first, second] = safety.foreignWrites ?? [];
  if (replicas >= spec || first === undefined || second === undefined) return undefined;
  if (elapsed(first, second) > disputeGapSeconds || elapsed(second, now) >= quietSeconds) return undefined;
  return {
    replicas: spec,
    message: `Not lowered to ${replicas}: somebody else set the size twice within ${disputeGapSeconds} s`,
  };
}

function idle({ replicas }: Draft, { spec, target }: Guarded): Bound {
  if (replicas > 0 || spec === 0 || target.evidence.showsIdle) return undefined;
  return { replicas: 1, message: 'Not to zero: no fresh samples that say nothing runs, waits or is queued' };
}

function overridden({ replicas }: Draft, { pool, now }: Guarded): Bound {
  if (pool.override === undefined || now >= pool.override.until) return undefined;
  const ordered = pool.override.replicas;
  return {
    replicas: ordered,
    message: `Set to ${ordered} by a person for ${Math.ceil(elapsed(now, pool.override.until))} s more, not ${replicas}`,
  };
}

function floor({ replicas }: Draft, { target }: Guarded): Bound {
  if (target.floor === undefined || replicas >= target.floor) return undefined;
  return { replicas: target.floor, message: `A schedule asks for at least ${target.floor}, not ${replicas}` };
}

function maximum({ replicas }: Draft, { target }: Guarded): Bound {
  if (replicas <= target.maxReplicas) return undefined;
  return { replicas: target.maxReplicas, message: `${replicas} is more than \`maxReplicas\` ${target.maxReplicas}` };
}

function minimum({ replicas }: Draft, { target }: Guarded): Bound {
  if (replicas >= target.minReplicas) return undefined;
  return { replicas: target.minReplicas, message: `${replicas} is less than \`minReplicas\` ${target.minReplicas}` };
}

/** The bounds were applied before, and each step leads towards them. From zero at least one step is allowed, which no percentage would be. */
function rate({ replicas }: Draft, { spec, safety, pool, now }: Guarded): Bound {
  const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER, changes: safety.specChanges, now };
  const held = limitRate({ current: spec, desired: replicas, ...bounds }, pool.behavior);
  const isWaking = spec === 0 && replicas > 0 && pool.behavior.scaleUp.selectPolicy !== 'Disabled';
  const allowed = isWaking ? Math.max(1, held.replicas) : held.replicas;
  if (allowed === replicas) return undefined;
  return {
    replicas: allowed,
    message: `From ${spec} only to ${allowed}, not ${replicas}: ${allowed < replicas ? 'scaleUp' : 'scaleDown'} policies`,
  };
}

/** A target that somebody else took to zero is switched off until somebody gives it replicas. At first sight a zero is nobody's. */
function disabled(_: Draft, { spec, safety }: Guarded): Bound {
  const last = safety.specChanges.at(-1);
  const wasTaken = last !== undefined && last.from > 0 && last.to === 0;
  if (spec > 0 || safety.zeroedAt !== undefined || !wasTaken) return undefined;
  return { replicas: 0, message: 'Scaled to zero by somebody else: left alone until it is given replicas' };
}

function unshared(_: Draft, { spec, pool, target, safety, now }: Guarded): Bound {
  if (pool.mode !== 'Scale' || safety.conflictSince === undefined) return undefined;
  if (target.otherOwner !== undefined) {
    return {
      replicas: spec,
      message: `${target.otherOwner.ref} also sets the replicas of ${target.target}: nothing is written`,
    };
  }
  return {
    replicas: spec,
    message: `Another owner of replicas was seen ${Math.floor(elapsed(safety.conflictSince, now))} s ago: ${quietSeconds} s without one are needed`,
  };
}

function paused(_: Draft, { spec, pool }: Guarded): Bound {
  return pool.paused ? { replicas: spec, message: `Held at ${spec} while \`paused\` is set` } : undefined;
}

function failed(_: Draft, { spec, pool }: Guarded): Bound {
  return pool.failure === undefined ? undefined : { replicas: spec, message: pool.failure.message };
}
