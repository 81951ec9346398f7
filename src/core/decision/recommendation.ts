import type { SizedTarget } from './pool-sizing.ts';
import type { Evidence, Recommendation, TargetRecommendation } from '../model/decision.ts';
import type { PoolPolicy } from '../model/policy.ts';
import type { PoolSeen } from '../model/pool.ts';
import type { Because } from '../model/reason.ts';
import { replicas, type Instant, type Replicas } from '../model/units.ts';

export interface RecommendationInput {
  readonly seen: PoolSeen;
  readonly policy: PoolPolicy;
  readonly evidence: Evidence;
  readonly sized: readonly SizedTarget[];
  readonly now: Instant;
}

/** What one pool wants, with what the guard needs to judge it. */
export function recommendationOf({ seen, policy, evidence, sized, now }: RecommendationInput): Recommendation {
  const floor = floorNow(seen, now);
  return {
    pool: seen.pool,
    at: now,
    mode: policy.mode,
    paused: policy.paused,
    behavior: policy.behavior,
    ...(policy.fallback === undefined ? {} : { fallback: policy.fallback }),
    ...(policy.override === undefined ? {} : { override: policy.override }),
    warmth: policy.warmth,
    targets: sized.map((target) => targetOf(target, evidence, floor)),
  };
}

function targetOf(sized: SizedTarget, evidence: Evidence, floor: Replicas | undefined): TargetRecommendation {
  const { seen, policy, position, sizing } = sized;
  const isKnown = sizing !== undefined && evidence.isAnythingKnown;
  return {
    target: seen.target,
    ...(isKnown ? { wanted: replicas(Math.min(sizing.wanted, 2_147_483_647)) } : {}),
    isReactiveRaise: isKnown && sizing.isReactiveRaise,
    because: becauseOf(sized, evidence),
    evidence,
    ...(seen.specReplicas === undefined ? {} : { specReplicas: seen.specReplicas }),
    readyReplicas: replicas(position.ready),
    ...(seen.statusReplicas === undefined ? {} : { statusReplicas: seen.statusReplicas }),
    unschedulable: position.unschedulable,
    specChanges: seen.specChanges,
    ...(seen.otherOwner === undefined
      ? {}
      : { otherOwner: { ref: seen.otherOwner.ref, followsUs: seen.otherOwner.followsUs } }),
    minReplicas: policy.minReplicas,
    maxReplicas: policy.maxReplicas,
    ...(floor === undefined ? {} : { floor }),
    gpusPerReplica: policy.gpusPerReplica,
    isRollingOut: seen.isRollingOut,
    eligibleNodes: seen.eligibleNodes,
    warmCopiesWanted: sized.warmCopies,
    occupiedNodes: occupied(sized),
  };
}

export function becauseOf({ sizing, seen }: SizedTarget, evidence: Evidence): readonly Because[] {
  if (sizing === undefined) {
    return [{ reason: 'TargetUnreadable', message: `the scale of ${seen.target} could not be read` }];
  }
  if (!evidence.isAnythingKnown) {
    return [{ reason: 'AllSignalsMissing', message: 'no signal of this pool is known' }];
  }
  return sizing.because;
}

function occupied({ seen }: SizedTarget): readonly string[] {
  const nodes = new Set<string>();
  for (const replica of seen.replicas) if (replica.node !== undefined) nodes.add(replica.node);
  return [...nodes].toSorted();
}

/** The largest schedule floor that holds now. */
function floorNow(seen: PoolSeen, now: Instant): Replicas | undefined {
  const holding = seen.floors.filter((floor) => floor.from <= now && now < floor.to).map((floor) => floor.replicas);
  return holding.length === 0 ? undefined : replicas(Math.max(...holding));
}
