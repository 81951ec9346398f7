import { describe, expect, test } from 'vitest';
import type { PoolSeen } from '../../../src/core/model/pool.ts';
import { replicas } from '../../../src/core/model/units.ts';
import {
  llama8bH100,
  missingSamples,
  poolPolicy,
  poolSeen,
  replicaSeen,
  serving,
  targetPolicy,
  targetSeen,
} from '../../support/builders.ts';
import { lastProposal } from '../../support/scenes.ts';

describe('several targets', () => {
  const policy = poolPolicy({
    targets: [
      targetPolicy({ target: 'cheap', profile: llama8bH100, maxReplicas: replicas(2) }),
      targetPolicy({ target: 'dear', profile: llama8bH100, maxReplicas: replicas(50) }),
    ],
  });
  const seen = (t: number) =>
    poolSeen({
      targets: [
        targetSeen({ target: 'cheap', replicas: serving(2, 30, t) }),
        targetSeen({
          target: 'dear',
          replicas: serving(4, 100, t).map((r) => ({ ...r, id: `d${r.id}` })),
        }),
      ],
    });

  test('are filled in their order: the second takes what the first may not', () => {
    const { targets } = lastProposal({ seen, policy, to: 600 }).recommendation;
    expect(targets.map((t) => t.target)).toEqual(['cheap', 'dear']);
    expect(targets[0]?.wanted).toBe(2);
    expect(targets[1]?.wanted).toBeGreaterThanOrEqual(6);
    expect(targets[1]?.wanted).toBeLessThanOrEqual(10);
  });

  /** By name, what is wanted when the costs of an hour are these. */
  const wantedAt = (cheap: number | undefined, dear: number | undefined, shown = seen): readonly unknown[] => {
    const costs = [cheap, dear];
    const priced = policy.targets.map((one, i) => {
      const cost = costs[i];
      return { ...one, maxReplicas: replicas(50), ...(cost === undefined ? {} : { costPerReplicaHour: cost }) };
    });
    const { targets } = lastProposal({ seen: shown, policy: { ...policy, targets: priced }, to: 600 }).recommendation;
    return targets.map(({ wanted }) => Number(wanted));
  };

  test('are filled from the one that serves cheapest, whatever their order', () => {
    const [all = 0, few] = wantedAt(2, 8) as number[];
    expect(all).toBeGreaterThanOrEqual(8);
    expect(few).toBeLessThanOrEqual(4);
    expect((wantedAt(8, 2) as number[])[1]).toBeGreaterThanOrEqual(all - 2);
    expect(wantedAt(undefined, 2)).toStrictEqual(wantedAt(undefined, undefined));
  });

  test('of which the cheapest cannot start leave the shortfall to the next', () => {
    const blocked = (t: number): PoolSeen => {
      const [cheap, dear] = seen(t).targets;
      const stuck = Array.from({ length: 3 }, (_, i) =>
        replicaSeen(`u${i}`, { phase: 'Unschedulable', samples: missingSamples('NotScraped') }),
      );
      const more = { ...cheap, specReplicas: replicas(5), replicas: [...(cheap?.replicas ?? []), ...stuck] };
      return poolSeen({ targets: [targetSeen(more), targetSeen(dear)] });
    };
    const [cheap, dear] = wantedAt(2, 8, blocked) as number[];
    expect(cheap).toBe(5);
    expect(dear).toBeGreaterThanOrEqual(6);
  });
});
