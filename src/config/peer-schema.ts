import type { PeerParameters } from '../core/model/peer-parameters.ts';
import { behavior, listOf, maxInt32, oneOf, whole, whollyClosed, withDefault } from './schema-parts.ts';

const seconds = whole(1, 86_400);
const secondsOrNone = whole(0, 86_400);
const percent = whole(0, 100_000);
const milli = whole(1, maxInt32);
const count = whole(0, maxInt32);
const some = whole(1, maxInt32);

const podSignals = ['Waiting', 'Running', 'KvUse'];
const podSignal = oneOf(...podSignals);
const quantileSignals = ['QuantileTimeToFirstToken', 'QuantileInterTokenLatency', 'QuantileRequestLatency'];
const signal = oneOf(
  ...podSignals,
  'WaitingSeries',
  'OutputTokenRate',
  'PromptTokenRate',
  'MeanTimeToFirstToken',
  ...quantileSignals,
);
const quantilePercent = whole(1, 100);
const podMetric = whollyClosed({ signal: podSignal, targetMilli: milli });

const aibrix = {
  tickSeconds: seconds,
  signal: podSignal,
  targetMilli: milli,
  observeWindowSeconds: whole(1, 3600),
  maxScaleUpRate: some,
  maxScaleDownRate: some,
  tolerancePercent: percent,
  scaleUpCooldownSeconds: secondsOrNone,
  scaleDownCooldownSeconds: secondsOrNone,
};

const kthenaStable = whollyClosed({
  instances: count,
  percent,
  periodSeconds: secondsOrNone,
  selectPolicy: oneOf('Or', 'And'),
  stabilizationWindowSeconds: secondsOrNone,
});

/** Every peer's settings: all must be written, for a file says what the peer's defaults are. */
export const peerSchemas: Readonly<Record<keyof PeerParameters, object>> = {
  Hpa: whollyClosed(
    {
      syncSeconds: seconds,
      tolerancePercent: whole(0, 1000),
      windowSeconds: withDefault(1, 3600, 60),
      metrics: listOf(
        {
          type: 'object',
          required: ['type'],
          discriminator: { propertyName: 'type' },
          oneOf: [
            whollyClosed({ type: oneOf('Value', 'AverageValue'), signal, targetMilli: milli, quantilePercent }, [
              'quantilePercent',
            ]),
            whollyClosed({ type: oneOf('Pods'), signal: podSignal, targetMilli: milli }),
          ],
        },
        8,
      ),
      behavior,
    },
    ['behavior', 'windowSeconds'],
  ),
  Keda: whollyClosed(
    {
      pollingSeconds: seconds,
      cooldownSeconds: secondsOrNone,
      tolerancePercent: whole(0, 1000),
      windowSeconds: withDefault(1, 3600, 60),
      ignoreNullValues: { type: 'boolean', default: true },
      triggers: listOf(
        whollyClosed(
          {
            signal,
            metricType: oneOf('Value', 'AverageValue'),
            thresholdMilli: milli,
            activationThresholdMilli: withDefault(0, maxInt32, 0),
            quantilePercent,
          },
          ['activationThresholdMilli', 'quantilePercent'],
        ),
        8,
      ),
      fallback: whollyClosed({
        failureThreshold: count,
        replicas: count,
        behavior: oneOf('static', 'currentReplicas', 'currentReplicasIfHigher', 'currentReplicasIfLower'),
      }),
      behavior,
    },
    ['behavior', 'fallback', 'windowSeconds', 'ignoreNullValues'],
  ),
  KnativeKpa: whollyClosed({
    tickSeconds: seconds,
    stableWindowSeconds: whole(6, 3600),
    panicWindowPercent: whole(1, 100),
    panicThresholdPercent: whole(110, 1000),
    concurrency: some,
    utilizationPercent: whole(1, 100),
    maxScaleUpRate: whole(2, maxInt32),
    maxScaleDownRate: whole(2, maxInt32),
    scaleDownDelaySeconds: whole(0, 3600),
    scaleToZeroGraceSeconds: whole(6, 3600),
    activationScale: some,
    targetBurstCapacity: whole(-1, maxInt32),
    aggregation: oneOf('Linear', 'WeightedExponential'),
  }),
  AibrixApa: whollyClosed(aibrix),
  AibrixKpa: whollyClosed({ ...aibrix, panicWindowSeconds: whole(1, 3600), panicThresholdPercent: percent }),
  WvaV1: whollyClosed({
    tickSeconds: seconds,
    windowSeconds: seconds,
    kvCacheThresholdPercent: whole(1, 100),
    queueLengthThreshold: some,
    kvSpareTriggerPercent: whole(0, 100),
    queueSpareTrigger: count,
    minNonSaturated: some,
    behavior,
  }),
  WvaV2: whollyClosed({
    tickSeconds: seconds,
    windowSeconds: seconds,
    kvCacheThresholdPercent: whole(1, 100),
    queueLengthThreshold: some,
    scaleUpThresholdPercent: whole(1, 100),
    scaleDownThresholdPercent: whole(1, 100),
    maxBatchedTokens: some,
    maxNumSeqs: some,
    prefixHits: oneOf('Zero', 'Measured'),
    behavior,
  }),
  DynamoLoad: whollyClosed({
    tickSeconds: seconds,
    target: oneOf('throughput', 'latency'),
    windowSeconds: seconds,
    minEndpoint: count,
  }),
  DynamoSla: whollyClosed(
    {
      loadTickSeconds: seconds,
      throughputTickSeconds: seconds,
      mode: oneOf('Load', 'Throughput', 'Hybrid'),
      predictor: oneOf('constant', 'kalman'),
      ttftMilliseconds: some,
      itlMilliseconds: some,
      sensitivityPercent: whole(1, 100),
      minObservations: some,
      maxSamples: some,
      maxBatchedTokens: some,
      minEndpoint: count,
      horizonSeconds: seconds,
    },
    ['horizonSeconds'],
  ),
  Kthena: whollyClosed({
    tickSeconds: seconds,
    tolerancePercent: percent,
    metrics: listOf(whollyClosed({ signal: oneOf(...podSignals, ...quantileSignals), targetMilli: milli }), 8),
    scaleUp: kthenaStable,
    scaleDown: kthenaStable,
    panic: whollyClosed({
      percent,
      periodSeconds: secondsOrNone,
      thresholdPercent: percent,
      holdSeconds: secondsOrNone,
    }),
  }),
  RayServe: whollyClosed({
    tickSeconds: seconds,
    targetOngoingRequests: some,
    lookBackSeconds: seconds,
    upscaleDelaySeconds: secondsOrNone,
    downscaleDelaySeconds: secondsOrNone,
    upscalingFactorPercent: some,
    downscalingFactorPercent: some,
  }),
  KubeAi: whollyClosed({
    intervalSeconds: seconds,
    timeWindowSeconds: seconds,
    targetRequests: some,
    scaleDownDelaySeconds: secondsOrNone,
  }),
  SkyServe: whollyClosed({
    decisionSeconds: seconds,
    decisionAtZeroSeconds: seconds,
    qpsWindowSeconds: seconds,
    targetQpsMilli: milli,
    upscaleDelaySeconds: secondsOrNone,
    downscaleDelaySeconds: secondsOrNone,
  }),
  BudScaler: whollyClosed({
    tickSeconds: seconds,
    metrics: listOf(podMetric, 8),
    tolerancePermille: percent,
    lookAheadMinutes: some,
    isPredicting: { type: 'boolean' },
    startingPodWeightPercent: whole(0, 100),
    maxStartingPodPercent: whole(0, 100),
    scaleUpPods: some,
    scaleDownPods: some,
    scaleUpStabilizationSeconds: secondsOrNone,
    scaleDownStabilizationSeconds: secondsOrNone,
  }),
};
