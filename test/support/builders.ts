import type { Recommendation, TargetRecommendation } from '../../src/core/model/decision.ts';
import {
  defaultBehavior,
  type PoolPolicy,
  type TargetPolicy,
  type Tunables,
  type WarmthPolicy,
} from '../../src/core/model/policy.ts';
import type {
  FleetSeen,
  NodeSeen,
  PoolSeen,
  ReplicaSamples,
  ReplicaSeen,
  SignalName,
  TargetSeen,
} from '../../src/core/model/pool.ts';
import type { EngineProfile } from '../../src/core/model/profile.ts';
import { missing, value, type MissingCause, type Sample } from '../../src/core/model/sample.ts';
import { bytes, instant, milliseconds, replicas, type Instant } from '../../src/core/model/units.ts';

/** A fixed epoch, far from zero so that a forgotten clock shows. */
export const epoch: Instant = instant(1_800_000_000_000);

/** `at(90)`: ninety seconds after the epoch. */
export function at(seconds: number): Instant {
  return instant(epoch + seconds * 1000);
}

export type Readings = Partial<Record<SignalName, number | MissingCause>>;

const idle: Readings = {
  waiting: 0,
  running: 0,
  kvUse: 0,
  finishedTotal: 0,
  promptTokensTotal: 0,
  cachedPromptTokensTotal: 0,
  outputTokensTotal: 0,
};
const signalNames: readonly SignalName[] = [
  'waiting',
  'running',
  'kvUse',
  'kvCapacityTokens',
  'finishedTotal',
  'promptTokensTotal',
  'cachedPromptTokensTotal',
  'outputTokensTotal',
  'preemptionsTotal',
  'ttftSecondsSum',
  'ttftCount',
  'itlSecondsSum',
  'itlCount',
  'queueSecondsSum',
  'queueCount',
  'maxRunning',
];

/** All signals read at `readAt`: idle unless said otherwise; what is not named is not exposed. */
export function samples(readings: Readings = {}, readAt: Instant = epoch): ReplicaSamples {
  const given: Readings = { ...idle, ...readings };
  const read = (name: SignalName): Sample => {
    const reading = given[name] ?? 'NotExposed';
    return typeof reading === 'number' ? value(reading, readAt) : missing(reading);
  };
  return samplesFrom(read);
}

/** Every signal missing for one cause. */
export function missingSamples(cause: MissingCause = 'ScrapeFailed'): ReplicaSamples {
  return samplesFrom(() => missing(cause));
}

function samplesFrom(read: (name: SignalName) => Sample): ReplicaSamples {
  const all: Partial<Record<SignalName, Sample>> = {};
  for (const name of signalNames) all[name] = read(name);
  return { ...emptySamples, ...all };
}

const none = missing('NotExposed');
const emptySamples: ReplicaSamples = {
  waiting: none,
  running: none,
  kvUse: none,
  kvCapacityTokens: none,
  finishedTotal: none,
  promptTokensTotal: none,
  cachedPromptTokensTotal: none,
  outputTokensTotal: none,
  preemptionsTotal: none,
  ttftSecondsSum: none,
  ttftCount: none,
  itlSecondsSum: none,
  itlCount: none,
  queueSecondsSum: none,
  queueCount: none,
  maxRunning: none,
};

/** A replica that has been Ready for an hour and was just read idle. */
export function replicaSeen(id: string, over: Partial<ReplicaSeen> = {}): ReplicaSeen {
  return {
    id,
    name: `chat-${id}`,
    node: `node-${id}`,
    phase: 'Ready',
    since: at(-3600),
    milestones: { createdAt: at(-3700), scheduledAt: at(-3699), imageAt: at(-3650), readyAt: at(-3600) },
    samples: samples(),
    ...over,
  };
}

/** `count` replicas with ids r00, r01, ..., each with the same overrides. */
export function replicasSeen(count: number, over: Partial<ReplicaSeen> = {}): readonly ReplicaSeen[] {
  return Array.from({ length: count }, (_, i) => {
    const id = `r${String(i).padStart(2, '0')}`;
    return replicaSeen(id, over);
  });
}

/** `count` replicas that share `rate` requests/s of 1,000 prompt and 200 output tokens, without a queue. */
export function serving(count: number, rate: number, t: number, over: Readings = {}): readonly ReplicaSeen[] {
  const finished = ((t + 3600) * rate) / count;
  const readings: Readings = {
    running: Math.round((rate / count) * 2),
    kvUse: 0.1,
    finishedTotal: finished,
    promptTokensTotal: finished * 1000,
    outputTokensTotal: finished * 200,
    ...over,
  };
  return replicasSeen(count, { samples: samples(readings, at(t)) });
}

/** A target of its listed replicas, spec and status equal to their number. */
export function targetSeen(over: Partial<TargetSeen> = {}): TargetSeen {
  const listed = over.replicas ?? replicasSeen(1);
  return {
    target: 'chat',
    specReplicas: replicas(listed.length),
    statusReplicas: replicas(listed.length),
    specChanges: [],
    replicas: listed,
    eligibleNodes: [],
    isRollingOut: false,
    ...over,
  };
}

export function poolSeen(over: Partial<PoolSeen> = {}): PoolSeen {
  return { pool: 'team-a/chat', targets: [targetSeen()], floors: [], scrapeIntervalSeconds: 5, ...over };
}

export function nodeSeen(node: string, over: Partial<NodeSeen> = {}): NodeSeen {
  return { node, isHealthy: true, gpus: 1, freeGpus: 1, ...over };
}

/** A node whose agent holds (or is fetching) the artifact. */
export function nodeWithCache(
  node: string,
  hash: string,
  phase: 'Assigned' | 'Downloading' | 'Ready' | 'Failed' = 'Ready',
): NodeSeen {
  return nodeSeen(node, {
    cache: {
      phases: { [hash]: phase },
      assigned: [hash],
      budgetBytes: bytes(1e12),
      usedBytes: bytes(16e9),
      reportedAt: epoch,
    },
  });
}

export function fleetSeen(nodes: readonly NodeSeen[] = []): FleetSeen {
  return { nodes };
}

export const tunables: Tunables = {
  tickSeconds: 15,
  provisioningQuantile: 0.95,
  initialLeadTimeColdSeconds: 300,
  initialLeadTimeWarmSeconds: 60,
  paybackSeconds: 600,
  kvHighRatio: 0.85,
  targetUtilization: 0.8,
  consolidationUtilization: 0.85,
};

export function targetPolicy(over: Partial<TargetPolicy> = {}): TargetPolicy {
  return { target: 'chat', minReplicas: replicas(1), maxReplicas: replicas(10), gpusPerReplica: 1, ...over };
}

export const planOnly: WarmthPolicy = { mode: 'Plan', floorCopies: 0 };

export function poolPolicy(over: Partial<PoolPolicy> = {}): PoolPolicy {
  return {
    mode: 'Scale',
    paused: false,
    targets: [targetPolicy()],
    objectives: {
      timeToFirstToken: { percentile: 95, milliseconds: milliseconds(2000) },
      interTokenLatency: { percentile: 95, milliseconds: milliseconds(50) },
      attainmentPercent: 99,
    },
    behavior: defaultBehavior,
    warmth: planOnly,
    tunables,
    ...over,
  };
}

export function targetRecommendation(over: Partial<TargetRecommendation> = {}): TargetRecommendation {
  return {
    target: 'chat',
    wanted: replicas(1),
    isReactiveRaise: false,
    because: [{ reason: 'DemandMet', message: 'demand is met' }],
    evidence: { allowsDecrease: true, isAnythingKnown: true, showsIdle: false },
    specReplicas: replicas(1),
    readyReplicas: replicas(1),
    statusReplicas: replicas(1),
    unschedulable: 0,
    specChanges: [],
    minReplicas: replicas(1),
    maxReplicas: replicas(10),
    gpusPerReplica: 1,
    isRollingOut: false,
    eligibleNodes: [],
    warmCopiesWanted: 0,
    occupiedNodes: [],
    waitingNodes: [],
    ...over,
  };
}

export function recommendation(over: Partial<Recommendation> = {}): Recommendation {
  return {
    pool: 'team-a/chat',
    at: epoch,
    mode: 'Scale',
    paused: false,
    behavior: defaultBehavior,
    warmth: planOnly,
    targets: [targetRecommendation()],
    ...over,
  };
}

/** Llama-3.1-8B, BF16, one H100-80, vLLM: constants fitted to measured runs. */
export const llama8bH100: EngineProfile = {
  name: 'llama-3.1-8b-h100',
  alpha: 2.148,
  w: 4.746,
  beta: 0.0247,
  gamma: 4.151e-5,
  delta: 0.0211,
  kappa: 0.3,
  gq: 0,
  tau0: 10.3,
  kvCapacityTokens: 420_800,
  blockTokens: 16,
  maxNumSeqs: 1024,
  maxBatchedTokens: 8192,
  gpusPerReplica: 1,
  weightsBytes: 16.1e9,
  validity: 'prompts and outputs of 128 to 4096 tokens, concurrency 1 to 256',
  isValidated: true,
};
