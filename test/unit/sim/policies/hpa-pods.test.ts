import { describe, expect, test } from 'vitest';
import { externalReplicas, Hpa } from '../../../../src/sim/policies/hpa.ts';
import { type PodOfMetric, podsReplicas, podState } from '../../../../src/sim/policies/hpa-pods.ts';
import { at } from '../../../support/builders.ts';
import { look, policyNamed, policyOf, times } from '../../../support/peer-policies.ts';

const tenth = { up: 0.1, down: 0.1 };
const running = (milli?: number): PodOfMetric =>
  milli === undefined ? { state: 'Running' } : { state: 'Running', milli: BigInt(milli) };
const pending: PodOfMetric = { state: 'Pending', milli: 100n };

interface Row {
  readonly pods: readonly PodOfMetric[];
  readonly target: number;
  readonly spec: number;
  readonly up?: number;
  readonly want: number | undefined;
}
const rows: Readonly<Record<string, Row>> = {
  'R5 up': { pods: [20_000, 10_000, 30_000].map(running), target: 15_000, spec: 3, want: 4 },
  'R6 readiness does not count, a hot unready pod does': {
    pods: [50_000, 10_000, 30_000].map(running),
    target: 15_000,
    spec: 3,
    want: 6,
  },
  'R7 the mean is an integer division': {
    pods: [50_000, 15_000, 30_000].map(running),
    target: 15_000,
    spec: 3,
    want: 7,
  },
  'R18 down': { pods: times(5, running(12_000)), target: 20_000, spec: 5, want: 3 },
  'R23 inside the tolerance': { pods: times(3, running(20_666)), target: 20_000, spec: 3, want: 3 },
  'R28 outside a tolerance of 1 percent upwards': {
    pods: times(3, running(20_666)),
    target: 20_000,
    spec: 3,
    up: 0.01,
    want: 4,
  },
  'R4 pods that end are ignored': {
    pods: [running(500), running(700), { state: 'Ignored', milli: 0n }, { state: 'Ignored' }],
    target: 300,
    spec: 2,
    want: 4,
  },
  'R17 Pending pods do not hold a decrease': {
    pods: [running(100), ...times(4, { state: 'Pending' } as const)],
    target: 500,
    spec: 5,
    want: 1,
  },
  'R30 missing pods damp a decrease: each counts as the target': {
    pods: [running(400), running(95), running(), running()],
    target: 1000,
    spec: 4,
    want: 3,
  },
  'R31 a missing pod at a ratio of 1 changes nothing': {
    pods: [running(1000), running()],
    target: 1000,
    spec: 2,
    want: 2,
  },
  'R31 a missing pod cancels an increase': { pods: [running(1900), running()], target: 1000, spec: 2, want: 2 },
  'R31 a missing pod cancels a decrease': { pods: [running(600), running()], target: 1000, spec: 2, want: 2 },
  'R32 missing and Pending pods damp an increase: each counts as 0': {
    pods: [pending, running(2000), running()],
    target: 500,
    spec: 3,
    want: 4,
  },
  'R3 Pending pods cancel an increase': {
    pods: [running(400), { state: 'Pending' }, { state: 'Pending' }],
    target: 300,
    spec: 3,
    want: 3,
  },
  'R36 in a surge a decrease that recomputes to more is not made': {
    pods: [running(10_000), running(10_000), running()],
    target: 17_000,
    spec: 2,
    want: 2,
  },
  'no sample of a running pod is an error': { pods: [running(), pending], target: 500, spec: 2, want: undefined },
};
describe('replicas that a Pods metric asks for', () => {
  for (const [name, { pods, target, spec, up = 0.1, want }] of Object.entries(rows)) {
    test(`${name}`, () =>
      expect(podsReplicas({ pods, targetMilli: BigInt(target), spec }, { up, down: 0.1 })).toBe(want));
  }
});

describe('an Object metric, which is computed as an external one', () => {
  interface ObjectRow {
    readonly type: 'Value' | 'AverageValue';
    readonly usage: number;
    readonly target: number;
    readonly spec: number;
    readonly ready?: number;
    readonly up?: number;
    readonly want: number;
  }
  const objects: Readonly<Record<string, ObjectRow>> = {
    'R8 Value up': { type: 'Value', usage: 20_000, target: 15_000, spec: 3, want: 4 },
    'R9 AverageValue up': { type: 'AverageValue', usage: 20_000, target: 5000, spec: 3, want: 4 },
    'R10 Value multiplies ready pods': { type: 'Value', usage: 50_000, target: 10_000, spec: 3, ready: 1, want: 5 },
    'R14 from zero': { type: 'Value', usage: 1000, target: 1000, spec: 0, want: 1 },
    'R21 AverageValue down': { type: 'AverageValue', usage: 6000, target: 2000, spec: 5, want: 3 },
    'R23 AverageValue inside the tolerance': { type: 'AverageValue', usage: 20_166, target: 5000, spec: 4, want: 4 },
    'R28 AverageValue outside 1 percent': {
      type: 'AverageValue',
      usage: 20_208,
      target: 5000,
      spec: 4,
      up: 0.01,
      want: 5,
    },
  };
  for (const [name, { type, usage, target, spec, ready = spec, up = 0.1, want }] of Object.entries(objects)) {
    test(`${name}`, () => {
      const metric = { name: 'object', type, usageMilli: BigInt(usage), targetMilli: BigInt(target) };
      expect(externalReplicas(metric, { spec, status: spec, ready }, { up, down: 0.1 })).toBe(want);
    });
  }
});

test('a pod is Pending until its first container runs, and ignored while it ends', () => {
  expect(
    (['Scheduling', 'Unschedulable', 'PullingImage', 'LoadingWeights', 'StartingEngine', 'Draining'] as const).map(
      podState,
    ),
  ).toStrictEqual(['Pending', 'Pending', 'Pending', 'Pending', 'Running', 'Ignored']);
});

test('C3, C4 a Pods metric without samples forbids a decrease and not an increase, and says what failed', () => {
  const pods = { name: 'kv', type: 'Pods', pods: [running(), running()], targetMilli: 700n } as const;
  const external = (replicas: number) =>
    ({ name: 'queue', type: 'AverageValue', usageMilli: BigInt(replicas) * 1000n, targetMilli: 1000n }) as const;
  const sync = (replicas: number) =>
    new Hpa({ minReplicas: 1, maxReplicas: 10, tolerance: tenth }).sync({
      now: at(0),
      spec: 3,
      status: 3,
      ready: 3,
      metrics: [pods, external(replicas)],
    });
  expect(sync(1)).toStrictEqual({ replicas: 3, because: 'FailedGetPodsMetric: held' });
  expect(sync(4).replicas).toBe(4);
});

describe('hpa-kv', () => {
  test('scales by the mean of the pods', async () => {
    expect(look(await policyNamed('hpa-kv'), 0, { ready: [{ kvUse: 0.9 }, { kvUse: 1 }] })).toMatchObject({
      replicas: 3,
      because: 'KvUse 0.95 asks for 3',
    });
  });
  test('a replica that starts damps the next step', async () => {
    const answer = look(await policyNamed('hpa-kv'), 0, { ready: times(3, { kvUse: 1 }), others: ['PullingImage'] });
    expect(answer.replicas).toBeUndefined();
  });
  test('holds through a scrape outage', async () => {
    const answer = look(await policyNamed('hpa-kv'), 0, { ready: [{ kvUse: 'ScrapeFailed' }] });
    expect(answer).toStrictEqual({ actions: [], because: 'FailedGetPodsMetric: held' });
  });
});

describe('hpa-ttft', () => {
  const readings = (sum: number, count: number) => ({ ready: [{ ttftSecondsSum: sum, ttftCount: count }] });
  test('multiplies ready pods by the mean over the target', async () => {
    const policy = await policyNamed('hpa-ttft');
    look(policy, 0, readings(0, 0));
    expect(look(policy, 15, readings(30, 10))).toMatchObject({
      replicas: 3,
      because: 'MeanTimeToFirstToken 3 asks for 3',
    });
  });
  test('without a first token in the window there is no mean', async () => {
    const policy = await policyNamed('hpa-ttft');
    look(policy, 0, readings(5, 5));
    expect(look(policy, 15, readings(5, 5)).because).toBe('FailedGetExternalMetric: held');
  });
});

test('a rate is read over resets and not over the first sight of a replica', () => {
  const policy = policyOf({
    kind: 'SimulatedPolicy',
    name: 'rate',
    algorithm: 'Hpa',
    parameters: {
      syncSeconds: 15,
      tolerancePercent: 10,
      windowSeconds: 60,
      metrics: [{ type: 'AverageValue', signal: 'OutputTokenRate', targetMilli: 100_000 }],
    },
  });
  const at15 = (s: number, total: number) => look(policy, s, { ready: [{ outputTokensTotal: total }] });
  expect(at15(0, 90_000).because).toBe('FailedGetExternalMetric: held');
  expect(at15(15, 93_000).because).toBe('OutputTokenRate 200 asks for 2');
  expect(at15(30, 3000).because).toBe('OutputTokenRate 200 asks for 2');
});
