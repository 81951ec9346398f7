import { describe, expect, test } from 'vitest';
import type { ReplicaHistograms, ReplicaSeen } from '../../../../src/core/model/pool.ts';
import type { PeerParameters } from '../../../../src/core/model/peer-parameters.ts';
import { histogramOf } from '../../../../src/core/model/peer-parameters.ts';
import { PoolQuantile } from '../../../../src/sim/policies/histogram-windows.ts';
import type { SimulatedPolicy } from '../../../../src/sim/policies/policy.ts';
import { at, fleetSeen, poolSeen, replicaSeen, samples, targetSeen } from '../../../support/builders.ts';
import { definitionOf, policyNamed, policyOf } from '../../../support/peer-policies.ts';

const bounds = [1, 2, 4];
/** Cumulative, all three histograms alike. */
function histograms(counts: readonly number[], s: number): ReplicaHistograms {
  const one = { bounds, counts };
  return { at: at(s), timeToFirstToken: one, interTokenLatency: one, requestLatency: one };
}

interface Given {
  readonly counts: readonly number[];
  /** When it was scraped; absent: now. */
  readonly scraped?: number;
}
function seen(s: number, given: readonly Given[]) {
  const replicas = given.map(
    ({ counts, scraped = s }, i): ReplicaSeen => ({
      ...replicaSeen(`r${i}`, { samples: samples({}, at(s)) }),
      histograms: histograms(counts, scraped),
    }),
  );
  return poolSeen({ targets: [targetSeen({ replicas })] });
}
const look = (policy: SimulatedPolicy, s: number, given: readonly Given[]) =>
  policy.decide({ now: at(s), seen: seen(s, given), fleet: fleetSeen() });

describe('the quantile of a pool', () => {
  const quantileAfter = (...looks: readonly (readonly [s: number, given: readonly Given[]])[]) => {
    const quantile = new PoolQuantile('timeToFirstToken', 60);
    for (const [s, given] of looks) quantile.look(seen(s, given), at(s));
    return quantile.quantile(0.5);
  };
  test('is of what came in the window, over all replicas', () => {
    const before: Given[] = [{ counts: [100, 100, 100, 100] }, { counts: [0, 0, 0, 0] }];
    const after: Given[] = [{ counts: [100, 110, 110, 110] }, { counts: [0, 0, 10, 10] }];
    expect(quantileAfter([0, before], [15, after])).toBe(2);
  });
  test('forgets what is older than the window', () => {
    const slow: Given[] = [{ counts: [0, 0, 10, 10] }];
    const zero: Given[] = [{ counts: [0, 0, 0, 0] }];
    const fast: Given[] = [{ counts: [10, 10, 20, 20] }];
    expect(quantileAfter([0, zero], [15, slow], [75, fast])).toBe(0.5);
  });
  test('counts all of a series after a reset', () => {
    expect(quantileAfter([0, [{ counts: [50, 50, 50, 50] }]], [15, [{ counts: [0, 8, 8, 8] }]])).toBe(1.5);
  });
  test('has no value at the first sight of a replica, without a request and from a stale page', () => {
    const ten: Given[] = [{ counts: [10, 10, 10, 10] }];
    expect(quantileAfter([0, ten])).toBeUndefined();
    expect(quantileAfter([0, ten], [15, ten])).toBeUndefined();
    const stale: Given[] = [{ counts: [10, 30, 30, 30], scraped: 0 }];
    expect(quantileAfter([0, ten], [300, stale])).toBeUndefined();
  });
});

describe('hpa-ttft', () => {
  test('multiplies ready pods by the P95 over the target', async () => {
    const policy = await policyNamed('hpa-ttft');
    expect(policy.readsHistograms).toBe(true);
    look(policy, 0, [{ counts: [0, 0, 0, 0] }]);
    expect(look(policy, 15, [{ counts: [0, 0, 20, 20] }])).toMatchObject({
      replicas: 4,
      because: 'QuantileTimeToFirstToken 3.9 asks for 4',
    });
  });
  test('without a first token in the window there is no percentile', async () => {
    const policy = await policyNamed('hpa-ttft');
    look(policy, 0, [{ counts: [5, 5, 5, 5] }]);
    expect(look(policy, 15, [{ counts: [5, 5, 5, 5] }]).because).toBe('FailedGetExternalMetric: held');
  });
});

test('a policy that scales on no percentile does not ask for histograms', async () => {
  for (const name of ['hpa-kv', 'production-stack', 'kthena']) {
    expect((await policyNamed(name)).readsHistograms).toBe(false);
  }
});

test('KEDA reads the quantile that is named', () => {
  const policy = policyOf({
    kind: 'SimulatedPolicy',
    name: 'p50',
    algorithm: 'Keda',
    parameters: {
      pollingSeconds: 15,
      cooldownSeconds: 300,
      tolerancePercent: 10,
      windowSeconds: 60,
      ignoreNullValues: true,
      triggers: [
        {
          signal: 'QuantileInterTokenLatency',
          quantilePercent: 50,
          metricType: 'AverageValue',
          thresholdMilli: 1000,
          activationThresholdMilli: 0,
        },
      ],
    },
  });
  look(policy, 0, [{ counts: [0, 0, 0, 0] }]);
  expect(look(policy, 15, [{ counts: [0, 0, 20, 20] }]).replicas).toBe(3);
});

test('Kthena adds up the P95 of each ready pod', async () => {
  const definition = await definitionOf('kthena');
  if (definition.kind !== 'SimulatedPolicy' || definition.algorithm !== 'Kthena') throw new Error('kthena is another');
  const parameters: PeerParameters['Kthena'] = {
    ...(definition.parameters as PeerParameters['Kthena']),
    metrics: [{ signal: 'QuantileRequestLatency', targetMilli: 1000 }],
  };
  const policy = policyOf({ kind: 'SimulatedPolicy', name: 'kthena-e2e', algorithm: 'Kthena', parameters });
  expect(policy.readsHistograms).toBe(true);
  const empty = { counts: [0, 0, 0, 0] };
  expect(look(policy, 0, [empty, empty]).because).toBe('no metric has a value: held');
  // 1.95 s of one and 3.9 s of the other are 5.85 s: 6 replicas at 1 s each.
  expect(look(policy, 15, [{ counts: [0, 20, 20, 20] }, { counts: [0, 0, 20, 20] }]).replicas).toBe(6);
});

test('only quantiles have a histogram', () => {
  expect(histogramOf('MeanTimeToFirstToken')).toBeUndefined();
  expect(histogramOf('QuantileTimeToFirstToken')).toBe('timeToFirstToken');
});
