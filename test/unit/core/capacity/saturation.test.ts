import { describe, expect, test } from 'vitest';
import { concurrencyLimit, saturationAfter } from '../../../../src/core/capacity/saturation.ts';
import type { LearnedMemory, ReplicaBaseline } from '../../../../src/core/model/memory.ts';
import { observe } from '../../../../src/core/signals/observe.ts';
import { at, poolPolicy, poolSeen, replicaSeen, samples, targetPolicy, targetSeen } from '../../../support/builders.ts';
import { proposals } from '../../../support/scenes.ts';
import { replicas } from '../../../../src/core/model/units.ts';

interface Told {
  readonly waiting: number;
  readonly running: number;
}
/** What two looks at one replica, `seconds` apart, teach. */
function taught(
  before: Told,
  now: Told,
  known?: LearnedMemory['saturation'],
  seconds = 15,
): LearnedMemory['saturation'] {
  const counts = { ...before, finishedTotal: 0 };
  const baselines: Readonly<Record<string, ReplicaBaseline>> = { a: { at: at(-seconds), counts } };
  const seen = poolSeen({
    targets: [targetSeen({ replicas: [replicaSeen('a', { samples: samples({ ...now, finishedTotal: 90 }) })] })],
  });
  const { readings } = observe(seen, { baselines, watchedSince: at(-3600), now: at(0) });
  return saturationAfter(known, { readings, baselines, now: at(0) });
}

describe('a replica beside which more wait than it runs, at both looks', () => {
  test('runs all it can', () => {
    expect(taught({ waiting: 20, running: 4 }, { waiting: 30, running: 4 })).toEqual({ inFlight: 4, at: at(0) });
  });
  test('is believed anew at each such look, be it less than before', () => {
    const known = { inFlight: 64, at: at(-600) };
    expect(taught({ waiting: 50, running: 16 }, { waiting: 50, running: 15 }, known)?.inFlight).toBe(16);
  });
});

const nothing: Readonly<Record<string, readonly [Told, Told, number]>> = {
  'a queue at one look only': [{ waiting: 0, running: 4 }, { waiting: 30, running: 4 }, 15],
  'a few that wait for the next iteration': [{ waiting: 6, running: 60 }, { waiting: 8, running: 60 }, 15],
  'one or two beside an idle engine': [{ waiting: 2, running: 0 }, { waiting: 2, running: 1 }, 15],
  'looks that are one': [{ waiting: 20, running: 4 }, { waiting: 30, running: 4 }, 3],
  'looks too far apart': [{ waiting: 20, running: 4 }, { waiting: 30, running: 4 }, 120],
};
for (const [name, [before, now, seconds]] of Object.entries(nothing)) {
  test(`${name} teach nothing`, () => expect(taught(before, now, undefined, seconds)).toBeUndefined());
}

test('a replica that runs more than was believed disproves it', () => {
  const known = { inFlight: 4, at: at(-60) };
  expect(taught({ waiting: 0, running: 9 }, { waiting: 0, running: 9 }, known)).toEqual({ inFlight: 9, at: at(0) });
  expect(taught({ waiting: 0, running: 3 }, { waiting: 0, running: 3 }, known)).toEqual(known);
});

test('the limit is forgotten slowly: a tenth more after half an hour', () => {
  expect(concurrencyLimit({ inFlight: 10, at: at(-1800) }, at(0))).toBeCloseTo(10.94, 2);
  expect(concurrencyLimit(undefined, at(0))).toBe(Infinity);
});

test('engines that run four at once, seen full, are not expected to run thirty when their queue is gone', () => {
  // Three replicas: two minutes with a queue beside each, then seven and a half at their usual load.
  const rate = 6.5;
  const seen = (t: number) => {
    const finishedTotal = Math.floor(rate * (t + 1000));
    const load = t < 120 ? { waiting: 20, running: 4 } : { waiting: 0, running: 3.4 };
    const tokens = { promptTokensTotal: finishedTotal * 40, outputTokensTotal: finishedTotal * 20 };
    const read = samples({ ...load, ...tokens, finishedTotal, kvUse: 0.1 }, at(t));
    return poolSeen({
      targets: [targetSeen({ replicas: ['a', 'b', 'c'].map((id) => replicaSeen(id, { samples: read })) })],
    });
  };
  const policy = poolPolicy({
    objectives: { attainmentPercent: 99 },
    targets: [targetPolicy({ maxReplicas: replicas(12) })],
  });
  const wanted = proposals({ seen, policy, to: 570 }).map(({ recommendation }) => recommendation.targets[0]?.wanted);
  for (const n of wanted.slice(2)) expect(n).toBeGreaterThanOrEqual(3);
});

test('a share that a queue took off a capacity computed before the engine was seen full is not taken off once more', () => {
  const ceiling = { share: 0.4, at: at(-15) };
  const rate = 6.5;
  const seen = (t: number) => {
    const finishedTotal = Math.floor(rate * (t + 1000));
    const tokens = { promptTokensTotal: finishedTotal * 40, outputTokensTotal: finishedTotal * 20 };
    const read = samples({ waiting: 20, running: 4, ...tokens, finishedTotal }, at(t));
    return poolSeen({ targets: [targetSeen({ replicas: [replicaSeen('a', { samples: read })] })] });
  };
  const before = proposals({ seen, to: 15 }).at(-1)?.memory;
  if (before === undefined) throw new Error('no proposal was made');
  const memory = { ...before, learned: { ...before.learned, ceiling } };
  const [last] = proposals({ seen, memory, from: 30, to: 30 });
  expect(last?.memory.learned.saturation).toEqual({ inFlight: 4, at: at(30) });
  expect(last?.memory.learned.ceiling).toBeUndefined();
});

test('a pool of which little was learned shrinks step by step, not to where one replica would run four times what was ever seen', () => {
  // Five replicas, each running three or so at once and finishing 4.3 a second: a line through that promises ten times as much.
  const seen = (t: number) => {
    const finishedTotal = Math.floor(4.3 * (t + 1000));
    const tokens = { promptTokensTotal: finishedTotal * 40, outputTokensTotal: finishedTotal * 20 };
    const read = samples({ waiting: 0, running: 3.4, ...tokens, finishedTotal, kvUse: 0.1 }, at(t));
    return poolSeen({
      targets: [targetSeen({ replicas: ['a', 'b', 'c', 'd', 'e'].map((id) => replicaSeen(id, { samples: read })) })],
    });
  };
  const last = proposals({ seen, policy: poolPolicy({ objectives: { attainmentPercent: 99 } }), to: 600 }).at(-1);
  const [target] = last?.recommendation.targets ?? [];
  expect(target?.wanted).toBe(4);
  expect(target?.because[0]?.reason).toBe('ConsolidationUnsafe');
});
