import type { Recommendation, TargetRecommendation } from '../../src/core/model/decision.ts';
import type { FleetMemory, LearnedMemory, SafetyMemory } from '../../src/core/model/memory.ts';
import { type Behavior, defaultBehavior } from '../../src/core/model/policy.ts';
import type { NodeSeen } from '../../src/core/model/pool.ts';
import type { PoolReport } from '../../src/core/model/report.ts';
import { bytes, type Instant, instant } from '../../src/core/model/units.ts';
import type { SettleInput } from '../../src/core/settle.ts';

/** Builders for tests of `settle`: a pool that has been watched for an hour, with fresh evidence, in mode Scale. Sizes may be plain numbers. */
export const epoch: Instant = instant(1_764_115_200_000);
export const at = (seconds: number): Instant => instant(epoch + seconds * 1000);
const anHourAgo = at(-3600);

const anyNumber = { type: 'Pods', value: 1_000_000, periodSeconds: 1 } as const;
/** Any step at any time, and down without a window: what rates and windows add is I4's and I5's. */
export const atOnce: Behavior = {
  scaleUp: { ...defaultBehavior.scaleUp, policies: [anyNumber] },
  scaleDown: { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: 0, policies: [anyNumber] },
};

type Sizes = 'wanted' | 'specReplicas' | 'readyReplicas' | 'statusReplicas' | 'minReplicas' | 'maxReplicas' | 'floor';
/** Sizes are plain numbers here, even ones that no constructor lets pass: some tests are about those. `undefined`: absent. */
export type TargetGiven = Omit<Partial<TargetRecommendation>, Sizes> & {
  readonly [size in Sizes]?: number | undefined;
};

const knownEvidence = { allowsDecrease: true, isAnythingKnown: true, showsIdle: false } as const;
export const blindEvidence = { allowsDecrease: false, isAnythingKnown: false, showsIdle: false } as const;

export function target(given: TargetGiven = {}): TargetRecommendation {
  const complete = {
    target: 'chat',
    wanted: 2,
    isReactiveRaise: false,
    because: [{ reason: 'DemandMet', message: 'what demand needs' }],
    evidence: knownEvidence,
    specReplicas: 2,
    readyReplicas: given.specReplicas ?? 2,
    unschedulable: 0,
    specChanges: [],
    minReplicas: 1,
    maxReplicas: 10,
    gpusPerReplica: 1,
    isRollingOut: false,
    eligibleNodes: [],
    warmCopiesWanted: 0,
    occupiedNodes: [],
    waitingNodes: [],
    ...given,
  };
  const present = Object.entries(complete).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as unknown as TargetRecommendation;
}

/** Nothing is known of the target. */
export function blindTarget(given: TargetGiven = {}): TargetRecommendation {
  return target({ wanted: undefined, evidence: blindEvidence, because: [], ...given });
}

export function recommendation(given: Partial<Recommendation> = {}): Recommendation {
  return {
    pool: 'team-a/chat',
    at: epoch,
    mode: 'Scale',
    paused: false,
    behavior: defaultBehavior,
    warmth: { mode: 'Plan', floorCopies: 0 },
    ...given,
    targets: given.targets ?? [target()],
  };
}

/** What the guard never looks at: it must come out as it went in. */
const learned = { opaque: true } as unknown as LearnedMemory;

/** Memory of the named pools; each has been kept for an hour unless `safety` says otherwise. */
export function fleetMemory(
  safety: Partial<SafetyMemory> = {},
  pools: readonly string[] = ['team-a/chat'],
): FleetMemory {
  const kept = { since: anHourAgo, targets: {}, ...safety };
  return { pools: Object.fromEntries(pools.map((pool) => [pool, { safety: kept, learned }])), assignments: {} };
}

export function report(pool = 'team-a/chat', targets: readonly string[] = ['chat']): PoolReport {
  return {
    pool,
    at: epoch,
    inputs: {},
    leadTime: { warmSeconds: 60, coldSeconds: 180, warmStarts: 0, coldStarts: 0, usedSeconds: 180, phases: {} },
    targets: targets.map((name) => ({
      target: name,
      ready: 0,
      arriving: [],
      unschedulable: 0,
      because: [],
      candidates: [],
    })),
    conditions: [],
  };
}

export function settleInput(given: Partial<SettleInput> = {}): SettleInput {
  const recommendations = given.recommendations ?? [recommendation()];
  return {
    memory: fleetMemory(
      {},
      recommendations.map(({ pool }) => pool),
    ),
    recommendations,
    fleet: { nodes: [] },
    now: epoch,
    reports: recommendations.map(({ pool, targets }) =>
      report(
        pool,
        targets.map((one) => one.target),
      ),
    ),
    ...given,
  };
}

export function node(name: string, given: Partial<NodeSeen> = {}): NodeSeen {
  return {
    node: name,
    isHealthy: true,
    gpus: 1,
    freeGpus: 1,
    cache: { phases: {}, assigned: [], budgetBytes: bytes(100), usedBytes: bytes(0) },
    ...given,
  };
}
