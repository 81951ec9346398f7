import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Recommendation } from '../../../../src/core/model/decision.ts';
import type { GpuBudget } from '../../../../src/core/model/pool.ts';
import { defaultBehavior } from '../../../../src/core/model/policy.ts';
import { settleBy, settleRules } from '../../../../src/core/settle.ts';
import { counterexample, runs } from '../../../support/properties.ts';
import { recommendation, settleInput, target } from '../../../support/settle-builders.ts';

interface Given {
  readonly spec: number;
  readonly wanted: number;
  readonly gpus?: number;
  readonly status?: number;
  readonly min?: number;
  readonly priority?: number;
  readonly mode?: Recommendation['mode'];
}

const atOnce = { type: 'Pods', value: 1000, periodSeconds: 1 } as const;
const free = {
  scaleUp: { ...defaultBehavior.scaleUp, policies: [atOnce] },
  scaleDown: { ...defaultBehavior.scaleDown, stabilizationWindowSeconds: 0, policies: [atOnce] },
};
const nameOf = (i: number): string => `team-a/${i}`;

function poolOf(
  { spec, wanted, gpus = 1, status = spec, min = 0, priority, mode = 'Scale' }: Given,
  i: number,
): Recommendation {
  const one = target({
    specReplicas: spec,
    wanted,
    gpusPerReplica: gpus,
    statusReplicas: status,
    minReplicas: min,
    maxReplicas: 100,
    evidence: { allowsDecrease: true, isAnythingKnown: true, showsIdle: true },
  });
  const more = priority === undefined ? {} : { priority };
  return recommendation({ pool: nameOf(i), mode, behavior: free, targets: [one], ...more });
}

function sizes(pools: readonly Given[], gpus: number): readonly number[] {
  const budget: GpuBudget = { name: 'ResourceQuota team-a/gpus', gpus, pools: pools.map((_, i) => nameOf(i)) };
  const recommendations = pools.map(poolOf);
  const { decisions } = settleBy(
    settleInput({ recommendations, fleet: { nodes: [], budgets: [budget] } }),
    settleRules,
  );
  return decisions.map(({ replicas }) => Number(replicas));
}

describe('pools that share GPUs', () => {
  const scenes: Readonly<Record<string, { pools: readonly Given[]; gpus: number; want: readonly number[] }>> = {
    'get what they want while it suffices': {
      pools: [
        { spec: 2, wanted: 5 },
        { spec: 3, wanted: 4 },
      ],
      gpus: 9,
      want: [5, 4],
    },
    'share the rest by what they lack': {
      pools: [
        { spec: 2, wanted: 8 },
        { spec: 2, wanted: 4 },
      ],
      gpus: 9,
      want: [6, 3],
    },
    'get their minimum first': {
      pools: [
        { spec: 4, wanted: 9, priority: 10 },
        { spec: 0, wanted: 6, min: 2 },
      ],
      gpus: 8,
      want: [6, 2],
    },
    'go by priority before need': {
      pools: [
        { spec: 2, wanted: 8 },
        { spec: 2, wanted: 5, priority: 10 },
      ],
      gpus: 8,
      want: [3, 5],
    },
    'count whole replicas': {
      pools: [
        { spec: 1, wanted: 3, gpus: 4 },
        { spec: 1, wanted: 9 },
      ],
      gpus: 11,
      want: [2, 3],
    },
    'wait for what is given back': {
      pools: [
        { spec: 6, wanted: 3, status: 6 },
        { spec: 2, wanted: 6 },
      ],
      gpus: 8,
      want: [3, 2],
    },
    'wait for what still drains': {
      pools: [
        { spec: 3, wanted: 3, status: 6 },
        { spec: 2, wanted: 6 },
      ],
      gpus: 8,
      want: [3, 2],
    },
    'are taken nothing from, though more is held than there is': {
      pools: [
        { spec: 6, wanted: 8 },
        { spec: 5, wanted: 5 },
      ],
      gpus: 8,
      want: [6, 5],
    },
    'do not count who only observes': {
      pools: [
        { spec: 2, wanted: 8 },
        { spec: 6, wanted: 9, mode: 'Observe' },
      ],
      gpus: 8,
      want: [8, 9],
    },
  };
  for (const [name, { pools, gpus, want }] of Object.entries(scenes)) {
    test(`${name}`, () => expect(sizes(pools, gpus)).toStrictEqual(want));
  }

  test('say what holds them', () => {
    const recommendations = [{ spec: 2, wanted: 8 }].map(poolOf);
    const budgets = [{ name: 'ResourceQuota team-a/gpus', gpus: 5, pools: [nameOf(0)] }];
    const { decisions } = settleBy(settleInput({ recommendations, fleet: { nodes: [], budgets } }), settleRules);
    expect(decisions[0]?.because[0]).toStrictEqual({
      reason: 'QuotaExceeded',
      message: 'Only to 5, not 8: 2 of the 5 GPUs of ResourceQuota team-a/gpus are held, the rest is shared',
    });
  });
});

const given: fc.Arbitrary<Given> = fc.record({
  spec: fc.integer({ min: 0, max: 12 }),
  wanted: fc.integer({ min: 0, max: 12 }),
  gpus: fc.integer({ min: 1, max: 8 }),
  min: fc.integer({ min: 0, max: 3 }),
  priority: fc.integer({ min: 0, max: 2 }),
});
const several = fc.array(given, { minLength: 1, maxLength: 5 });
const room = fc.integer({ min: 0, max: 120 });
const used = (pools: readonly Given[], all: readonly number[]): number =>
  pools.reduce((sum, { spec, gpus = 1 }, i) => sum + Math.max(spec, all[i] ?? 0) * gpus, 0);

describe('what is shared', () => {
  test('nothing that would fit is left', () => {
    expect(
      counterexample(
        fc.property(several, room, (pools, gpus) => {
          const [all, alone] = [sizes(pools, gpus), sizes(pools, 1e6)];
          const left = gpus - used(pools, all);
          return pools.every((one, i) => all[i] === alone[i] || (one.gpus ?? 1) > left);
        }),
        runs(42),
      ),
    ).toBeUndefined();
  });
  test('of equal replicas, one GPU more gives nobody fewer', () => {
    expect(
      counterexample(
        fc.property(several, room, (list, gpus) => {
          const pools = list.map((one) => ({ ...one, gpus: 1 }));
          const [before, after] = [sizes(pools, gpus), sizes(pools, gpus + 1)];
          return before.every((n, i) => (after[i] ?? 0) >= n);
        }),
        runs(43),
      ),
    ).toBeUndefined();
  });
  test('asked again with what was granted, they move no more', () => {
    expect(
      counterexample(
        fc.property(several, room, (list, gpus) => {
          const pools = list.map((one) => ({ ...one, wanted: Math.max(one.wanted, one.spec) }));
          const once = sizes(pools, gpus);
          const followed = pools.map((one, i) => ({ ...one, spec: once[i] ?? 0 }));
          return JSON.stringify(sizes(followed, gpus)) === JSON.stringify(once);
        }),
        runs(44),
      ),
    ).toBeUndefined();
  });
});
