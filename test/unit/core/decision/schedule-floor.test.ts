import { describe, expect, test } from 'vitest';
import type { Floor } from '../../../../src/core/model/pool.ts';
import { replicas } from '../../../../src/core/model/units.ts';
import {
  at,
  poolPolicy,
  poolSeen,
  replicasSeen,
  samples,
  targetPolicy,
  targetSeen,
} from '../../../support/builders.ts';
import { passes } from '../../../support/scenes.ts';

const floor: Floor = { from: at(900), to: at(1800), replicas: replicas(6) };

/** Sizes by second of an idle pool of two whose cold start takes 300 s, as its tunables say. */
function sizes(floors: readonly Floor[], maxReplicas = 10): ReadonlyMap<number, number> {
  const seen = (t: number, spec: number): ReturnType<typeof poolSeen> =>
    poolSeen({ floors, targets: [targetSeen({ replicas: replicasSeen(spec, { samples: samples({}, at(t)) }) })] });
  const policy = poolPolicy({
    targets: [targetPolicy({ minReplicas: replicas(2), maxReplicas: replicas(maxReplicas) })],
  });
  return new Map(passes({ seen, policy, spec: 2, to: 3000 }).map(({ t, spec }) => [t, spec]));
}

describe('a floor of a schedule', () => {
  const all = sizes([floor]);
  test('is ordered one cold start before it begins', () => {
    expect([all.get(585), all.get(600)]).toStrictEqual([2, 6]);
  });
  test('holds until it ends, and is given back after the window', () => {
    expect([all.get(1785), all.get(3000)]).toStrictEqual([6, 2]);
  });
  test('never exceeds the maximum', () => {
    expect(Math.max(...sizes([floor], 4).values())).toBe(4);
  });
  test('of another target is not ours', () => {
    expect(Math.max(...sizes([{ ...floor, target: 'other' }]).values())).toBe(2);
    expect(Math.max(...sizes([{ ...floor, target: 'chat' }]).values())).toBe(6);
  });
});
