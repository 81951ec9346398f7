import { describe, expect, test } from 'vitest';
import type { GatewaySamples, PoolSeen } from '../../../src/core/model/pool.ts';
import { missing, value } from '../../../src/core/model/sample.ts';
import { replicas } from '../../../src/core/model/units.ts';
import {
  at,
  poolPolicy,
  poolSeen,
  replicasSeen,
  samples,
  targetPolicy,
  targetSeen,
  tunables,
} from '../../support/builders.ts';
import { passes } from '../../support/scenes.ts';

interface Quiet {
  readonly minReplicas?: number;
  readonly hasGateway?: boolean;
  /** Its page shows the queue only. */
  readonly isUncounted?: boolean;
  readonly quantile?: number;
  /** Requests that came before these seconds, each second. */
  readonly busyUntil?: number;
  /** One request waits at the gateway from then on. */
  readonly waitsFrom?: number;
  readonly to?: number;
}

/** Sizes by second of a pool of one whose cold start takes 300 s. */
function sizes({
  minReplicas = 0,
  hasGateway = true,
  isUncounted = false,
  quantile = 0.95,
  busyUntil = 0,
  waitsFrom = Infinity,
  to = 7200,
}: Quiet): ReadonlyMap<number, number> {
  const seen = (t: number, spec: number): PoolSeen => {
    const count = Math.min(t, busyUntil);
    const gateway: GatewaySamples = {
      queued: value(t >= waitsFrom ? 1 : 0, at(t)),
      requestsTotal: isUncounted ? missing('NotExposed') : value(count, at(t)),
    };
    const readings = { finishedTotal: count / Math.max(1, spec), running: t < busyUntil ? 2 : 0 };
    return poolSeen({
      ...(hasGateway ? { gateway } : {}),
      targets: [targetSeen({ replicas: replicasSeen(spec, { samples: samples(readings, at(t)) }) })],
    });
  };
  const policy = poolPolicy({
    targets: [targetPolicy({ minReplicas: replicas(minReplicas) })],
    tunables: { ...tunables, provisioningQuantile: quantile },
  });
  return new Map(passes({ seen, policy, spec: 1, to }).map(({ t, spec }) => [t, spec]));
}
const firstZero = (all: ReadonlyMap<number, number>): number => [...all].find(([, n]) => n === 0)?.[0] ?? Infinity;

describe('zero', () => {
  test('comes when keeping one has cost as much as the wait that it spares', () => {
    // 0.95 / 0.05 x 300 s of lead time, a little less than all of it seen.
    const first = firstZero(sizes({}));
    expect(first).toBeGreaterThanOrEqual(0.8 * 5700);
    expect(first).toBeLessThanOrEqual(5700 + 300 + 15);
  });
  test('comes sooner where waiting is less dear', () => {
    const first = firstZero(sizes({ quantile: 0.8 }));
    expect(first).toBeGreaterThanOrEqual(0.8 * 1200);
    expect(first).toBeLessThanOrEqual(1200 + 300 + 15);
  });
  test('comes after traffic too, though its bound never fades to nothing', () => {
    // The replicas that it ordered took 100 s each: the payback of 600 s is the longer.
    const first = firstZero(sizes({ quantile: 0.8, busyUntil: 900 }));
    expect(first).toBeGreaterThanOrEqual(900 + 0.8 * 600);
    expect(first).toBeLessThanOrEqual(900 + 600 + 300 + 30);
  });
  test('stays, and ends with the first request that waits', () => {
    const all = sizes({ quantile: 0.8, waitsFrom: 3000 });
    expect([all.get(2985), all.get(3000)]).toStrictEqual([0, 1]);
  });
  test('stays for hours where only the queue is known, and ends as soon', () => {
    const all = sizes({ quantile: 0.8, isUncounted: true, waitsFrom: 7000 });
    const zero = firstZero(all);
    expect(zero).toBeLessThanOrEqual(1200 + 300 + 15);
    expect([...all].filter(([t]) => t >= zero && t < 7000).every(([, n]) => n === 0)).toBe(true);
    expect(all.get(7005)).toBe(1);
  });
  test('needs a room to wait in, and a minimum that allows it', () => {
    expect(firstZero(sizes({ hasGateway: false }))).toBe(Infinity);
    expect(firstZero(sizes({ minReplicas: 1 }))).toBe(Infinity);
  });
});
