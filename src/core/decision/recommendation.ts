import { drainingOf } from './draining.ts';
import type { SizedTarget } from './pool-sizing.ts';
import type { Evidence, Recommendation, TargetRecommendation } from '../model/decision.ts';
import { lacks, type PoolPolicy } from '../model/policy.ts';
import type { Floor, NodeName, PoolSeen, ReplicaPhase, ReplicaSeen } from '../model/pool.ts';
import type { Because } from '../model/reason.ts';
import { after, replicas, type Instant, type Replicas } from '../model/units.ts';
import type { Observation } from '../signals/observe.ts';

export interface RecommendationInput {
  readonly seen: PoolSeen;
  readonly policy: PoolPolicy;
  readonly observation: Observation;
  readonly evidence: Evidence;
  readonly sized: readonly SizedTarget[];
  readonly now: Instant;
}

/** What one pool wants, with what the guard needs to judge it. */
export function recommendationOf(input: RecommendationInput): Recommendation {
  const { seen, policy, sized, now } = input;
  return {
    pool: seen.pool,
    at: now,
    mode: policy.mode,
    paused: policy.paused,
    ...(policy.priority === undefined ? {} : { priority: policy.priority }),
    behavior: policy.behavior,
    ...(policy.fallback === undefined ? {} : { fallback: policy.fallback }),
    ...(policy.override === undefined ? {} : { override: policy.override }),
    warmth: lacks(policy.tunables, 'Warmth') ? { ...policy.warmth, mode: 'Plan' } : policy.warmth,
    targets: sized.map((target) => targetOf(target, input)),
  };
}

function targetOf(sized: SizedTarget, input: RecommendationInput): TargetRecommendation {
  const { seen, policy, position, sizing } = sized;
  const { evidence, observation } = input;
  const floor = floorOf(sized, input);
  const isKnown = sizing !== undefined && evidence.isAnythingKnown;
  const draining = drainingOf(seen, observation.readings, mayShrink(sized, input.policy));
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
    warmCopiesWanted: sized.warm.copies,
    ...(sized.warm.copies === 0 ? {} : { warmNeededInSeconds: sized.warm.neededInSeconds }),
    occupiedNodes: nodesOf(seen.replicas),
    waitingNodes: nodesOf(seen.replicas.filter(({ phase }) => beforeWeights.includes(phase))),
    ...(draining === undefined ? {} : { draining }),
  };
}

/** Less is wanted, or a bound or a person may ask for less. */
function mayShrink({ seen, sizing, policy }: SizedTarget, pool: PoolPolicy): boolean {
  const spec: number = seen.specReplicas ?? 0;
  return (sizing?.wanted ?? spec) < spec || policy.maxReplicas < spec || pool.override !== undefined;
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

const beforeWeights: readonly ReplicaPhase[] = ['Scheduling', 'PullingImage', 'LoadingWeights'];

function nodesOf(all: readonly ReplicaSeen[]): readonly NodeName[] {
  const nodes = new Set<NodeName>();
  for (const { node } of all) if (node !== undefined) nodes.add(node);
  return [...nodes].toSorted();
}

/** The largest schedule floor that holds now, or by the time at which an order of today would be Ready. */
function floorOf(
  { seen, lead, slots }: SizedTarget,
  { seen: { floors }, now }: RecommendationInput,
): Replicas | undefined {
  const readyIn = (floor: Floor): number => {
    const missing = floor.replicas - (seen.specReplicas ?? 0);
    return missing <= slots.warm ? lead.warm : lead.cold;
  };
  const holding = floors.filter(
    (floor) =>
      (floor.target === undefined || floor.target === seen.target) &&
      floor.from <= after(now, readyIn(floor)) &&
      now < floor.to,
  );
  return holding.length === 0 ? undefined : replicas(Math.max(...holding.map((floor) => floor.replicas)));
}
