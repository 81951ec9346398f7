import type { Recommendation, TargetRecommendation } from '../model/decision.ts';
import type { PoolMemory } from '../model/memory.ts';
import type { PoolPolicy } from '../model/policy.ts';
import type { PoolSeen, TargetSeen } from '../model/pool.ts';
import type { Because } from '../model/reason.ts';
import type { PoolReport } from '../model/report.ts';
import { type Instant, replicas } from '../model/units.ts';

export interface Failed {
  readonly memory: PoolMemory;
  readonly seen: PoolSeen;
  readonly policy: PoolPolicy;
  readonly now: Instant;
}
export interface Hold {
  readonly memory: PoolMemory;
  readonly recommendation: Recommendation;
  readonly report: PoolReport;
}

/** The reason for a hold after something was thrown. */
export function failureOf(err: unknown): Because {
  const message = err instanceof Error ? err.message : String(err);
  return { reason: 'DecisionFailed', message: `Deciding failed, held: ${message.split('\n')[0] ?? ''}`.slice(0, 200) };
}

/** Stands in for a proposal that was thrown away: every target is held, memory stays as it was, the report says why. */
export function holdFailed({ memory, seen, policy, now }: Failed, err: unknown): Hold {
  const failure = failureOf(err);
  const { mode, paused, behavior, warmth } = policy;
  return {
    memory,
    recommendation: {
      pool: seen.pool,
      at: now,
      mode,
      paused,
      behavior,
      warmth,
      failure,
      targets: seen.targets.map((target) => heldTarget(target, policy, failure)),
    },
    report: reportOf(seen, failure, now),
  };
}

function heldTarget(seen: TargetSeen, policy: PoolPolicy, failure: Because): TargetRecommendation {
  const bounds = policy.targets.find(({ target }) => target === seen.target);
  const { target, specReplicas, statusReplicas, otherOwner, specChanges, eligibleNodes, isRollingOut } = seen;
  return {
    target,
    isReactiveRaise: false,
    because: [failure],
    evidence: { allowsDecrease: false, isAnythingKnown: false, showsIdle: false, because: failure },
    ...(specReplicas === undefined ? {} : { specReplicas }),
    readyReplicas: replicas(seen.replicas.filter(({ phase }) => phase === 'Ready').length),
    ...(statusReplicas === undefined ? {} : { statusReplicas }),
    unschedulable: seen.replicas.filter(({ phase }) => phase === 'Unschedulable').length,
    specChanges,
    ...(otherOwner === undefined ? {} : { otherOwner }),
    minReplicas: bounds?.minReplicas ?? replicas(0),
    maxReplicas: bounds?.maxReplicas ?? specReplicas ?? replicas(0),
    gpusPerReplica: bounds?.gpusPerReplica ?? 1,
    isRollingOut,
    eligibleNodes,
    warmCopiesWanted: 0,
    waitingNodes: [],
    occupiedNodes: [...new Set(seen.replicas.flatMap(({ node }) => (node === undefined ? [] : [node])))].sort(),
  };
}

function reportOf(seen: PoolSeen, failure: Because, at: Instant): PoolReport {
  return {
    pool: seen.pool,
    at,
    inputs: {},
    leadTime: { warmSeconds: 0, coldSeconds: 0, warmStarts: 0, coldStarts: 0, usedSeconds: 0, phases: {} },
    targets: seen.targets.map(({ target, specReplicas, replicas: all }) => ({
      target,
      ...(specReplicas === undefined ? {} : { spec: specReplicas }),
      ready: all.filter(({ phase }) => phase === 'Ready').length,
      arriving: [],
      unschedulable: all.filter(({ phase }) => phase === 'Unschedulable').length,
      because: [failure],
      candidates: [],
    })),
    conditions: [{ type: 'AbleToScale', status: 'False', reason: failure.reason, message: failure.message }],
  };
}
