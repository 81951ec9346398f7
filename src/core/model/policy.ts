import type { EngineProfile } from './profile.ts';
import type { ArtifactHash, TargetName } from './pool.ts';
import type { Bytes, Instant, Milliseconds, Replicas, Seconds } from './units.ts';

export type Mode = 'Observe' | 'Recommend' | 'Scale';

/** HPA v2 `behavior`, same words and semantics. */
export interface ScalingRate {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}
export interface ScalingRules {
  readonly stabilizationWindowSeconds: number;
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly ScalingRate[];
}
export interface Behavior {
  readonly scaleUp: ScalingRules;
  readonly scaleDown: ScalingRules;
}

export interface LatencyObjective {
  /** 1 to 99, for instance 95. */
  readonly percentile: number;
  readonly milliseconds: Milliseconds;
}
export interface Objectives {
  readonly timeToFirstToken?: LatencyObjective;
  readonly interTokenLatency?: LatencyObjective;
  readonly attainmentPercent: number;
}

export interface TargetPolicy {
  readonly target: TargetName;
  readonly minReplicas: Replicas;
  readonly maxReplicas: Replicas;
  readonly gpusPerReplica: number;
  /** The half of the work that its replicas do; absent: all of it. */
  readonly role?: 'Prefill' | 'Decode';
  /** In any one currency; compared between the targets of a pool only. */
  readonly costPerReplicaHour?: number;
  readonly profile?: EngineProfile;
}

export interface Fallback {
  readonly replicas: Replicas;
  /** All signals missing for this long. */
  readonly afterSeconds: Seconds;
}

export interface ArtifactNeed {
  readonly hash: ArtifactHash;
  /** `namespace/name@revision`, for people. */
  readonly name: string;
  readonly bytes: Bytes;
}

export interface WarmthPolicy {
  /** `Plan` computes and reports, `Act` also assigns; independent of the scaling mode. */
  readonly mode: 'Plan' | 'Act';
  readonly artifact?: ArtifactNeed;
  /** Never fewer copies than this while enough healthy nodes exist. */
  readonly floorCopies: number;
}

/** A person's order: this many replicas until then. */
export interface Override {
  readonly replicas: Replicas;
  readonly until: Instant;
}

/** A part of the algorithm that a bench leaves out, to show what it buys; no policy file can. */
export type Part = 'Forecast' | 'Pending' | 'Consolidation' | 'Learning' | 'Warmth';

/** The tunables of our algorithm (kind ScalingPolicy); each default is argued for in docs/policies.md. */
export interface Tunables {
  /** The pass's own cadence. */
  readonly tickSeconds: number;
  /** Quantile of demand to provision for, 0.5 to 0.999. */
  readonly provisioningQuantile: number;
  /** Backlog still standing when new replicas arrive is drained within this; absent: max(30, lead time / 2). */
  readonly recoverySeconds?: number;
  /** Lead time before anything was measured, decision to Ready. */
  readonly initialLeadTimeColdSeconds: number;
  readonly initialLeadTimeWarmSeconds: number;
  /** A scale-down must stay right for this long: stock that would have to be re-ordered is not returned. */
  readonly paybackSeconds: number;
  /** KV share above which a replica counts as full for the reactive floor. */
  readonly kvHighRatio: number;
  /** Share of the operating point that is planned to be used, 0 to 1. */
  readonly targetUtilization: number;
  /** Survivors of a scale-down must stay under this share of capacity. */
  readonly consolidationUtilization: number;
  /** @default nothing */
  readonly without?: readonly Part[];
}

export function lacks({ without = [] }: Pick<Tunables, 'without'>, part: Part): boolean {
  return without.includes(part);
}

export interface PoolPolicy {
  readonly mode: Mode;
  readonly paused: boolean;
  /** Among pools that share GPUs, the larger goes first; absent: 0. */
  readonly priority?: number;
  readonly targets: readonly TargetPolicy[];
  /** Bounds of prefill replicas for each that decodes, of a pool that has both roles; absent: none. */
  readonly prefillPerDecode?: { readonly min?: number; readonly max?: number };
  readonly objectives: Objectives;
  readonly behavior: Behavior;
  readonly fallback?: Fallback;
  readonly warmth: WarmthPolicy;
  readonly override?: Override;
  readonly tunables: Tunables;
}

/** HPA v2 defaults: up at once by the larger of +4 and +100 % per 15 s, down by up to 100 % per 15 s after a window of 300 s. */
export const defaultBehavior: Behavior = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
  },
  scaleDown: {
    stabilizationWindowSeconds: 300,
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
  },
};
