import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CodecContext, danglingReferences, toPoolPolicy, toScalingPreset } from '../../../src/config/codec.ts';
import type { InferenceAutoscaler, InferenceAutoscalerSpec, ModelArtifact } from '../../../src/core/model/api.gen.ts';
import { defaultBehavior, type PoolPolicy } from '../../../src/core/model/policy.ts';
import type { EngineProfile } from '../../../src/core/model/profile.ts';
import { instant } from '../../../src/core/model/units.ts';

const now = instant(Date.parse('2026-01-01T12:00:00Z'));
const profile: EngineProfile = {
  name: 'small',
  alpha: 4,
  w: 5,
  beta: 0.01,
  gamma: 0.0001,
  delta: 0.01,
  kappa: 0.1,
  gq: 0,
  tau0: 5,
  kvCapacityTokens: 100_000,
  blockTokens: 16,
  maxNumSeqs: 256,
  maxBatchedTokens: 8192,
  gpusPerReplica: 4,
  weightsBytes: 16e9,
  validity: 'a test',
  isValidated: false,
};
const context: CodecContext = { now, profiles: new Map([['small', profile]]), templateGpus: new Map() };
const artifact: ModelArtifact = {
  apiVersion: 'forewarm.dev/v1alpha1',
  kind: 'ModelArtifact',
  metadata: { name: 'llama', namespace: 'team-a' },
  spec: { source: 'hf://org/llama@main' },
  status: { commit: 'abc1234', hash: '0123456789ab', totalBytes: 16_000 },
};
const minimal: InferenceAutoscalerSpec = { targets: [{ scaleTargetRef: { name: 'chat' }, maxReplicas: 8 }] };

function autoscaler(spec: Partial<InferenceAutoscalerSpec> = {}): InferenceAutoscaler {
  return {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'InferenceAutoscaler',
    metadata: { name: 'chat', namespace: 'team-a' },
    spec: { ...minimal, ...spec },
  };
}
function policyOf(spec: Partial<InferenceAutoscalerSpec>, seen: Partial<CodecContext> = {}): PoolPolicy {
  const result = toPoolPolicy(autoscaler(spec), { ...context, ...seen });
  if (!result.ok) throw new Error(JSON.stringify(result.problem));
  return result.value;
}

test('a target and a maximum are enough: it observes, from 1, with the HPA defaults and the balanced tunables', () => {
  expect(policyOf({})).toStrictEqual({
    mode: 'Observe',
    paused: false,
    targets: [{ target: 'chat', minReplicas: 1, maxReplicas: 8, gpusPerReplica: 1 }],
    objectives: { attainmentPercent: 99 },
    behavior: defaultBehavior,
    warmth: { mode: 'Plan', floorCopies: 0 },
    tunables: {
      tickSeconds: 15,
      provisioningQuantile: 0.95,
      initialLeadTimeColdSeconds: 180,
      initialLeadTimeWarmSeconds: 60,
      paybackSeconds: 300,
      kvHighRatio: 0.9,
      targetUtilization: 0.9,
      consolidationUtilization: 0.8,
    },
  });
});

test('every field that is given arrives', () => {
  const full = policyOf(
    {
      mode: 'Scale',
      paused: true,
      targets: [
        { name: 'a', scaleTargetRef: { name: 'chat' }, minReplicas: 0, maxReplicas: 4, engineProfile: 'small' },
      ],
      objectives: {
        timeToFirstToken: { percentile: 90, milliseconds: 2000 },
        interTokenLatency: { milliseconds: 50 },
        attainmentPercent: 95,
      },
      fallback: { replicas: 2 },
      warmth: { mode: 'Act', modelArtifactRef: { name: 'llama' }, floorCopies: 2 },
      override: { replicas: 3, until: '2026-01-01T13:00:00+00:30' },
    },
    { artifact },
  );
  expect(full).toMatchObject({
    mode: 'Scale',
    paused: true,
    targets: [{ target: 'a', minReplicas: 0, maxReplicas: 4, gpusPerReplica: 4, profile }],
    objectives: {
      timeToFirstToken: { percentile: 90, milliseconds: 2000 },
      interTokenLatency: { percentile: 95, milliseconds: 50 },
      attainmentPercent: 95,
    },
    fallback: { replicas: 2, afterSeconds: 180 },
    warmth: {
      mode: 'Act',
      floorCopies: 2,
      artifact: { hash: '0123456789ab', name: 'team-a/llama@abc1234', bytes: 16_000 },
    },
    override: { replicas: 3, until: Date.parse('2026-01-01T12:30:00Z') },
  });
});

test('the ratio of roles is read as numbers, each bound by itself', () => {
  const ratioOf = (prefillPerDecode: NonNullable<InferenceAutoscalerSpec['prefillPerDecode']>): unknown =>
    policyOf({ ...roles, prefillPerDecode }).prefillPerDecode;
  expect(ratioOf({ min: '250m', max: 2 })).toStrictEqual({ min: 0.25, max: 2 });
  expect(ratioOf({ max: '1.5' })).toStrictEqual({ max: 1.5 });
  expect(policyOf(roles).prefillPerDecode).toBeUndefined();
});

test('GPUs of a replica come from the target, else from its pod template, else from its profile', () => {
  const target = { scaleTargetRef: { name: 'chat' }, maxReplicas: 8, engineProfile: 'small' };
  const templateGpus = new Map([['chat', 2]]);
  expect(policyOf({ targets: [{ ...target, gpusPerReplica: 8 }] }, { templateGpus }).targets[0]?.gpusPerReplica).toBe(
    8,
  );
  expect(policyOf({ targets: [target] }, { templateGpus }).targets[0]?.gpusPerReplica).toBe(2);
  expect(policyOf({ targets: [target] }).targets[0]?.gpusPerReplica).toBe(4);
});

test('behavior is completed field by field as an HPA does it', () => {
  const behavior = policyOf({
    behavior: {
      scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
      scaleDown: { selectPolicy: 'Disabled' },
    },
  }).behavior;
  expect(behavior).toStrictEqual({
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }],
    },
    scaleDown: { ...defaultBehavior.scaleDown, selectPolicy: 'Disabled' },
  });
});

test('a scaling policy gives tunables, and behavior where the autoscaler is silent', () => {
  const slowDown = { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: 900 };
  const preset = toScalingPreset({
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'ScalingPolicy',
    metadata: { name: 'slow', uid: 'u', generation: 2 },
    spec: { tickSeconds: 5, recoverySeconds: 45, behavior: { ...defaultBehavior, scaleDown: slowDown } },
  });
  if (!preset.ok) throw new Error(JSON.stringify(preset.problem));
  const policy = policyOf({ behavior: { scaleDown: { selectPolicy: 'Min' } } }, { policy: preset.value });
  expect(policy.tunables).toMatchObject({ tickSeconds: 5, recoverySeconds: 45, paybackSeconds: 300 });
  expect(policy.behavior.scaleDown).toMatchObject({ stabilizationWindowSeconds: 900, selectPolicy: 'Min' });
});

test('a scaling policy out of range is a problem that names the field', () => {
  const preset = toScalingPreset({
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'ScalingPolicy',
    metadata: { name: 'x' },
    spec: { kvHighPercent: 101 },
  });
  expect(preset).toStrictEqual({
    ok: false,
    problem: { field: 'spec.kvHighPercent', seen: '101', allowed: 'at most 100' },
  });
});

test('reading a scaling policy leaves the object as it was', () => {
  const object = {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'ScalingPolicy',
    metadata: { name: 'x' },
    spec: Object.freeze({}),
  };
  expect(toScalingPreset(object).ok).toBe(true);
  expect(object.spec).toStrictEqual({});
});

test('an override that has ended is none', () => {
  expect(policyOf({ override: { replicas: 3, until: '2026-01-01T12:00:00Z' } })).not.toHaveProperty('override');
});

test('an artifact whose revision is not resolved yet is not warmed', () => {
  const unresolved: ModelArtifact = { ...artifact, status: {} };
  const warmth = { mode: 'Act', modelArtifactRef: { name: 'llama' } } as const;
  expect(policyOf({ warmth }, { artifact: unresolved }).warmth).toStrictEqual({ mode: 'Act', floorCopies: 0 });
  expect(danglingReferences(autoscaler({ warmth }), { ...context, artifact: unresolved })).toStrictEqual([]);
});

test('a pool that may go to zero and has no gateway is told that it will not', () => {
  const targets = [{ scaleTargetRef: { name: 'chat' }, minReplicas: 0, maxReplicas: 8 }];
  expect(danglingReferences(autoscaler({ targets }), context)).toStrictEqual([
    {
      field: 'spec.signals.gateway',
      seen: 'undefined',
      allowed: 'set where `minReplicas` is 0: without a queue that wakes it the last replica stays',
    },
  ]);
  const signals = { gateway: { matchLabels: { app: 'epp' } } };
  expect(danglingReferences(autoscaler({ targets, signals }), context)).toStrictEqual([]);
});

test('a name that leads nowhere is told and does not stop the pool', () => {
  const spec = {
    policyRef: { name: 'gone' },
    warmth: { modelArtifactRef: { name: 'llama' } },
    targets: [{ scaleTargetRef: { name: 'chat' }, maxReplicas: 8, engineProfile: 'huge' }],
  };
  expect(policyOf(spec).targets[0]).not.toHaveProperty('profile');
  expect(danglingReferences(autoscaler(spec), context)).toStrictEqual([
    { field: 'spec.policyRef.name', seen: '"gone"', allowed: 'the name of an existing ScalingPolicy' },
    {
      field: 'spec.warmth.modelArtifactRef.name',
      seen: '"llama"',
      allowed: 'the name of an existing ModelArtifact of the same namespace',
    },
    { field: 'spec.targets[0].engineProfile', seen: '"huge"', allowed: 'one of small, or absent' },
  ]);
});

const target = { scaleTargetRef: { name: 'chat' }, maxReplicas: 4 };
const roles: Pick<InferenceAutoscalerSpec, 'pool' | 'targets'> = {
  pool: { selector: { matchLabels: { app: 'chat' } } },
  targets: [
    { ...target, name: 'prefill', role: 'Prefill' },
    { ...target, name: 'decode', role: 'Decode' },
  ],
};
const refused: Readonly<
  Record<string, { readonly spec: Partial<InferenceAutoscalerSpec>; readonly field: string; readonly allowed: string }>
> = {
  'a minimum above the maximum': {
    spec: { targets: [{ ...target, minReplicas: 5 }] },
    field: 'spec.targets[0].minReplicas',
    allowed: 'less than or equal to `maxReplicas` (4)',
  },
  'a default minimum above a maximum of 0': {
    spec: { targets: [{ ...target, maxReplicas: 0 }] },
    field: 'spec.targets[0].maxReplicas',
    allowed: 'an integer from 1 to 100000',
  },
  'a fraction of a replica': {
    spec: { targets: [{ ...target, maxReplicas: 2.5 }] },
    field: 'spec.targets[0].maxReplicas',
    allowed: 'an integer from 1 to 100000',
  },
  'two targets of one name': {
    spec: { pool: { selector: { matchLabels: { app: 'chat' } } }, targets: [target, target] },
    field: 'spec.targets[1].name',
    allowed: 'unique among the targets',
  },
  'two targets without a pool': {
    spec: { targets: [target, { ...target, name: 'b' }] },
    field: 'spec.pool',
    allowed: 'set when there is more than one target',
  },
  'no target': { spec: { targets: [] }, field: 'spec.targets', allowed: 'a list of at least one target' },
  'decode without prefill': {
    spec: { targets: [{ ...target, role: 'Decode' }] },
    field: 'spec.targets[].role',
    allowed: 'Both of every target, or Prefill of at least one and Decode of all others',
  },
  'a ratio of roles that nothing has': {
    spec: { prefillPerDecode: { min: 1 } },
    field: 'spec.prefillPerDecode',
    allowed: 'absent while no target has the role Prefill',
  },
  'a ratio below nothing': {
    spec: { ...roles, prefillPerDecode: { min: '-1' } },
    field: 'spec.prefillPerDecode.min',
    allowed: "a quantity of at least 0, as '0.5'",
  },
  'a largest ratio of nothing': {
    spec: { ...roles, prefillPerDecode: { max: 0 } },
    field: 'spec.prefillPerDecode.max',
    allowed: "a quantity above 0, as '2'",
  },
  'a ratio upside down': {
    spec: { ...roles, prefillPerDecode: { min: '2.5', max: 2 } },
    field: 'spec.prefillPerDecode.min',
    allowed: 'at most `max` (2)',
  },
  'a schedule of a target that is none': {
    spec: { schedules: [{ start: '0 8 * * *', durationSeconds: 60, replicas: 1, target: 'other' }] },
    field: 'spec.schedules[0].target',
    allowed: 'one of chat, or absent',
  },
  'a schedule in a zone that is none': {
    spec: { schedules: [{ start: '0 8 * * *', durationSeconds: 60, replicas: 1, timeZone: 'Mars/Base' }] },
    field: 'spec.schedules[0].timeZone',
    allowed: "the IANA name of a time zone, as 'Europe/Paris'",
  },
  'a fallback above the maximum': {
    spec: { fallback: { replicas: 9 } },
    field: 'spec.fallback.replicas',
    allowed: "less than or equal to `maxReplicas` of target 'chat' (8)",
  },
  'an override until a time without a zone': {
    spec: { override: { replicas: 1, until: '2026-01-01T12:00:00' } },
    field: 'spec.override.until',
    allowed: "an RFC 3339 time with a zone, as '2027-01-31T18:00:00Z'",
  },
  'an override until a day that does not exist': {
    spec: { override: { replicas: 1, until: '2026-13-01T12:00:00Z' } },
    field: 'spec.override.until',
    allowed: "an RFC 3339 time with a zone, as '2027-01-31T18:00:00Z'",
  },
  'a percentile of 100': {
    spec: { objectives: { timeToFirstToken: { percentile: 100, milliseconds: 1 } } },
    field: 'spec.objectives.timeToFirstToken.percentile',
    allowed: 'an integer from 1 to 99',
  },
  'an empty list of rates': {
    spec: { behavior: { scaleDown: { policies: [] } } },
    field: 'spec.behavior.scaleDown.policies',
    allowed: 'absent or a list of at least one policy',
  },
  'a rate over two hours': {
    spec: { behavior: { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 7200 }] } } },
    field: 'spec.behavior.scaleUp.policies[0].periodSeconds',
    allowed: 'an integer from 1 to 1800',
  },
  'Prometheus without an address': {
    spec: { signals: { source: 'Prometheus' } },
    field: 'spec.signals.prometheus',
    allowed: 'set when `source` is Prometheus',
  },
};
for (const [name, { spec, field, allowed }] of Object.entries(refused)) {
  test(`the codec refuses ${name}`, () => {
    const result = toPoolPolicy(autoscaler(spec), context);
    expect(result).toMatchObject({ ok: false, problem: { field, allowed } });
  });
}

test('whatever numbers stand in the bounds, a policy has 0 <= min <= max or there is a problem', () => {
  const number = fc.oneof(fc.integer({ min: -5, max: 20 }), fc.double(), fc.constant(2 ** 31));
  const check = fc.check(
    fc.property(number, number, number, (minReplicas, maxReplicas, override) => {
      const result = toPoolPolicy(
        autoscaler({
          targets: [{ ...target, minReplicas, maxReplicas }],
          override: { replicas: override, until: '2027-01-01T00:00:00Z' },
        }),
        context,
      );
      if (!result.ok) return result.problem.allowed.length > 0;
      const [made] = result.value.targets;
      return made !== undefined && 0 <= made.minReplicas && made.minReplicas <= made.maxReplicas;
    }),
    { numRuns: 5000, seed: 3 },
  );
  expect(check.counterexample).toBeNull();
});
