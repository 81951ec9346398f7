/** JSON schemas of the files in `policies/`. Defaults of a ScalingPolicy are those of `balanced` (docs/policies.md argues for each). */
const whole = (minimum: number, maximum: number): object => ({ type: 'integer', minimum, maximum });
const withDefault = (minimum: number, maximum: number, fallback: number): object => ({
  ...whole(minimum, maximum),
  default: fallback,
});
const closed = (properties: Readonly<Record<string, object>>, required: readonly string[]): object => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
});

const rate = closed(
  {
    type: { type: 'string', enum: ['Pods', 'Percent'] },
    value: whole(1, 2_147_483_647),
    periodSeconds: whole(1, 1800),
  },
  ['type', 'value', 'periodSeconds'],
);
const rules = closed(
  {
    stabilizationWindowSeconds: whole(0, 3600),
    selectPolicy: { type: 'string', enum: ['Max', 'Min', 'Disabled'] },
    policies: { type: 'array', minItems: 1, maxItems: 16, items: rate },
  },
  ['stabilizationWindowSeconds', 'selectPolicy', 'policies'],
);
const behavior = closed({ scaleUp: rules, scaleDown: rules }, ['scaleUp', 'scaleDown']);

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
      targetUtilizationPercent: withDefault(1, 100, 80),
      consolidationUtilizationPercent: withDefault(1, 100, 70),
      behavior,
    },
    [],
  ),
);

const algorithm = (name: string, parameters: object): object =>
  closed({ algorithm: { type: 'string', const: name }, parameters }, ['algorithm', 'parameters']);

const trigger = closed(
  {
    signal: { type: 'string', enum: ['PoolSaturation', 'RequestRunning'] },
    metricType: { type: 'string', enum: ['Value', 'AverageValue'] },
    thresholdMilli: whole(1, 2_147_483_647),
    activationThresholdMilli: withDefault(0, 2_147_483_647, 0),
  },
  ['signal', 'metricType', 'thresholdMilli'],
);

export const simulatedPolicySchema: object = document('SimulatedPolicy', {
  type: 'object',
  required: ['algorithm'],
  discriminator: { propertyName: 'algorithm' },
  oneOf: [
    algorithm('Static', closed({ replicas: whole(0, 2_147_483_647) }, [])),
    algorithm(
      'HpaQueue',
      closed(
        {
          syncSeconds: whole(1, 3600),
          targetAverageMilli: whole(1, 2_147_483_647),
          tolerancePercent: whole(0, 1000),
          behavior,
        },
        ['syncSeconds', 'targetAverageMilli', 'tolerancePercent'],
      ),
    ),
    algorithm(
      'KedaEpp',
      closed(
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
    ),
  ],
});
