import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCrds, schemaOf } from '../support/generate.ts';
import { rulesIn } from '../support/rules.ts';
import type { Answer } from './support/api.ts';
import { connect, kubectl, makeNamespace, yaml } from './support/bed.ts';
import { applyDeploy } from './support/deploy.ts';

/** Good and bad objects for every rule of the custom resources, judged by the real API server. */
const api = connect();
const ns = 'crds';
const served = '/apis/forewarm.dev/v1alpha1';

type Fields = Readonly<Record<string, unknown>>;
interface Kind {
  readonly path: string;
  readonly good: (change: Fields) => Fields;
}
const target = { scaleTargetRef: { name: 'chat' }, maxReplicas: 8 };
const other = { scaleTargetRef: { name: 'other' }, maxReplicas: 8 };
const pool = { selector: { matchLabels: { app: 'chat' } } };
const roles = {
  pool,
  targets: [
    { ...target, role: 'Prefill' },
    { ...other, role: 'Decode' },
  ],
};

const kinds = {
  InferenceAutoscaler: {
    path: `${served}/namespaces/${ns}/inferenceautoscalers`,
    good: (change) => object('InferenceAutoscaler', 'chat', { targets: [target], ...change }),
  },
  ModelArtifact: {
    path: `${served}/namespaces/${ns}/modelartifacts`,
    good: (change) => object('ModelArtifact', 'llama', { source: 'hf://org/llama', ...change }),
  },
  NodeCache: {
    path: `${served}/nodecaches`,
    good: (change) => object('NodeCache', 'node-1', { node: 'node-1', ...change }),
  },
  PoolCheckpoint: {
    path: `${served}/namespaces/${ns}/poolcheckpoints`,
    good: (change) =>
      object('PoolCheckpoint', 'chat', {
        autoscalerRef: { name: 'chat' },
        savedTime: '2026-01-01T00:00:00Z',
        formatVersion: 1,
        learned: 'e30=',
        ...change,
      }),
  },
  ScalingPolicy: {
    path: `${served}/scalingpolicies`,
    good: (change) => object('ScalingPolicy', 'mine', { ...change }),
  },
} satisfies Readonly<Record<string, Kind>>;
type KindName = keyof typeof kinds;

function object(kind: string, name: string, spec: Fields): Fields {
  return { apiVersion: 'forewarm.dev/v1alpha1', kind, metadata: { name }, spec };
}

/** Asks the API server to judge without keeping anything; unknown fields are refused as kubectl does. */
async function judge(kind: KindName, change: Fields): Promise<Answer> {
  const { path, good } = kinds[kind];
  return await api.call('POST', `${path}?dryRun=All&fieldValidation=Strict`, good(change));
}

beforeAll(async () => {
  await applyDeploy(api);
  await makeNamespace(api, ns);
});
afterAll(async () => {
  await api.delete(`${kinds.InferenceAutoscaler.path}/shown`);
  await api.close();
});

const accepted: Readonly<Record<string, readonly [KindName, Fields]>> = {
  'a target and a maximum': ['InferenceAutoscaler', {}],
  'everything at once': [
    'InferenceAutoscaler',
    {
      mode: 'Scale',
      pool,
      targets: [
        { ...target, name: 'a', role: 'Prefill', minReplicas: 0, costPerReplicaHour: '2.49', gpusPerReplica: 8 },
        { ...other, role: 'Decode', costPerReplicaHour: 3, engineProfile: 'llama-3.1-8b-h100' },
      ],
      prefillPerDecode: { min: '0.25', max: 2 },
      objectives: {
        timeToFirstToken: { percentile: 95, milliseconds: 2000 },
        interTokenLatency: { milliseconds: 50 },
        attainmentPercent: 99,
      },
      signals: {
        engine: 'VLLM',
        source: 'Prometheus',
        prometheus: { url: 'https://prometheus.monitoring.svc:9090/base' },
        port: 8000,
        path: '/metrics?x=1',
        scheme: 'HTTPS',
        scrapeIntervalSeconds: 15,
        gateway: { matchLabels: { app: 'epp' }, port: 9191, inferencePool: 'chat' },
      },
      behavior: {
        scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Min' },
        scaleDown: { selectPolicy: 'Disabled', policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] },
      },
      fallback: { replicas: 8, afterSeconds: 60 },
      schedules: [{ start: '0 8 * * 1-5', timeZone: 'Europe/Paris', durationSeconds: 36_000, replicas: 4 }],
      warmth: { mode: 'Act', modelArtifactRef: { name: 'llama' }, floorCopies: 1 },
      priority: 'high',
      paused: true,
      override: { replicas: 4, until: '2027-01-31T18:00:00+01:00' },
      policyRef: { name: 'balanced' },
    },
  ],
  'a pool by expressions': [
    'InferenceAutoscaler',
    { pool: { selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } } },
  ],
  'a pool by its InferencePool': ['InferenceAutoscaler', { pool: { inferencePoolRef: { name: 'p' } } }],
  'a target of another group': [
    'InferenceAutoscaler',
    {
      targets: [
        {
          ...target,
          scaleTargetRef: { apiVersion: 'leaderworkerset.x-k8s.io/v1', kind: 'LeaderWorkerSet', name: 'x' },
        },
      ],
    },
  ],
  'an artifact at a branch with a slash': ['ModelArtifact', { source: 'hf://org/name@refs/pr/1' }],
  'an artifact without an organisation, by patterns': [
    'ModelArtifact',
    { source: 'hf://gpt2@main', files: ['*.safetensors', 'sub/*.json', '..model'] },
  ],
  'a node cache with an assignment': [
    'NodeCache',
    {
      artifacts: [
        { hash: '0123456789ab', name: 'team-a/llama', source: 'hf://org/llama', commit: '0123abc', files: ['*.json'] },
      ],
    },
  ],
  'a checkpoint': ['PoolCheckpoint', {}],
  'a policy of defaults': ['ScalingPolicy', {}],
  'a policy with a recovery time': ['ScalingPolicy', { recoverySeconds: 45, paybackSeconds: 0 }],
};
for (const [name, [kind, change]] of Object.entries(accepted)) {
  test(`the API server accepts ${name} (${kind})`, async () => {
    const { status, body } = await judge(kind, change);
    expect(body.message).toBeUndefined();
    expect(status).toBe(201);
  });
}

interface Refused {
  readonly kind: KindName;
  readonly change: Fields;
  readonly says: string;
}
const autoscaler = (change: Fields, says: string): Refused => ({ kind: 'InferenceAutoscaler', change, says });
const oneTarget = (change: Fields, says: string): Refused => autoscaler({ targets: [{ ...target, ...change }] }, says);
const signals = (change: Fields, says: string): Refused => autoscaler({ signals: change }, says);
const prometheus = (url: string, says: string): Refused => signals({ source: 'Prometheus', prometheus: { url } }, says);
const artifact = (change: Fields, says: string): Refused => ({ kind: 'ModelArtifact', change, says });

const refused: Readonly<Record<string, Refused>> = {
  'no target': autoscaler({ targets: [] }, 'spec.targets'),
  'two targets without a pool': autoscaler({ targets: [target, other] }, '`pool` must be set'),
  'a fallback above the maximum': autoscaler({ fallback: { replicas: 9 } }, '`fallback.replicas` must be less than'),
  'a pool by nothing': autoscaler({ pool: {} }, 'must have exactly one of `selector` and `inferencePoolRef`'),
  'a pool by both': autoscaler(
    { pool: { ...pool, inferencePoolRef: { name: 'p' } } },
    'must have exactly one of `selector` and `inferencePoolRef`',
  ),
  'a selector that takes every pod': autoscaler(
    { pool: { selector: { matchLabels: {} } } },
    'must have at least one of `matchLabels` and `matchExpressions`',
  ),
  'an expression without values': autoscaler(
    { pool: { selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } } },
    '`values` must be given for In and NotIn',
  ),
  'two targets of one name': autoscaler(
    { pool, targets: [target, { ...other, name: 'chat' }] },
    'names must be unique',
  ),
  'two targets at one object': autoscaler(
    { pool, targets: [target, { ...target, name: 'b' }] },
    'every scaleTargetRef must be unique',
  ),
  'a minimum above the maximum': oneTarget({ minReplicas: 9 }, '`minReplicas` must be less than or equal to'),
  'a maximum of 0': oneTarget({ maxReplicas: 0 }, 'spec.targets[0].maxReplicas'),
  'a negative minimum': oneTarget({ minReplicas: -1 }, 'spec.targets[0].minReplicas'),
  'an unknown role': oneTarget({ role: 'Draft' }, 'spec.targets[0].role'),
  'a ratio without roles': autoscaler({ prefillPerDecode: { min: 1 } }, '`prefillPerDecode` must be absent while'),
  'a ratio without bounds': autoscaler({ ...roles, prefillPerDecode: {} }, 'spec.prefillPerDecode'),
  'a ratio of nothing': autoscaler({ ...roles, prefillPerDecode: { max: 0 } }, 'must be a quantity above 0'),
  'a ratio in words': autoscaler({ ...roles, prefillPerDecode: { min: 'one' } }, 'must be a quantity of at least 0'),
  'a ratio upside down': autoscaler(
    { ...roles, prefillPerDecode: { min: '2.5', max: 2 } },
    '`min` must be less than or equal to `max`',
  ),
  'a negative cost': oneTarget({ costPerReplicaHour: '-1' }, 'must be a quantity of at least 0'),
  'a negative whole cost': oneTarget({ costPerReplicaHour: -1 }, 'must be a quantity of at least 0'),
  'a cost in words': oneTarget({ costPerReplicaHour: 'cheap' }, 'must be a quantity of at least 0'),
  'a cost as a floating number': oneTarget({ costPerReplicaHour: 2.5 }, 'costPerReplicaHour'),
  'an unknown mode': autoscaler({ mode: 'Act' }, 'spec.mode'),
  'an unknown field': autoscaler({ replicas: 3 }, 'unknown field "spec.replicas"'),
  'a percentile of 100': autoscaler(
    { objectives: { timeToFirstToken: { percentile: 100, milliseconds: 1 } } },
    'spec.objectives.timeToFirstToken.percentile',
  ),
  'a gateway of any pod': signals({ gateway: { port: 9090 } }, 'spec.signals.gateway.matchLabels'),
  'a gateway without a label': signals({ gateway: { matchLabels: {} } }, 'spec.signals.gateway.matchLabels'),
  'Prometheus without an address': signals({ source: 'Prometheus' }, '`prometheus` must be set'),
  'an address of another scheme': prometheus('ftp://prometheus', 'must be an http or https address'),
  'an address that is none': prometheus('prometheus:9090', 'must be an http or https address'),
  'an address with a password': prometheus('http://me:secret@prometheus', 'must have no user name, query or fragment'),
  'a port out of range': signals({ port: 65_536 }, 'spec.signals.port'),
  'a relative path': signals({ path: 'metrics' }, 'spec.signals.path'),
  'a rate over half an hour': autoscaler(
    { behavior: { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 1801 }] } } },
    'periodSeconds',
  ),
  'an empty list of rates': autoscaler({ behavior: { scaleDown: { policies: [] } } }, 'spec.behavior.scaleDown'),
  'Act without an artifact': autoscaler({ warmth: { mode: 'Act' } }, '`modelArtifactRef` must be set'),
  'an override without an end': autoscaler({ override: { replicas: 1 } }, 'spec.override.until'),
  'an override until a time without a zone': autoscaler(
    { override: { replicas: 1, until: '2027-01-31T18:00:00' } },
    'must be of type date-time',
  ),
  'an override until tomorrow': autoscaler({ override: { replicas: 1, until: 'tomorrow' } }, 'spec.override.until'),
  'an artifact of another scheme': artifact({ source: 's3://bucket/name' }, "must start with 'hf://'"),
  'an artifact of three parts': artifact({ source: 'hf://a/b/c' }, "must have the form 'hf://org/name'"),
  'an artifact that climbs': artifact({ source: 'hf://org/name@a/../b' }, "must not contain '..'"),
  'a pattern that climbs': artifact({ files: ['a/../b'] }, "must be relative, without '.' or '..'"),
  'an absolute pattern': artifact({ files: ['/etc/passwd'] }, 'spec.files[0]'),
  'a node cache of another name': {
    kind: 'NodeCache',
    change: { node: 'node-2' },
    says: '`metadata.name` must be equal to `spec.node`',
  },
  'a hash that is none': {
    kind: 'NodeCache',
    change: { artifacts: [{ hash: 'xyz', name: 'a/b', source: 'hf://a/b', commit: '0123abc' }] },
    says: 'spec.artifacts[0].hash',
  },
  'an artifact assigned twice': {
    kind: 'NodeCache',
    change: {
      artifacts: [1, 2].map(() => ({ hash: '0123456789ab', name: 'a/b', source: 'hf://a/b', commit: '0123abc' })),
    },
    says: 'Duplicate value',
  },
  'a checkpoint of another name': {
    kind: 'PoolCheckpoint',
    change: { autoscalerRef: { name: 'b' } },
    says: '`metadata.name` must be equal to `spec.autoscalerRef.name`',
  },
  'a checkpoint that is too large': {
    kind: 'PoolCheckpoint',
    change: { learned: 'A'.repeat(87_388) },
    says: 'spec.learned',
  },
  'a warm start slower than a cold one': {
    kind: 'ScalingPolicy',
    change: { initialLeadTimeWarmSeconds: 200 },
    says: '`initialLeadTimeWarmSeconds` must be less than or equal to',
  },
  'a quantile of 100': {
    kind: 'ScalingPolicy',
    change: { provisioningQuantilePercent: 100 },
    says: 'spec.provisioningQuantilePercent',
  },
};
for (const [name, { kind, change, says }] of Object.entries(refused)) {
  test(`the API server refuses ${name} (${kind})`, async () => {
    const { status, body } = await judge(kind, change);
    expect(body.message ?? '').toContain(says);
    expect([400, 422]).toContain(status);
  });
}

test('every rule of the custom resources has an object that it refuses', () => {
  const tried = Object.values(refused).map(({ says }) => says);
  const rules = readCrds().flatMap((crd) => rulesIn(schemaOf(crd)).map(({ message }) => message));
  expect(rules.length).toBeGreaterThan(12);
  expect(rules.filter((message) => !tried.some((says) => message.startsWith(says)))).toStrictEqual([]);
});

test('an object of nine lines is served with its defaults, and kubectl shows it', async () => {
  const text = [
    'apiVersion: forewarm.dev/v1alpha1',
    'kind: InferenceAutoscaler',
    'metadata:',
    '  name: shown',
    'spec:',
    '  targets:',
    '    - scaleTargetRef:',
    '        name: chat',
    '      maxReplicas: 8',
  ];
  await api.create(kinds.InferenceAutoscaler.path, yaml(text.join('\n')));
  const kept = await api.get(`${kinds.InferenceAutoscaler.path}/shown`);
  expect(kept.spec).toStrictEqual({
    mode: 'Observe',
    paused: false,
    targets: [
      {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' },
        role: 'Both',
        minReplicas: 1,
        maxReplicas: 8,
      },
    ],
    objectives: { attainmentPercent: 99 },
    signals: { engine: 'Auto', source: 'Pods', path: '/metrics', scheme: 'HTTP' },
    warmth: { mode: 'Plan', floorCopies: 0 },
  });
  await api.patch(`${kinds.InferenceAutoscaler.path}/shown/status`, {
    status: {
      minReplicas: 1,
      maxReplicas: 8,
      currentReplicas: 2,
      desiredReplicas: 3,
      safety: { anything: { at: [1, 'two'] } },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'DemandMet',
          message: '',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    },
  });
  const [head, row] = kubectl(['-n', ns, 'get', 'ia', 'shown']).trim().split('\n');
  expect(head?.split(/\s+/)).toStrictEqual([
    'NAME',
    'MODE',
    'TARGET',
    'MIN',
    'MAX',
    'CURRENT',
    'DESIRED',
    'READY',
    'AGE',
  ]);
  expect(row?.split(/\s+/).slice(0, -1)).toStrictEqual(['shown', 'Observe', 'chat', '1', '8', '2', '3', 'True']);
  const after = await api.get(`${kinds.InferenceAutoscaler.path}/shown`);
  expect(after.status?.['safety']).toStrictEqual({ anything: { at: [1, 'two'] } });
  expect(kubectl(['-n', ns, 'get', 'autoscaling', '-o', 'name'])).toContain('inferenceautoscaler.forewarm.dev/shown');
});

test('a status that is written through the object is ignored, and spec through the status', async () => {
  const path = `${kinds.InferenceAutoscaler.path}/shown`;
  const before = await api.get(path);
  await api.patch(`${path}/status`, { spec: { mode: 'Scale' } });
  await api.patch(path, { status: { desiredReplicas: 7 } });
  const after = await api.get(path);
  expect(after.spec).toStrictEqual(before.spec);
  expect(after.status).toStrictEqual(before.status);
});
