import type { PoolId, SpecChange, TargetName } from './pool.ts';
import type { Instant, Replicas } from './units.ts';

/** A raw recommendation: what was wanted before windows, rates and bounds. Windows store these only (a held value must not feed itself). */
export interface RawRecommendation {
  readonly at: Instant;
  readonly replicas: Replicas;
}

/** What must survive a change of leader; <= 4 kB a pool; written to status before its /scale. */
export interface TargetSafety {
  readonly raw: readonly RawRecommendation[];
  readonly specChanges: readonly SpecChange[];
  readonly lastDecision?: { readonly at: Instant; readonly replicas: Replicas };
  /** Since when not one signal is known. */
  readonly blindSince?: Instant;
  /** Scale mode: another owner of replicas was last seen writing at this time. */
  readonly conflictSince?: Instant;
  /** The last two changes of spec that were not ours while we were writing, oldest first. */
  readonly foreignWrites?: readonly Instant[];
  /** Sizes that we wrote and have not seen yet, oldest first: a watch shows a write some time after it was made. */
  readonly unseenWrites?: readonly RawRecommendation[];
  /** The size that was prepared: those that go first on the way to it were marked, and when (I13). */
  readonly draining?: { readonly at: Instant; readonly replicas: Replicas };
  /** We set this target to 0 ourselves (I16). */
  readonly zeroedAt?: Instant;
}
export interface SafetyMemory {
  /** When this memory began to be kept without a break; a takeover restarts it. */
  readonly since: Instant;
  readonly targets: Readonly<Record<TargetName, TargetSafety>>;
}

/** A decaying histogram: exponential buckets, weights halved each half-life, kept relative to `referenceAt`. */
export interface Sketch {
  readonly weights: readonly number[];
  readonly total: number;
  readonly count: number;
  readonly referenceAt: Instant;
}

export type LeadTimePhase = 'schedule' | 'image' | 'weights' | 'engine' | 'total';
export type Warmth = 'warm' | 'cold';

/** One bin of observed demand. A bin in which nothing was known is not in the list. */
export interface DemandBin {
  readonly at: Instant;
  readonly requestsPerSecond: number;
  /** Of prompts that began to be computed. */
  readonly promptTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
  /** Requests that began to wait, less those that ceased: how long their prompts are was not known. Absent: none. */
  readonly waitingPerSecond?: number;
}

export type BaselineSignal =
  | 'waiting'
  | 'running'
  | 'finishedTotal'
  | 'promptTokensTotal'
  | 'cachedPromptTokensTotal'
  | 'outputTokensTotal'
  | 'itlSecondsSum'
  | 'itlCount';

/** Last reading of a replica, from which increases are taken; a signal that was missing is not in it. */
export interface ReplicaBaseline {
  readonly at: Instant;
  readonly counts: Readonly<Partial<Record<BaselineSignal, number>>>;
  /** Since when gauges claim work while no counter moves (a wedged engine). */
  readonly stuckSince?: Instant;
}

export interface GatewayBaseline {
  readonly at: Instant;
  readonly requestsTotal?: number;
  readonly queued?: number;
}

/** What the forecast knows of days, on minutes of work. Its state is plain data that the forecast alone reads; `format` says which. */
export interface LongForecast {
  readonly format: number;
  /** The quantile that its bounds stand for. */
  readonly quantile: number;
  /** The minute that is being filled: its number, the seconds known of it, and their work. */
  readonly open: { readonly minute: number; readonly seconds: number; readonly work: number };
  readonly state: object;
}

/** What may be lost at the price of a slower start; <= 200 kB a pool. */
export interface LearnedMemory {
  readonly baselines: Readonly<Record<string, ReplicaBaseline>>;
  /** Oldest first, at most two hours. The forecast calibrates itself on these: no residual is stored beside them. */
  readonly demand: readonly DemandBin[];
  readonly long?: LongForecast;
  /** Last reading of the gateway, from which increases are taken. */
  readonly gateway?: GatewayBaseline;
  /** Forecasts made and not yet judged: made `at` for `due`. */
  readonly pending: readonly {
    readonly at: Instant;
    readonly due: Instant;
    readonly level: number;
    readonly upper: number;
  }[];
  /** Share of judged forecasts whose upper bound held, and how many. */
  readonly skill: { readonly judged: number; readonly covered: number };
  readonly leadTime: Readonly<Record<LeadTimePhase, Readonly<Record<Warmth, Sketch>>>>;
  /** Replicas whose lead time was already counted, so that none is counted twice; only those still seen. */
  readonly counted: readonly string[];
  /** Concurrency curve learned without a profile: per in-flight bucket, mean throughput (requests/s) and weight. */
  readonly curve: readonly { readonly inFlight: number; readonly throughput: number; readonly weight: number }[];
  /** KV share that one running request holds, decaying mean; absent until seen. */
  readonly kvPerRequest?: number;
  /** A queue that stands: since when it has not shrunk, its size then, and what a replica finishes meanwhile. */
  readonly queue?: { readonly since: Instant; readonly size: number; readonly throughput?: number };
  /** The part of its computed capacity that a replica was seen to serve while a queue stood beside it, and when: it can no more. */
  readonly ceiling?: { readonly share: number; readonly at: Instant };
  /** Requests that a replica was seen to run at once while more than these waited beside them, and when: it takes no more. */
  readonly saturation?: { readonly inFlight: number; readonly at: Instant };
  /** Bounded observed/predicted iteration-time correction of the profile, and its weight. */
  readonly correction: { readonly factor: number; readonly weight: number };
  /** Decayed sums over requests that started: requests, seconds they waited in an engine, seconds their prompts take, share of the time engines computed prompts. */
  readonly pooling?: {
    readonly requests: number;
    readonly waited: number;
    readonly serviced: number;
    readonly busied: number;
  };
  /** Mean lengths of the present mix, tokens a request (decaying). */
  readonly mix: {
    readonly promptTokens: number;
    readonly cachedShare: number;
    readonly outputTokens: number;
    /** Decayed number of started requests behind the prompt lengths, and of finished ones behind the output length. */
    readonly weight: number;
    readonly outputWeight: number;
    /** Decayed output tokens that the started ones have so far; absent: not counted yet. */
    readonly generated?: number;
  };
  /** Of a pool with separate prefill and decode: what is known of decode; the rest is prefill's. */
  readonly decode?: Omit<LearnedMemory, 'decode'>;
}

export interface PoolMemory {
  readonly safety: SafetyMemory;
  readonly learned: LearnedMemory;
}
export interface FleetMemory {
  readonly pools: Readonly<Record<PoolId, PoolMemory>>;
  /** Assignments of the warmth plan and since when, `node/hash` -> time: hysteresis. */
  readonly assignments: Readonly<Record<string, Instant>>;
}
