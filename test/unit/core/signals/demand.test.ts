import { expect, test } from 'vitest';
import { freshMemory } from '../../../../src/core/propose.ts';
import { promptTokensOf } from '../../../../src/core/forecast/series.ts';
import { stepDemand, type DemandStep } from '../../../../src/core/signals/demand.ts';
import { observe } from '../../../../src/core/signals/observe.ts';
import type { PoolSeen, ReplicaSeen } from '../../../../src/core/model/pool.ts';
import {
  at,
  missingSamples,
  poolSeen,
  replicaSeen,
  samples,
  targetSeen,
  type Readings,
} from '../../../support/builders.ts';

function poolOf(replicas: readonly ReplicaSeen[], over: Partial<PoolSeen> = {}): PoolSeen {
  return poolSeen({ targets: [targetSeen({ replicas })], ...over });
}
function replica(id: string, readings: Readings, seconds: number, over: Partial<ReplicaSeen> = {}): ReplicaSeen {
  return replicaSeen(id, { samples: samples(readings, at(seconds)), ...over });
}

/** Looks at one pool after another, 15 s apart, and answers the last step. */
function steps(...looks: readonly PoolSeen[]): DemandStep {
  const memory = freshMemory(at(-1000));
  let learned = memory.learned;
  let last: DemandStep = { baselines: {} };
  for (const [i, seen] of looks.entries()) {
    const now = at(15 * i);
    last = stepDemand(seen, observe(seen, { baselines: learned.baselines, watchedSince: at(-1000), now }), {
      learned,
      watchedSince: at(-1000),
      now,
    });
    learned = {
      ...learned,
      baselines: last.baselines,
      ...(last.gateway === undefined ? {} : { gateway: last.gateway }),
    };
  }
  return last;
}

test('arrivals are what finished plus the change of running and waiting', () => {
  const step = steps(
    poolOf([replica('a', { finishedTotal: 100, running: 10, waiting: 0 }, 0)]),
    poolOf([replica('a', { finishedTotal: 130, running: 20, waiting: 20 }, 15)]),
  );
  expect(step.bin?.requestsPerSecond).toBe(4);
});

test('at saturation throughput is not demand: a growing queue counts', () => {
  const step = steps(
    poolOf([replica('a', { finishedTotal: 0, running: 32, waiting: 10 }, 0)]),
    poolOf([replica('a', { finishedTotal: 30, running: 32, waiting: 130 }, 15)]),
  );
  expect(step.bin?.requestsPerSecond).toBe(10);
});

test('a counter that was reset counts from 0, and so do its gauges', () => {
  const step = steps(
    poolOf([replica('a', { finishedTotal: 5000, running: 30, waiting: 9 }, 0)]),
    poolOf([replica('a', { finishedTotal: 40, running: 5, waiting: 0 }, 15)]),
  );
  expect(step.bin?.requestsPerSecond).toBe(3);
});

test('a replica first seen with a large count brings none of it', () => {
  const step = steps(
    poolOf([replica('a', { finishedTotal: 0 }, 0)]),
    poolOf([replica('a', { finishedTotal: 150 }, 15), replica('b', { finishedTotal: 90_000 }, 15)]),
    poolOf([replica('a', { finishedTotal: 300 }, 30), replica('b', { finishedTotal: 90_150 }, 30)]),
  );
  expect(step.bin?.requestsPerSecond).toBe(20);
});

test('a replica born under our watch brings its whole count, over the window of the others', () => {
  const born = { milestones: { createdAt: at(-50), readyAt: at(10) }, since: at(10) };
  const step = steps(
    poolOf([replica('a', { finishedTotal: 0 }, 0)]),
    poolOf([replica('a', { finishedTotal: 120 }, 15), replica('b', { running: 30 }, 15, born)]),
  );
  expect(step.bin?.requestsPerSecond).toBe(10);
});

test('a newborn that was not read yet is not missed', () => {
  const born = {
    milestones: { createdAt: at(-50), readyAt: at(10) },
    since: at(10),
    samples: missingSamples('NotScraped'),
  };
  const step = steps(
    poolOf([replica('a', { finishedTotal: 0 }, 0)]),
    poolOf([replica('a', { finishedTotal: 150 }, 15), replicaSeen('b', born)]),
  );
  expect(step.bin?.requestsPerSecond).toBe(10);
});

test('one dark replica of five is made up for by its peers', () => {
  const all = (finishedTotal: number, seconds: number) =>
    ['a', 'b', 'c', 'd', 'e'].map((id) => replica(id, { finishedTotal }, seconds));
  const later = all(150, 15).map((r) => (r.id === 'c' ? { ...r, samples: missingSamples() } : r));
  expect(steps(poolOf(all(0, 0)), poolOf(later)).bin?.requestsPerSecond).toBe(50);
});

test('too few known replicas make an unknown bin, never a zero, and the next one spans the gap', () => {
  const pair = (finishedTotal: number, seconds: number) =>
    poolOf(['a', 'b', 'c'].map((id) => replica(id, { finishedTotal }, seconds)));
  const gap = poolOf(['a', 'b', 'c'].map((id) => replicaSeen(id, { samples: missingSamples() })));
  expect(steps(pair(0, 0), gap).bin).toBeUndefined();
  expect(steps(pair(0, 0), gap, pair(300, 30)).bin?.requestsPerSecond).toBe(30);
});

test('readings that did not change since the last look close no bin', () => {
  const same = poolOf([replica('a', { finishedTotal: 10 }, 0)]);
  expect(steps(same, same).bin).toBeUndefined();
});

test("the gateway's counter is the rate where there is one", () => {
  const gateway = (total: number, seconds: number) => ({
    gateway: {
      queued: samples({ waiting: 0 }, at(seconds)).waiting,
      requestsTotal: samples({ finishedTotal: total }, at(seconds)).finishedTotal,
    },
  });
  const step = steps(
    poolOf([replica('a', { finishedTotal: 0 }, 0)], gateway(1000, 0)),
    poolOf([replica('a', { finishedTotal: 15 }, 15)], gateway(1450, 15)),
  );
  expect(step.bin?.requestsPerSecond).toBe(30);
});

test('a gateway without counter adds the growth of its queue', () => {
  const queue = (queued: number, seconds: number) => ({
    gateway: {
      queued: samples({ waiting: queued }, at(seconds)).waiting,
      requestsTotal: samples({ finishedTotal: 'NotExposed' }, at(seconds)).finishedTotal,
    },
  });
  const step = steps(
    poolOf([replica('a', { finishedTotal: 0 }, 0)], queue(0, 0)),
    poolOf([replica('a', { finishedTotal: 150 }, 15)], queue(75, 15)),
  );
  expect(step.bin?.requestsPerSecond).toBe(15);
});

test('prompt tokens that the cache served are no demand', () => {
  const tokens = (n: number) => ({
    finishedTotal: n * 10,
    promptTokensTotal: n * 10_000,
    cachedPromptTokensTotal: n * 8000,
    outputTokensTotal: n * 1000,
  });
  const step = steps(poolOf([replica('a', tokens(0), 0)]), poolOf([replica('a', tokens(15), 15)]));
  expect(step.bin?.promptTokensPerSecond).toBe(2000);
});

test('prompts that wait are in no counter: they are kept apart, and priced when they are looked at', () => {
  const step = steps(
    poolOf([replica('a', { finishedTotal: 0, running: 0, waiting: 0, promptTokensTotal: 0 }, 0)]),
    poolOf([replica('a', { finishedTotal: 60, running: 15, waiting: 75, promptTokensTotal: 75 * 40 }, 15)]),
  );
  expect(step.bin).toMatchObject({ requestsPerSecond: 10, promptTokensPerSecond: 200, waitingPerSecond: 5 });
  const bin = step.bin ?? { at: at(0), requestsPerSecond: 0, promptTokensPerSecond: 0, outputTokensPerSecond: 0 };
  expect(promptTokensOf(bin, { uncachedPrompt: 40 })).toBe(400);
  expect(promptTokensOf(bin, { uncachedPrompt: 1024 })).toBe(5320);
});

test('those that ceased to wait are not counted twice, and without a counter all prompts are of the mean', () => {
  const drained = {
    at: at(0),
    requestsPerSecond: 1,
    promptTokensPerSecond: 300,
    outputTokensPerSecond: 0,
    waitingPerSecond: -2,
  };
  expect(promptTokensOf(drained, { uncachedPrompt: 100 })).toBe(100);
  expect(promptTokensOf({ ...drained, promptTokensPerSecond: 0 }, { uncachedPrompt: 100 })).toBe(100);
});

/** Two looks so many seconds apart, with nothing in between. */
function across(seconds: number): DemandStep {
  const looks = [
    poolOf([replica('a', { finishedTotal: 1000, running: 9 }, 0)]),
    poolOf([replica('a', { finishedTotal: 1020, running: 4 }, seconds)]),
  ];
  let { learned } = freshMemory(at(-1000));
  let last: DemandStep = { baselines: {} };
  for (const [i, seen] of looks.entries()) {
    const about = { watchedSince: at(-1000), now: at(i * seconds) };
    last = stepDemand(seen, observe(seen, { baselines: learned.baselines, ...about }), { learned, ...about });
    learned = { ...learned, baselines: last.baselines };
  }
  return last;
}

test('over a gap the counters tell demand and the mix, and nothing of what an engine can do', () => {
  const longest = 3 * poolSeen().scrapeIntervalSeconds;
  expect(across(longest).settledFlow).toMatchObject({ finished: 20 });
  const gap = across(longest + 1);
  expect(gap.bin?.requestsPerSecond).toBeCloseTo(15 / (longest + 1), 3);
  expect(gap.flow).toMatchObject({ finished: 20 });
  expect(gap.settledFlow).toBeUndefined();
});
