import type { Behavior } from './policy.ts';
import type { HistogramName } from './pool.ts';

/** A metric of the engines as a query or a scrape of pods would give it; rates and means over `windowSeconds` of the policy. */
export type PeerSignal =
  /** Sums over replicas that have a series. */
  | 'Waiting'
  | 'Running'
  /** Mean over replicas that have a series, 0 to 1. */
  | 'KvUse'
  /** The query without `sum`: one series a replica, which KEDA refuses from the second on. */
  | 'WaitingSeries'
  /** Tokens a second, all replicas. */
  | 'OutputTokenRate'
  | 'PromptTokenRate'
  /** Seconds; `rate(sum) / rate(count)`. */
  | 'MeanTimeToFirstToken'
  | QuantileSignal;
/** Seconds; `histogram_quantile(q, sum by (le) (rate(bucket)))`. */
export type QuantileSignal = 'QuantileTimeToFirstToken' | 'QuantileInterTokenLatency' | 'QuantileRequestLatency';
/** Read of each replica by itself. */
export type PodSignal = Extract<PeerSignal, 'Waiting' | 'Running' | 'KvUse'>;

const histograms: Readonly<Record<QuantileSignal, HistogramName>> = {
  QuantileTimeToFirstToken: 'timeToFirstToken',
  QuantileInterTokenLatency: 'interTokenLatency',
  QuantileRequestLatency: 'requestLatency',
};

export function isQuantile(signal: PeerSignal): signal is QuantileSignal {
  return signal in histograms;
}

/** The histogram that a quantile is read from; `undefined`: the signal is no quantile. */
export function histogramOf(signal: PeerSignal): HistogramName | undefined {
  return isQuantile(signal) ? histograms[signal] : undefined;
}

/** Of the signals that are quantiles; absent: 95. */
export interface QuantileParameters {
  readonly quantilePercent?: number;
}

export type HpaMetricParameters =
  | ({
      readonly type: 'Value' | 'AverageValue';
      readonly signal: PeerSignal;
      readonly targetMilli: number;
    } & QuantileParameters)
  | { readonly type: 'Pods'; readonly signal: PodSignal; readonly targetMilli: number };

export interface HpaParameters {
  readonly syncSeconds: number;
  readonly tolerancePercent: number;
  readonly windowSeconds: number;
  readonly metrics: readonly HpaMetricParameters[];
  /** Absent: the rules of an HPA without `behavior`. */
  readonly behavior?: Behavior;
}

export type FallbackBehavior = 'static' | 'currentReplicas' | 'currentReplicasIfHigher' | 'currentReplicasIfLower';
export interface KedaFallback {
  readonly failureThreshold: number;
  readonly replicas: number;
  readonly behavior: FallbackBehavior;
}

export interface KedaParameters {
  readonly pollingSeconds: number;
  readonly cooldownSeconds: number;
  readonly tolerancePercent: number;
  readonly windowSeconds: number;
  /** True: a query without series reads 0. False: it is an error. */
  readonly ignoreNullValues: boolean;
  readonly triggers: readonly ({
    readonly signal: PeerSignal;
    readonly metricType: 'Value' | 'AverageValue';
    readonly thresholdMilli: number;
    readonly activationThresholdMilli: number;
  } & QuantileParameters)[];
  readonly fallback?: KedaFallback;
  readonly behavior?: Behavior;
}

export interface KnativeKpaParameters {
  readonly tickSeconds: number;
  readonly stableWindowSeconds: number;
  readonly panicWindowPercent: number;
  readonly panicThresholdPercent: number;
  /** Requests a replica holds at once, and the share of it that is aimed at. */
  readonly concurrency: number;
  readonly utilizationPercent: number;
  readonly maxScaleUpRate: number;
  readonly maxScaleDownRate: number;
  readonly scaleDownDelaySeconds: number;
  readonly scaleToZeroGraceSeconds: number;
  readonly activationScale: number;
  /** -1: the activator always stays in the path; 0: only at zero. */
  readonly targetBurstCapacity: number;
  readonly aggregation: 'Linear' | 'WeightedExponential';
}

export interface AibrixParameters {
  readonly tickSeconds: number;
  readonly signal: PodSignal;
  readonly targetMilli: number;
  readonly observeWindowSeconds: number;
  readonly maxScaleUpRate: number;
  readonly maxScaleDownRate: number;
  readonly tolerancePercent: number;
  readonly scaleUpCooldownSeconds: number;
  readonly scaleDownCooldownSeconds: number;
}
export interface AibrixKpaParameters extends AibrixParameters {
  readonly panicWindowSeconds: number;
  readonly panicThresholdPercent: number;
}

export interface WvaV1Parameters {
  readonly tickSeconds: number;
  /** Gauges are read as `max_over_time` of this window. */
  readonly windowSeconds: number;
  readonly kvCacheThresholdPercent: number;
  readonly queueLengthThreshold: number;
  readonly kvSpareTriggerPercent: number;
  readonly queueSpareTrigger: number;
  readonly minNonSaturated: number;
  readonly behavior: Behavior;
}
export interface WvaV2Parameters {
  readonly tickSeconds: number;
  /** Of the mean prompt and answer lengths. */
  readonly windowSeconds: number;
  readonly kvCacheThresholdPercent: number;
  readonly queueLengthThreshold: number;
  readonly scaleUpThresholdPercent: number;
  readonly scaleDownThresholdPercent: number;
  readonly maxBatchedTokens: number;
  readonly maxNumSeqs: number;
  /** `Zero`: as on vLLM, whose counter has a name that WVA does not ask for. */
  readonly prefixHits: 'Zero' | 'Measured';
  readonly behavior: Behavior;
}

export interface DynamoLoadParameters {
  readonly tickSeconds: number;
  readonly target: 'throughput' | 'latency';
  readonly windowSeconds: number;
  readonly minEndpoint: number;
}
export interface DynamoSlaParameters {
  readonly loadTickSeconds: number;
  readonly throughputTickSeconds: number;
  readonly mode: 'Load' | 'Throughput' | 'Hybrid';
  readonly predictor: 'constant' | 'kalman';
  readonly ttftMilliseconds: number;
  readonly itlMilliseconds: number;
  readonly sensitivityPercent: number;
  readonly minObservations: number;
  readonly maxSamples: number;
  readonly maxBatchedTokens: number;
  readonly minEndpoint: number;
  /** How far ahead the forecast looks; absent: one throughput interval, as Dynamo does. */
  readonly horizonSeconds?: number;
}

export interface KthenaStable {
  readonly instances: number;
  readonly percent: number;
  readonly periodSeconds: number;
  readonly selectPolicy: 'Or' | 'And';
  readonly stabilizationWindowSeconds: number;
}
export interface KthenaParameters {
  readonly tickSeconds: number;
  readonly tolerancePercent: number;
  /** Quantiles are P95 of each pod over 60 s, as coded. */
  readonly metrics: readonly { readonly signal: PodSignal | QuantileSignal; readonly targetMilli: number }[];
  readonly scaleUp: KthenaStable;
  readonly scaleDown: KthenaStable;
  readonly panic: {
    readonly percent: number;
    readonly periodSeconds: number;
    readonly thresholdPercent: number;
    readonly holdSeconds: number;
  };
}

export interface RayServeParameters {
  readonly tickSeconds: number;
  readonly targetOngoingRequests: number;
  readonly lookBackSeconds: number;
  readonly upscaleDelaySeconds: number;
  readonly downscaleDelaySeconds: number;
  readonly upscalingFactorPercent: number;
  readonly downscalingFactorPercent: number;
}

export interface KubeAiParameters {
  readonly intervalSeconds: number;
  readonly timeWindowSeconds: number;
  readonly targetRequests: number;
  readonly scaleDownDelaySeconds: number;
}

export interface SkyServeParameters {
  readonly decisionSeconds: number;
  readonly decisionAtZeroSeconds: number;
  readonly qpsWindowSeconds: number;
  readonly targetQpsMilli: number;
  readonly upscaleDelaySeconds: number;
  readonly downscaleDelaySeconds: number;
}

export interface BudScalerParameters {
  readonly tickSeconds: number;
  readonly metrics: readonly { readonly signal: PodSignal; readonly targetMilli: number }[];
  /** Its code divides 0.1 by 100 once more: 1. */
  readonly tolerancePermille: number;
  readonly lookAheadMinutes: number;
  readonly isPredicting: boolean;
  readonly startingPodWeightPercent: number;
  readonly maxStartingPodPercent: number;
  readonly scaleUpPods: number;
  readonly scaleDownPods: number;
  readonly scaleUpStabilizationSeconds: number;
  readonly scaleDownStabilizationSeconds: number;
}

/** Peers by the name of their algorithm. */
export interface PeerParameters {
  readonly Hpa: HpaParameters;
  readonly Keda: KedaParameters;
  readonly KnativeKpa: KnativeKpaParameters;
  readonly AibrixApa: AibrixParameters;
  readonly AibrixKpa: AibrixKpaParameters;
  readonly WvaV1: WvaV1Parameters;
  readonly WvaV2: WvaV2Parameters;
  readonly DynamoLoad: DynamoLoadParameters;
  readonly DynamoSla: DynamoSlaParameters;
  readonly Kthena: KthenaParameters;
  readonly RayServe: RayServeParameters;
  readonly KubeAi: KubeAiParameters;
  readonly SkyServe: SkyServeParameters;
  readonly BudScaler: BudScalerParameters;
}
