import type { ArtifactHash, NodeName, PoolId, SpecChange, TargetName } from './pool.ts';
import type { Behavior, Fallback, Mode, Override, WarmthPolicy } from './policy.ts';
import type { Because } from './reason.ts';
import type { Instant, Replicas } from './units.ts';

/** What the guard must know of the signals behind a recommendation. */
export interface Evidence {
  /** Every required signal is fresh on enough Ready replicas (I2). */
  readonly allowsDecrease: boolean;
  /** At least one signal is known (I3). */
  readonly isAnythingKnown: boolean;
  /** Samples are present and say zero: nothing running, waiting or queued at the gateway. */
  readonly showsIdle: boolean;
  readonly because?: Because;
}

/** Whom a smaller size would cost, by name. */
export interface Draining {
  /** Ready replicas, those that may go first in front. */
  readonly order: readonly string[];
  /** Live replicas that carry our mark. */
  readonly marked: readonly string[];
}

/** What one pool's brain wants for one target, with all that `settle` needs to judge it. */
export interface TargetRecommendation {
  readonly target: TargetName;
  /** Wanted before windows, rates, bounds: the raw recommendation. Absent when nothing can be said (then the guard holds). */
  readonly wanted?: Replicas;
  /** Raised by what is here now (queue, KV), not by a forecast. */
  readonly isReactiveRaise: boolean;
  readonly because: readonly Because[];
  readonly evidence: Evidence;
  readonly specReplicas?: Replicas;
  readonly readyReplicas: Replicas;
  readonly statusReplicas?: Replicas;
  readonly unschedulable: number;
  readonly specChanges: readonly SpecChange[];
  readonly otherOwner?: { readonly ref: string; readonly followsUs: boolean };
  readonly minReplicas: Replicas;
  readonly maxReplicas: Replicas;
  /** The largest floor of a schedule that holds now. */
  readonly floor?: Replicas;
  readonly gpusPerReplica: number;
  readonly isRollingOut: boolean;
  /** Nodes on which the next replicas may land, and how many more the forecast's upper quantile wants over the warm horizon. */
  readonly eligibleNodes: readonly NodeName[];
  readonly warmCopiesWanted: number;
  /** Seconds until the first of them may be needed; absent: none is wanted. */
  readonly warmNeededInSeconds?: number;
  /** Absent where no marks are read, or where nothing may become smaller. */
  readonly draining?: Draining;
  /** Nodes that run a replica of this target now. */
  readonly occupiedNodes: readonly NodeName[];
  /** Of these, nodes on which a replica has yet to find its image and weights. */
  readonly waitingNodes: readonly NodeName[];
}

export interface Recommendation {
  readonly pool: PoolId;
  readonly at: Instant;
  readonly mode: Mode;
  readonly paused: boolean;
  readonly priority?: number;
  readonly behavior: Behavior;
  readonly fallback?: Fallback;
  readonly override?: Override;
  readonly warmth: WarmthPolicy;
  readonly targets: readonly TargetRecommendation[];
  /** Deciding this pool threw: every target is held (I15). */
  readonly failure?: Because;
}

/** What the guard let through for one target: the only thing any door publishes. */
export interface Decision {
  readonly pool: PoolId;
  readonly target: TargetName;
  readonly at: Instant;
  /** Absent: nothing may be said (the metrics door then answers an error, never a number). */
  readonly replicas?: Replicas;
  readonly from?: Replicas;
  /** The binding rule is the first reason. */
  readonly because: readonly Because[];
  readonly isHeld: boolean;
  readonly isReactiveRaise: boolean;
  readonly isRollingOut: boolean;
  readonly statusReplicas?: Replicas;
}

/** Closed, and each idempotent: performing one twice changes nothing. */
export type Action =
  | {
      readonly kind: 'Scale';
      readonly pool: PoolId;
      readonly target: TargetName;
      readonly from: Replicas;
      readonly to: Replicas;
    }
  | {
      readonly kind: 'ProtectPods';
      readonly pool: PoolId;
      readonly target: TargetName;
      /** All that shall go first, by name, and no other. */
      readonly victims: readonly string[];
      /** Those whose mark is to be taken away. */
      readonly freed: readonly string[];
    }
  | {
      readonly kind: 'Assign';
      readonly node: NodeName;
      readonly artifact: ArtifactHash;
      readonly pool: PoolId;
      /** A replica on the node waits for it: nothing is fetched before it. */
      readonly isAwaited?: true;
    }
  /** Without a pool: no pool wants this artifact any more. */
  | { readonly kind: 'Unassign'; readonly node: NodeName; readonly artifact: ArtifactHash; readonly pool?: PoolId }
  | { readonly kind: 'Headroom'; readonly pool: PoolId; readonly target: TargetName; readonly replicas: Replicas };
