import type { Sample } from './sample.ts';
import type { Bytes, Instant, Replicas } from './units.ts';

/** `namespace/name` of the autoscaler object; in the simulator any name of that form. */
export type PoolId = string;
/** The target's own name, unique in its pool. */
export type TargetName = string;
export type NodeName = string;
/** A ModelArtifact at one pinned revision: the first 12 hex digits of the sha256 of `namespace/name@revision`. Also the node label's suffix. */
export type ArtifactHash = string;

/**
 * What is read of one replica (one pod, or the leader of a group). Counters are raw cumulative readings; rates are the core's work.
 * A signal that the engine does not have is `missing: NotExposed`, never 0.
 */
export interface ReplicaSamples {
  /** Requests queued inside the engine. */
  readonly waiting: Sample;
  /** Requests being decoded or prefilled. */
  readonly running: Sample;
  /** Share of KV blocks in use, 0 to 1. */
  readonly kvUse: Sample;
  readonly kvCapacityTokens: Sample;
  /** Finished requests of every reason, cumulative. Where the engine's HTTP counter exists, that one (it also counts hang-ups). */
  readonly finishedTotal: Sample;
  readonly promptTokensTotal: Sample;
  readonly cachedPromptTokensTotal: Sample;
  readonly outputTokensTotal: Sample;
  readonly preemptionsTotal: Sample;
  /** Sums (seconds) and counts of the engine's latency histograms, cumulative. */
  readonly ttftSecondsSum: Sample;
  readonly ttftCount: Sample;
  readonly itlSecondsSum: Sample;
  readonly itlCount: Sample;
  /** Cumulative time in the engine's own queue, seconds, and how many requests it covers. */
  readonly queueSecondsSum: Sample;
  readonly queueCount: Sample;
  /** Largest number of sequences the engine runs at once, where it says so. */
  readonly maxRunning: Sample;
}
export type SignalName = keyof ReplicaSamples;

/** One classic histogram: upper bounds in seconds without +Inf, and cumulative counts, one more than bounds. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}
export type HistogramName = 'timeToFirstToken' | 'interTokenLatency' | 'requestLatency';
/** The engine's latency histograms as they were read at `at`. */
export interface ReplicaHistograms extends Readonly<Record<HistogramName, Histogram>> {
  readonly at: Instant;
}

/**
 * Where a replica stands. `Unready` has been Ready before (and is still scraped); the four before `Ready` have not.
 * `Unschedulable`: the scheduler said no. `Gated`: scheduling gates (Kueue). `Failed`, `Succeeded` pods are not listed at all.
 */
export type ReplicaPhase =
  | 'Scheduling'
  | 'Gated'
  | 'Unschedulable'
  | 'PullingImage'
  | 'LoadingWeights'
  | 'StartingEngine'
  | 'Ready'
  | 'Unready'
  | 'CrashLooping'
  | 'Draining';

/** Times at which a replica passed its marks; absent until it did. `orderedAt` is the spec change that asked for it, where known. */
export interface ReplicaMilestones {
  readonly orderedAt?: Instant;
  readonly createdAt: Instant;
  readonly scheduledAt?: Instant;
  /** Image on the node, first container started. */
  readonly imageAt?: Instant;
  /** Weights on the node: end of the init container that waits for them, where there is one. */
  readonly weightsAt?: Instant;
  readonly readyAt?: Instant;
}

export interface ReplicaSeen {
  /** Pod UID: an address or a name may come back, a UID does not. */
  readonly id: string;
  readonly name: string;
  readonly node?: NodeName;
  readonly phase: ReplicaPhase;
  readonly since: Instant;
  readonly milestones: ReplicaMilestones;
  /** Whether its node already held the weights when the replica was bound to it; absent while unbound or unknown. */
  readonly startedWarm?: boolean;
  /** It carries our mark: of the Ready replicas it shall go first. */
  readonly isMarked?: boolean;
  readonly samples: ReplicaSamples;
  /** Only in the simulator, for policies that say that they read them; the core never does. */
  readonly histograms?: ReplicaHistograms;
}

/** One observed change of the target's spec.replicas, whoever made it. */
export interface SpecChange {
  readonly at: Instant;
  readonly from: Replicas;
  readonly to: Replicas;
}

/** Another object that sets the target's replicas, as `Kind/name`, and whether it acts on what we publish. */
export interface OtherOwner {
  readonly ref: string;
  readonly followsUs: boolean;
  /** Why it does not act, in its own words (an HPA's ScalingActive message). */
  readonly problem?: string;
}

/** How its pod template lets a replica go. */
export interface DrainSeen {
  /** terminationGracePeriodSeconds. */
  readonly graceSeconds: number;
  /** Routers have a moment to stop sending before the engine is told. */
  readonly hasPreStop: boolean;
  /** Whether the engine finishes what it runs when it is told to end; absent: not known. */
  readonly finishesRequests?: boolean;
}

export interface TargetSeen {
  readonly target: TargetName;
  /** Absent when /scale could not be read: then nothing is decided for this target. */
  readonly specReplicas?: Replicas;
  /** The workload's own count of its pods. */
  readonly statusReplicas?: Replicas;
  /** Changes of spec.replicas observed since the start of the longest window, oldest first. */
  readonly specChanges: readonly SpecChange[];
  readonly otherOwner?: OtherOwner;
  /** Pods refused at creation (quota, webhook): reason and message of ReplicaFailure. */
  readonly createFailure?: { readonly reason: string; readonly message: string };
  /** Live, non-terminal replicas of this target, sorted by id. */
  readonly replicas: readonly ReplicaSeen[];
  /** Healthy or not, the nodes on which the pod template may land by selector, affinity and taints; sorted. */
  readonly eligibleNodes: readonly NodeName[];
  /** Absent where there is no template to read. */
  readonly drain?: DrainSeen;
  /** Whoever removes its replicas takes the marked ones first (a ReplicaSet does, a StatefulSet does not). */
  readonly readsMarks?: boolean;
  /** A rollout is surging: more pods than spec asks for. */
  readonly isRollingOut: boolean;
}

/** Samples of the pool's gateway (endpoint picker), where there is one. */
export interface GatewaySamples {
  readonly queued: Sample;
  readonly requestsTotal: Sample;
}

/** A lower bound that holds from `from` to `to`, expanded from schedules at the edge (the core knows no time zones). */
export interface Floor {
  readonly from: Instant;
  readonly to: Instant;
  readonly replicas: Replicas;
  /** Absent: every target of the pool. */
  readonly target?: TargetName;
}

export interface PoolSeen {
  readonly pool: PoolId;
  readonly targets: readonly TargetSeen[];
  readonly gateway?: GatewaySamples;
  readonly floors: readonly Floor[];
  /** Seconds between two readings of the same replica as configured: what is older than three of them is stale. */
  readonly scrapeIntervalSeconds: number;
}

export type CachePhase = 'Assigned' | 'Downloading' | 'Ready' | 'Failed';

export interface NodeCacheSeen {
  readonly phases: Readonly<Record<ArtifactHash, CachePhase>>;
  /** Of artifacts that failed: why, in the agent's words. */
  readonly failures?: Readonly<Record<ArtifactHash, string>>;
  /** Assigned by us at the last look. */
  readonly assigned: readonly ArtifactHash[];
  /** Of what is assigned, what a replica on the node waits for, as its agent was told. */
  readonly awaited?: readonly ArtifactHash[];
  /** Of what is assigned, what a live pod on the node names, whichever pool it belongs to and whether or not there still is one. */
  readonly inUse?: readonly ArtifactHash[];
  readonly budgetBytes: Bytes;
  readonly usedBytes: Bytes;
  /** Last report of the node's agent; absent when it never reported. */
  readonly reportedAt?: Instant;
}

export interface NodeSeen {
  readonly node: NodeName;
  /** Ready, not cordoned, and advertising its GPUs. */
  readonly isHealthy: boolean;
  readonly gpus: number;
  /** GPUs not requested by any pod bound to the node. */
  readonly freeGpus: number;
  /** Absent when no NodeCache exists for the node. */
  readonly cache?: NodeCacheSeen;
}

/** GPUs that the named pools may hold together: a quota less what others use of it. */
export interface GpuBudget {
  /** As `ResourceQuota namespace/name`, for people. */
  readonly name: string;
  readonly gpus: number;
  readonly pools: readonly PoolId[];
}

/** The cluster as all pools share it; nodes sorted by name. */
export interface FleetSeen {
  readonly nodes: readonly NodeSeen[];
  /** Sorted by name. */
  readonly budgets?: readonly GpuBudget[];
  /** Artifacts of pools that exist and cannot be decided now: their copies stay as they are. */
  readonly reserved?: readonly ArtifactHash[];
}
