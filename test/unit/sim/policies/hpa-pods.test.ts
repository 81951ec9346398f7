import { describe, expect, test } from 'vitest';
import { Hpa } from '../../../../src/sim/policies/hpa.ts';
import { podState } from '../../../../src/sim/policies/hpa-pods.ts';
import { at } from '../../../support/builders.ts';
import { look, policyNamed, policyOf, times } from '../../../support/peer-policies.ts';
import { running } from '../../../support/peer-tables/hpa.ts';

const tenth = { up: 0.1, down: 0.1 };
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

describe('an HPA on the mean time to first token', () => {
  const meanPolicy = () =>
    policyOf({
      kind: 'SimulatedPolicy',
      name: 'mean',
      algorithm: 'Hpa',
      parameters: {
        syncSeconds: 15,
        tolerancePercent: 10,
        windowSeconds: 60,
        metrics: [{ type: 'Value', signal: 'MeanTimeToFirstToken', targetMilli: 1000 }],
      },
    });
  const readings = (sum: number, count: number) => ({ ready: [{ ttftSecondsSum: sum, ttftCount: count }] });
  test('multiplies ready pods by the mean over the target', () => {
    const policy = meanPolicy();
    look(policy, 0, readings(0, 0));
    expect(look(policy, 15, readings(30, 10))).toMatchObject({
      replicas: 3,
      because: 'MeanTimeToFirstToken 3 asks for 3',
    });
  });
  test('without a first token in the window there is no mean', () => {
    const policy = meanPolicy();
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
