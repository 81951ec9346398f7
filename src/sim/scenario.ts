import type { EngineProfile } from '../core/model/profile.ts';
import type { ArtifactNeed } from '../core/model/policy.ts';
import type { PoolId, TargetName } from '../core/model/pool.ts';
import type { Fault } from '../core/model/simulated-fault.ts';
import type { Disaggregation } from '../core/model/simulated-scenario.ts';
import type { Lifecycle } from '../core/model/simulated-lifecycle.ts';
import { bytes } from '../core/model/units.ts';
import { ForewarmError } from '../errors.ts';
import { checkFaults } from './faults/schedule.ts';
import type { Workload } from './workload/workload.ts';

/** The one pool of the simulated cluster and its target, as policies see them. */
export const simPool: PoolId = 'simulation/pool';
export const simTarget: TargetName = 'server';

/** What the simulated nodes keep: the weights of the profile's model. */
export function simArtifact(profile: EngineProfile): ArtifactNeed {
  return { hash: 'c0ffee000001', name: `simulation/${profile.name}@1`, bytes: bytes(profile.weightsBytes) };
}

/** A request counts when it completed, its first token came in time, and its mean time between tokens stayed inside. */
export interface RequestObjectives {
  readonly ttftMs: number;
  readonly itlMs: number;
}

/**
 * Which ready replica gets a request: the one with the least in flight; each in turn; or the one that was sent the most of the prompt's beginning
 * before, unless it is far busier than the others.
 */
export type Routing = 'LeastLoaded' | 'RoundRobin' | 'PrefixAffine';

/** One experiment; everything that is not the policy. Two runs of one scenario see equal arrivals and equal start-up draws. */
export interface Scenario {
  readonly workload: Workload;
  readonly profile: EngineProfile;
  readonly seed: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Ready at 0, on warm nodes, for every policy. */
  readonly initialReplicas: number;
  /** Median time from decision to Ready on a node that holds neither image nor weights; phases are shares of it (start-phases.ts). */
  readonly coldStartSeconds: number;
  /** Standard deviation of the logarithm of each phase's duration. */
  readonly startSpread: number;
  readonly nodes: number;
  readonly gpusPerNode: number;
  /** Room for weights on each node's disk. */
  readonly nodeDiskBytes: number;
  readonly scrapeIntervalSeconds: number;
  /** From the reading of a replica to its being visible to policies. */
  readonly scrapeLagSeconds: number;
  /** Share of scrapes that fail, 0 to 1. */
  readonly scrapeGapShare: number;
  readonly routing: Routing;
  /** Engines keep the blocks of prompts, where the workload says what prompts share. */
  readonly prefixCaching: boolean;
  /** When requests wait at the gateway: only while no replica is ready, or also while each ready one runs all the sequences it can. */
  readonly gatewayHolds: 'NoneReady' | 'AllFull';
  /** A request that waited at the gateway this long is shed. */
  readonly gatewayTimeoutSeconds: number;
  /** Requests that may wait at the gateway; more are shed at once. */
  readonly gatewayQueueLimit: number;
  /** terminationGracePeriodSeconds: a draining replica that is not done by then loses what it runs. */
  readonly gracePeriodSeconds: number;
  readonly objectives: RequestObjectives;
  /** After the trace ended, unfinished requests have this long before they count as lost. */
  readonly drainSeconds: number;
  readonly timelineStepSeconds: number;
  /** Prefill apart from decode; absent: every replica does both. */
  readonly disaggregation?: Disaggregation;
  /** Phases of a start as data, contention, nodes that come and go, sleeping engines. */
  readonly lifecycle: Lifecycle;
  /** An assignment of weights makes the node pull the image too. */
  readonly assignBringsImage: boolean;
  /** What goes wrong and when. */
  readonly faults: readonly Fault[];
}

/** What a caller must say, and what it may. */
export type ScenarioOptions = Pick<Scenario, 'workload' | 'profile'> & Partial<Omit<Scenario, 'workload' | 'profile'>>;

/** Fills in the defaults: enough nodes of eight GPUs for the maximum and one to spare, 110 s cold, scraped each 5 s. Throws CONFIG_INVALID. */
export function scenarioOf(options: ScenarioOptions): Scenario {
  const { profile, workload } = options;
  const minReplicas = options.minReplicas ?? 1;
  const maxReplicas = options.maxReplicas ?? 16;
  const gpusPerNode = options.gpusPerNode ?? Math.max(8, profile.gpusPerReplica);
  const perNode = Math.floor(gpusPerNode / profile.gpusPerReplica);
  const scenario = {
    ...defaults,
    minReplicas,
    maxReplicas,
    initialReplicas: Math.max(1, minReplicas),
    gpusPerNode,
    nodes: Math.ceil(maxReplicas / perNode) + 1,
    timelineStepSeconds: Math.max(5, Math.round(workload.durationSeconds / 720)),
    ...options,
  };
  checkFaults(scenario.faults, scenario.nodes);
  checkNodePool(scenario);
  return scenario;
}

function checkNodePool({ lifecycle, nodes }: Pick<Scenario, 'lifecycle' | 'nodes'>): void {
  const initial = lifecycle.nodePool?.initialNodes ?? 0;
  if (initial <= nodes) return;
  throw new ForewarmError(
    'CONFIG_INVALID',
    `lifecycle.nodePool.initialNodes must be at most ${nodes} (the scenario's nodes), was ${initial}`,
  );
}

const defaults = {
  seed: 1,
  coldStartSeconds: 110,
  startSpread: 0.15,
  nodeDiskBytes: 500e9,
  scrapeIntervalSeconds: 5,
  scrapeLagSeconds: 0.1,
  scrapeGapShare: 0,
  routing: 'LeastLoaded',
  prefixCaching: true,
  gatewayHolds: 'NoneReady',
  gatewayTimeoutSeconds: 60,
  gatewayQueueLimit: 100_000,
  gracePeriodSeconds: 3600,
  objectives: { ttftMs: 2000, itlMs: 100 },
  drainSeconds: 600,
  lifecycle: {},
  assignBringsImage: false,
  faults: [],
} as const;
