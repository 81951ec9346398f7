import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withinBudget } from '../../../../src/core/decision/budget.ts';
import { sharedFairly } from '../../../../src/core/decision/sharing.ts';
import { settleBy, settleRules } from '../../../../src/core/settle.ts';
import { fleetWorlds, type PoolWish, sizesOf, usedBy } from '../../../support/fleet-laws.ts';
import { counterexample, runs } from '../../../support/properties.ts';
import { atOnce, recommendation, settleInput, target } from '../../../support/settle-builders.ts';

type Given = Pick<PoolWish, 'spec' | 'wanted'> & Partial<PoolWish>;

function sizes(pools: readonly Given[], gpus: number): readonly number[] {
  return sizesOf({ pools: pools.map((one) => ({ gpus: 1, min: 0, priority: 0, ...one })), gpus }, settleRules);
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

  test('that shrink for one that waits go before pools that shrink for nobody', () => {
    const wishes = { 'team-a/idle': [10, 1], 'team-b/idle': [10, 1], 'team-b/busy': [10, 20] } as const;
    const recommendations = Object.entries(wishes).map(([pool, [specReplicas, wanted]]) =>
      recommendation({ pool, targets: [target({ specReplicas, wanted, maxReplicas: 100 })], behavior: atOnce }),
    );
    const budget = { name: 'ResourceQuota team-b/gpus', gpus: 20, pools: ['team-b/idle', 'team-b/busy'] };
    const decided = (budgets: readonly (typeof budget)[]): readonly number[] =>
      settleBy(settleInput({ recommendations, fleet: { nodes: [], budgets } }), {
        ...settleRules,
        fleet: [sharedFairly, withinBudget],
      }).decisions.map(({ replicas }) => Number(replicas));
    expect(decided([budget])).toStrictEqual([10, 4, 10]);
    expect(decided([])).toStrictEqual([7, 7, 20]);
  });

  test('say what holds them', () => {
    const pool = 'team-a/chat';
    const recommendations = [
      recommendation({ pool, targets: [target({ specReplicas: 2, wanted: 8 })], behavior: atOnce }),
    ];
    const budgets = [{ name: 'ResourceQuota team-a/gpus', gpus: 5, pools: [pool] }];
    const { decisions } = settleBy(settleInput({ recommendations, fleet: { nodes: [], budgets } }), settleRules);
    expect(decisions[0]?.because[0]).toStrictEqual({
      reason: 'QuotaExceeded',
      message: 'Only to 5, not 8: 2 of the 5 GPUs of ResourceQuota team-a/gpus are held, the rest is shared',
    });
  });
});

/** Fewer GPUs than most want. */
const fleets = fleetWorlds.map(({ pools, gpus }) => [pools, gpus] as const);

describe('what is shared', () => {
  test('nothing that would fit is left', () => {
    expect(
      counterexample(
        fc.property(fleets, ([pools, gpus]) => {
          const [all, alone] = [sizes(pools, gpus), sizes(pools, 1e6)];
          const left = gpus - usedBy(pools, all);
          return pools.every((one, i) => all[i] === alone[i] || one.gpus > left);
        }),
        runs(42),
      ),
    ).toBeUndefined();
  });
  test('of equal replicas, one GPU more gives nobody fewer', () => {
    expect(
      counterexample(
        fc.property(fleets, ([list, gpus]) => {
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
        fc.property(fleets, ([list, gpus]) => {
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
