import { describe, expect, test } from 'vitest';
import { DynamoPerformance } from '../../../../src/sim/policies/dynamo-performance.ts';
import { bestEngineRate } from '../../../../src/sim/policies/dynamo-throughput.ts';
import { KalmanTrend } from '../../../../src/sim/policies/kalman.ts';
import { fitPlane } from '../../../../src/sim/policies/linear-fit.ts';
import { at, type Readings } from '../../../support/builders.ts';
import { look, type PoolGiven, policyNamed, seenAt, times } from '../../../support/peer-policies.ts';
import { linear } from '../../../support/peer-tables/dynamo.ts';

const engine = (kvUse: number): Readings => ({ kvUse, kvCapacityTokens: 400_000 });
describe('the load planner holds', () => {
  const held: Readonly<Record<string, { readonly pool: PoolGiven; readonly because: string }>> = {
    'while a change is under way': {
      pool: { ready: [engine(1)], others: ['LoadingWeights'] },
      because: 'scaling_in_progress: held',
    },
    'while an engine does not report': {
      pool: { ready: [engine(1), { kvUse: 'ScrapeFailed' }] },
      because: 'worker_count_mismatch: held',
    },
    'while none does': { pool: { ready: [{ kvUse: 'ScrapeFailed' }] }, because: 'no_fpm_data: held' },
  };
  for (const [name, { pool, because }] of Object.entries(held)) {
    test(`${name}`, async () => {
      expect(look(await policyNamed('dynamo-load'), 0, pool)).toStrictEqual({ actions: [], because });
    });
  }
});
test('the load planner counts queued prompts by their mean length', async () => {
  const policy = await policyNamed('dynamo-load');
  const seen = (n: number): PoolGiven => ({
    ready: [
      {
        ...engine(0.9),
        waiting: 50,
        ttftCount: n,
        finishedTotal: n,
        promptTokensTotal: 1000 * n,
        outputTokensTotal: n,
      },
    ],
  });
  expect(look(policy, 0, seen(0)).replicas).toBeUndefined();
  expect(look(policy, 5, seen(10)).replicas).toBe(2);
});

describe('a plane through points', () => {
  const point = (x: number, z: number) => ({ x, z, y: 4 + 0.02 * x + 0.0001 * z });
  test('finds what made them', () => {
    const plane = fitPlane([point(0, 0), point(100, 0), point(0, 9000), point(300, 5000)]);
    expect(plane?.base).toBeCloseTo(4, 9);
    expect(plane?.perX).toBeCloseTo(0.02, 9);
    expect(plane?.perZ).toBeCloseTo(0.0001, 9);
  });
  test('is not told by points on one line', () => {
    expect(fitPlane([point(1, 10), point(2, 20), point(3, 30)])).toBeUndefined();
    expect(fitPlane([point(1, 5), point(2, 5)])).toBeUndefined();
    expect(fitPlane([])).toBeUndefined();
  });
});

describe('the Kalman filter', () => {
  const setting = { levelNoise: 1, trendNoise: 0.1, readingNoise: 10, minPoints: 5 };
  const after = (readings: readonly number[]): KalmanTrend => {
    const filter = new KalmanTrend(setting);
    for (const reading of readings) filter.add(reading);
    return filter;
  };
  test('repeats the last reading before it has five', () => expect(after([3, 9, 4, 8]).forecast(1)).toBe(8));
  test('of a constant is the constant', () => expect(after(times(9, 7)).forecast(3)).toBeCloseTo(7, 9));
  test('follows a line, further ahead too', () => {
    const filter = after(Array.from({ length: 60 }, (_, i) => 10 + 3 * i));
    expect(filter.forecast(1)).toBeCloseTo(10 + 3 * 60, 1);
    expect(filter.forecast(2.5)).toBeCloseTo(10 + 3 * 61.5, 1);
  });
  test('of the second reading is by hand: gain (2001 + 1) / (2001 + 1 + 10)', () => {
    const filter = new KalmanTrend({ ...setting, minPoints: 1 });
    filter.add(0);
    filter.add(10);
    const level = (10 * 2001) / 2011;
    const trend = (10 * 1000) / 2011;
    expect(filter.forecast(1)).toBeCloseTo(level + trend, 9);
  });
  test('asking twice does not move it', () => {
    const filter = after([1, 2, 3, 4, 5, 6]);
    expect(filter.forecast(1)).toBe(filter.forecast(1));
  });
});

/** Engine counters whose iterations take 4 ms + 0.02 per prefill token + 0.0001 per KV token, 10 sequences running. */
function counters(prefills: readonly number[], kvUses: readonly number[]): readonly Readings[] {
  let itl = 0;
  let prompts = 0;
  return prefills.map((prefill, i): Readings => {
    const kv = ((kvUses[i] ?? 0) + (kvUses[i - 1] ?? kvUses[i] ?? 0)) / 2;
    const iterations = 100;
    itl += 10 * iterations * (0.004 + 0.00002 * prefill + 0.0000001 * kv * 400_000);
    prompts += prefill * iterations;
    return {
      ...engine(kvUses[i] ?? 0),
      running: 10,
      itlCount: 10 * iterations * (i + 1),
      itlSecondsSum: itl,
      ttftCount: i + 1,
      promptTokensTotal: prompts,
      finishedTotal: i + 1,
      outputTokensTotal: 1000 * (i + 1),
    };
  });
}
const learning = counters([50, 80, 20, 60, 90, 30, 70], [0.1, 0.3, 0.2, 0.5, 0.4, 0.6, 0.2]);
describe('the regression', () => {
  const learned = (readings: readonly Readings[]): DynamoPerformance => {
    const model = new DynamoPerformance({ minObservations: 5, maxSamples: 64, maxBatchedTokens: 8192 });
    readings.forEach((reading, i) => model.look(seenAt(5 * i, { ready: [reading] }), at(5 * i)));
    return model;
  };
  test('finds the time of an iteration from what scrapes show', () => {
    expect(learned(learning).wall(1000, 100_000)).toBeCloseTo(4 + 20 + 10, 6);
  });
  test('takes a prompt in chunks of the token budget, less what the prefix cache holds', () => {
    const model = learned(learning);
    const own = model.meanPrompt;
    expect(model.ttft(20_000 - own, 0, 0)).toBeCloseTo(3 * 4 + 0.02 * 20_000, 6);
    expect(model.ttft(20_000 - own, 0, 0.5)).toBeCloseTo(2 * 4 + 0.02 * 10_000, 6);
    expect(model.ttft(20_000 - own, 0, 1)).toBeCloseTo(4 + 0.02 * 1000, 6);
  });
  test('is not ready with fewer than five iterations, nor when more load would take less time', () => {
    expect(learned(learning.slice(0, 5)).isReady).toBe(false);
    const backwards = learning.map(
      (reading, i): Readings => ({ ...reading, itlSecondsSum: 100 * (i + 1) - 0.5 * i * i }),
    );
    expect(learned(backwards).isReady).toBe(false);
  });
  test('forgets the oldest of the fullest field, so that a rare load stays known', () => {
    const usual = times(30, 50);
    const varied = [300, ...usual];
    const model = new DynamoPerformance({ minObservations: 5, maxSamples: 8, maxBatchedTokens: 8192 });
    counters([10, ...varied], [0.5, 0.9, ...usual.map((_, i) => 0.1 + 0.01 * (i % 4))]).forEach((reading, i) =>
      model.look(seenAt(5 * i, { ready: [reading] }), at(5 * i)),
    );
    expect(model.wall(1000, 100_000)).toBeCloseTo(4 + 20 + 10, 6);
  });
});

describe('the best rate of an engine', () => {
  const engineLimits = {
    maxBatchedTokens: 8192,
    maxKvTokens: 400_000,
    maxSequences: 256,
    ttftMilliseconds: 500,
    itlMilliseconds: 50,
    hitRate: 0,
  };
  const lengths = { prompt: 1000, output: 200 };
  test('is by the most sequences that keep the time between tokens', () => {
    // 4 + 0.02 (5 b) + 0.0001 (1100 b) = 4 + 0.21 b <= 50: b = 219
    expect(bestEngineRate(linear, lengths, engineLimits)).toBeCloseTo((1000 * 219) / (200 * (4 + 0.21 * 219)), 9);
  });
  test('is limited by the KV cache, the sequences, and prefix hits widen it', () => {
    expect(bestEngineRate(linear, lengths, { ...engineLimits, maxKvTokens: 11_000 })).toBeCloseTo(
      10_000 / (200 * 6.1),
      9,
    );
    expect(bestEngineRate(linear, lengths, { ...engineLimits, maxSequences: 20 })).toBeCloseTo(20_000 / (200 * 8.2), 9);
    const hits = bestEngineRate(linear, lengths, { ...engineLimits, maxSequences: 20, hitRate: 0.5 });
    expect(hits).toBeCloseTo(20_000 / (200 * 7.2), 9);
  });
  test('of an objective that nothing keeps is that of one sequence', () => {
    expect(bestEngineRate(linear, lengths, { ...engineLimits, itlMilliseconds: 1 })).toBeCloseTo(
      1000 / (200 * 4.21),
      9,
    );
  });
  test('is unknown without lengths or a model', () => {
    expect(bestEngineRate(linear, { prompt: 0, output: 9 }, engineLimits)).toBeUndefined();
    expect(bestEngineRate({ ...linear, wall: () => undefined }, lengths, engineLimits)).toBeUndefined();
  });
});

test('the sla planner holds until its regression is ready', async () => {
  const answer = look(await policyNamed('dynamo-load-sla'), 0, { ready: [engine(1)] });
  expect(answer).toStrictEqual({ actions: [], because: 'insufficient_data: held' });
});
