import type { AlgorithmName } from '../core/model/policy-definition.ts';
import { peerSchemas } from './peer-schema.ts';
import { behavior, closed, maxInt32, whole, withDefault } from './schema-parts.ts';

/** JSON schemas of the files in `policies/`. Defaults of a ScalingPolicy are those of `balanced` (docs/policies.md argues for each). */
const document = (kind: string, spec: object): object =>
  closed(
    {
      apiVersion: { type: 'string', const: 'forewarm.dev/v1alpha1' },
      kind: { type: 'string', const: kind },
      metadata: {
        type: 'object',
        properties: { name: { type: 'string', minLength: 1, maxLength: 253 } },
        required: ['name'],
      },
      spec,
    },
    ['apiVersion', 'kind', 'metadata', 'spec'],
  );

export const scalingPolicySchema: object = document(
  'ScalingPolicy',
  closed(
    {
      tickSeconds: withDefault(1, 300, 15),
      provisioningQuantilePercent: withDefault(50, 99, 95),
      recoverySeconds: whole(1, 3600),
      initialLeadTimeColdSeconds: withDefault(1, 7200, 180),
      initialLeadTimeWarmSeconds: withDefault(1, 7200, 60),
      paybackSeconds: withDefault(0, 86_400, 300),
      kvHighPercent: withDefault(1, 100, 90),
      targetUtilizationPercent: withDefault(1, 100, 90),
      consolidationUtilizationPercent: withDefault(1, 100, 80),
      behavior,
    },
    [],
  ),
);

const trigger = closed(
  {
    signal: { type: 'string', enum: ['PoolSaturation', 'RequestRunning'] },
    metricType: { type: 'string', enum: ['Value', 'AverageValue'] },
    thresholdMilli: whole(1, maxInt32),
    activationThresholdMilli: withDefault(0, maxInt32, 0),
  },
  ['signal', 'metricType', 'thresholdMilli'],
);

const parametersOf: Readonly<Record<AlgorithmName, object>> = {
  ...peerSchemas,
  Static: closed({ replicas: whole(0, maxInt32) }, []),
  HpaQueue: closed(
    {
      syncSeconds: whole(1, 3600),
      targetAverageMilli: whole(1, maxInt32),
      tolerancePercent: whole(0, 1000),
      behavior,
    },
    ['syncSeconds', 'targetAverageMilli', 'tolerancePercent'],
  ),
  KedaEpp: closed(
    {
      pollingSeconds: whole(1, 3600),
      cooldownSeconds: whole(0, 86_400),
      tolerancePercent: whole(0, 1000),
      queueDepthThreshold: whole(1, 100_000),
      kvUseThresholdPercent: whole(1, 100),
      triggers: { type: 'array', minItems: 1, maxItems: 2, items: trigger },
      behavior,
    },
    [
      'pollingSeconds',
      'cooldownSeconds',
      'tolerancePercent',
      'queueDepthThreshold',
      'kvUseThresholdPercent',
      'triggers',
    ],
  ),
};

export const algorithmNames: readonly string[] = Object.keys(parametersOf).toSorted();

export const simulatedPolicySchema: object = document('SimulatedPolicy', {
  type: 'object',
  required: ['algorithm'],
  discriminator: { propertyName: 'algorithm' },
  oneOf: Object.entries(parametersOf).map(([name, parameters]) =>
    closed({ algorithm: { type: 'string', const: name }, parameters }, ['algorithm', 'parameters']),
  ),
});
