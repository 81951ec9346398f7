import type { PoolReport } from '../core/model/report.ts';
import type { GpuTime } from './gpu-time.ts';

/**
 * Seconds. `ttft` and `e2e`: over completed requests, as the client sees them, exact. `itl`: over all gaps between two tokens of a request (so a
 * long answer counts more), right to half a percent. Null when there was none.
 */
export interface LatencySummary {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly mean: number;
}

/** Counted replicas by phase at one time; `ready` excludes draining, `engine` includes engines that died and start again. */
export interface ReplicaPoint {
  readonly scheduling: number;
  readonly unschedulable: number;
  readonly image: number;
  readonly weights: number;
  readonly engine: number;
  readonly ready: number;
  readonly draining: number;
}

/** Columns of equal length: what happened over time, for plots. `t` is seconds since the start of the trace. */
export interface Timeline {
  readonly t: readonly number[];
  readonly replicas: readonly ReplicaPoint[];
  readonly spec: readonly number[];
  readonly queued: readonly number[];
  readonly running: readonly number[];
  /** Mean KV share over ready replicas; null where none is ready. */
  readonly kvUse: readonly (number | null)[];
  /** Arrivals per second in the step that ends at t. */
  readonly arrivalRate: readonly number[];
  /** p95 of requests whose first token came in the step; null where there was none. */
  readonly ttftP95: readonly (number | null)[];
  readonly itlP95: readonly (number | null)[];
}

export interface DecisionPoint {
  readonly t: number;
  readonly from: number;
  readonly to: number;
  readonly because: string;
  /** Present for our own policy. */
  readonly report?: PoolReport;
}

export interface SimResult {
  readonly policy: string;
  readonly seed: number;
  /** The median cold start of the scenario. */
  readonly coldStartSeconds?: number;
  /** Times the profile's iteration time: 1, or another factor of the k-band. Policies are told the profile's own. */
  readonly iterationFactor?: number;
  readonly durationSeconds: number;
  readonly arrivals: number;
  readonly completed: number;
  /** Refused at the gateway (queue full or waited past its time-out). */
  readonly shed: number;
  /** Killed in flight by a scale-down or a dying replica, or still unfinished when the drain period after the trace ended. */
  readonly lost: number;
  /** Of the lost: killed at the end of a draining replica's grace period. */
  readonly lostOnScaleDown: number;
  /** Share of arrivals inside every objective, 0 to 1; null when there were no arrivals. */
  readonly attainment: number | null;
  readonly ttft: LatencySummary | null;
  readonly itl: LatencySummary | null;
  readonly e2e: LatencySummary | null;
  /** From allocation to release, GPUs times hours. */
  readonly gpuHours: number;
  /** The same by what the GPUs were there for; they add up to it. */
  readonly gpuHoursBy: GpuTime;
  readonly replicaChanges: number;
  readonly directionChanges: number;
  readonly peakReplicas: number;
  readonly coldStarts: number;
  readonly warmStarts: number;
  readonly preemptions: number;
  /** false: an oracle, which knows what no policy can. Absent: a policy. */
  readonly isRealisable?: boolean;
  /** false: prefill apart from decode, which nobody held to a real engine. Absent: see the profile. */
  readonly isValidated?: boolean;
  /** With an oracle: work / capacity, the GPU-hours that nobody undercuts. */
  readonly leastGpuHours?: number;
  readonly timeline: Timeline;
  readonly decisions: readonly DecisionPoint[];
}

/** The file that `forewarm simulate -o json` writes (without timelines unless asked for); docs/simulate-output.md. */
export interface SimulationOutput {
  readonly schema: 'forewarm.dev/simulation/v1';
  readonly trace: string;
  readonly engineProfile: string;
  /** false: nobody held the profile to a real engine; its times are an estimate. */
  readonly isProfileValidated: boolean;
  readonly rateScale: number;
  /** Whether the load can separate policies at all; `message` says why not. */
  readonly ranking?: {
    readonly isInformative: boolean;
    readonly message?: string;
    /** With the k-band: pairs of policies that change places within it. */
    readonly flips?: readonly {
      readonly measure: 'attainment' | 'gpuHours';
      readonly policies: readonly [string, string];
      readonly factors: readonly number[];
      readonly coldStartSeconds?: number;
    }[];
  };
  /** Rows of the trace that generated nothing: failures there, not simulated. */
  readonly failedRows?: number;
  readonly results: readonly SimResult[];
}
