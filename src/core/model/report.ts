import type { NodeName, PoolId, TargetName } from './pool.ts';
import type { Because } from './reason.ts';
import type { Instant } from './units.ts';

/** A pool signal as it was used: the number or why there is none, with the age of its oldest part. */
export type InputReport =
  | { readonly value: number; readonly ageSeconds: number; readonly coverage: number }
  | { readonly missing: string };

export interface DemandReport {
  readonly requestsPerSecond: number;
  readonly promptTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
  readonly waiting: number;
  readonly running: number;
  readonly waitingTokens: number;
}

/** Rates in the unit that sizing used (`tokens/s` of work or `requests/s`). */
export interface ForecastReport {
  readonly horizonSeconds: number;
  readonly level: number;
  readonly upper: number;
  /** The same work in tokens a second of the present mix, prompts less what is cached. */
  readonly upperTokens: { readonly promptPerSecond: number; readonly outputPerSecond: number };
  readonly quantile: number;
  readonly method: string;
  /** Share of judged forecasts whose upper bound held; absent before the first was judged. */
  readonly covered?: number;
  readonly judged: number;
}

export interface CapacityReport {
  readonly requestsPerSecond: number;
  readonly boundBy: 'compute' | 'kv' | 'objective' | 'learned';
  readonly source: 'profile' | 'corrected profile' | 'learned curve' | 'prior';
}

export interface LeadTimeReport {
  /** p90 of decision to Ready, seconds, for a warm and a cold node, with the number of measured starts behind each. */
  readonly warmSeconds: number;
  readonly coldSeconds: number;
  readonly warmStarts: number;
  readonly coldStarts: number;
  /** The lead time that sized this decision. */
  readonly usedSeconds: number;
  /** p90 by phase, seconds. */
  readonly phases: Readonly<Record<string, { readonly warm: number; readonly cold: number }>>;
}

export interface ArrivingReport {
  readonly replica: string;
  readonly phase: string;
  readonly readyBy: Instant;
}

/** A size that was considered and why it was not taken. */
export interface CandidateReport {
  readonly replicas: number;
  readonly lost: string;
}

export interface TargetReport {
  readonly target: TargetName;
  readonly spec?: number;
  readonly ready: number;
  readonly arriving: readonly ArrivingReport[];
  readonly unschedulable: number;
  readonly wanted?: number;
  readonly reactiveNeed?: number;
  readonly forecastNeed?: number;
  readonly decided?: number;
  readonly because: readonly Because[];
  readonly candidates: readonly CandidateReport[];
  /** "would scale to 5 at queue >= 12 or 41 req/s". */
  readonly counterfactual?: string;
}

export interface WarmthReport {
  readonly artifact: string;
  readonly wanted: number;
  /** All of them; `ready` and `warming` name the first 128 nodes. Absent in reports that name every node. */
  readonly readyCopies?: number;
  readonly warmingCopies?: number;
  readonly ready: readonly NodeName[];
  readonly warming: readonly NodeName[];
  /** Of those that are wanted and not ready: nodes whose agent gave up for now. */
  readonly failed?: readonly NodeName[];
  readonly because: string;
}

/** Everything that led to one pool's decision; <= 16 kB. */
export interface PoolReport {
  readonly pool: PoolId;
  readonly at: Instant;
  readonly inputs: Readonly<Record<string, InputReport>>;
  readonly demand?: DemandReport;
  readonly forecast?: ForecastReport;
  readonly capacity?: CapacityReport;
  readonly leadTime: LeadTimeReport;
  readonly targets: readonly TargetReport[];
  readonly warmth?: WarmthReport;
  readonly conditions: readonly ConditionReport[];
}

/** Conditions as the core sees them; the controller adds those of its own (CRD age, followers). */
export interface ConditionReport {
  readonly type: 'MetricsAvailable' | 'ScalingLimited' | 'AbleToScale' | 'Warm' | 'ReplicasHealthy' | 'DrainUnsafe';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}
