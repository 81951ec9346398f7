import { describe, expect, it } from 'vitest';
import { runSimulation } from '../../../src/sim/simulation.ts';
import type { Scenario } from '../../../src/sim/scenario.ts';
import type { SimResult } from '../../../src/sim/result.ts';
import { ColumnBuilder } from '../../../src/sim/workload/columns.ts';
import { type Workload, workloadOf } from '../../../src/sim/workload/workload.ts';
import { profileWith } from '../../support/profiles.ts';
import { Script } from '../../support/simulations.ts';

/** One request at a time, 1 ms a token. */
const profile = profileWith({ alpha: 1, w: 0, beta: 0, gamma: 0, delta: 0, maxNumSeqs: 1 });

interface Seen {
  readonly result: SimResult;
  /** Two replicas. Queued at the gateway as policies saw it each second, and requests that each replica had finished at the end. */
  readonly queued: readonly number[];
  readonly finished: readonly number[];
  /** A counter of each replica at the end. */
  readonly last: readonly ((name: 'finishedTotal' | 'cachedPromptTokensTotal') => number)[];
}

function serve(outputTokens: readonly number[], options: Partial<Scenario>, gapMs = 1): Seen {
  const rows = outputTokens.map((tokens, i) => ({ arrivalMs: 10 + i * gapMs, promptTokens: 1, outputTokens: tokens }));
  return run(workloadOf('burst', rows, 30), options);
}

function run(workload: Workload, options: Partial<Scenario>): Seen {
  const policy = new Script({}, { tickSeconds: 1, initial: 2 });
  const result = runSimulation(
    { workload, profile, scrapeIntervalSeconds: 1, scrapeLagSeconds: 0, timelineStepSeconds: 1, ...options },
    policy,
  );
  const number = (sample: { readonly kind: string; readonly value?: number } | undefined): number =>
    sample?.value ?? -1;
  const last = (policy.views.at(-1)?.seen.targets[0]?.replicas ?? []).map(
    ({ samples }) =>
      (name: 'finishedTotal' | 'cachedPromptTokensTotal') =>
        number(samples[name]),
  );
  return {
    result,
    queued: policy.views.map(({ seen }) => number(seen.gateway?.queued)),
    last,
    finished: last.map((of) => of('finishedTotal')),
  };
}

describe('the gateway', () => {
  it('sends to the replica with the least in flight', () => {
    const { finished } = serve([9000, 100, 100, 100, 100], {}, 200);
    expect(finished.toSorted()).toStrictEqual([1, 4]);
  });

  it('takes replicas in turn when told to, whatever they hold', () => {
    const { finished } = serve([9000, 100, 100, 100], { routing: 'RoundRobin' });
    expect(finished).toStrictEqual([2, 2]);
  });

  describe('by prefix', () => {
    const alike = (kinds: number, gapMs: number, routing: Scenario['routing'], prefixCaching = true): Seen => {
      const columns = new ColumnBuilder(16);
      for (let i = 0; i < 20; i++) {
        const prefix = [1, 2, 3, 4].map((block) => 10 * (i % kinds) + block);
        columns.push({ arrivalMs: 10 + gapMs * i, promptTokens: 70, outputTokens: 50, prefix });
      }
      return run(columns.workload(`${kinds} prompts`, 30), { routing, prefixCaching });
    };
    const cached = ({ last }: Seen): number => last.reduce((sum, of) => sum + of('cachedPromptTokensTotal'), 0);

    it('sends what begins alike to the same replica, which computes it once', () => {
      expect(cached(alike(3, 300, 'PrefixAffine'))).toBe((20 - 3) * 64);
      expect(cached(alike(3, 300, 'RoundRobin'))).toBe((20 - 2 * 3) * 64);
    });

    it('sends it elsewhere when that replica is a quarter busier than the mean', () => {
      const [less = 0, more = 0] = alike(1, 0, 'PrefixAffine').finished.toSorted((a, b) => a - b);
      expect(less + more).toBe(20);
      expect(more).toBeLessThanOrEqual(Math.ceil((1.25 * 20) / 2));
    });

    it('finds nothing where engines do not cache prefixes', () => {
      expect(cached(alike(1, 300, 'LeastLoaded'))).toBe((20 - 2) * 64);
      expect(cached(alike(1, 300, 'LeastLoaded', false))).toBe(0);
    });
  });

  it('leaves the queue to the engines, or holds while all of them are full', () => {
    const direct = serve([5000, 5000, 5000, 5000], {});
    expect(Math.max(...direct.queued)).toBe(0);
    const held = serve([5000, 5000, 5000, 5000], { gatewayHolds: 'AllFull' });
    expect(held.queued.slice(1, 5)).toStrictEqual([2, 2, 2, 2]);
    expect(held.queued[6]).toBe(0);
    expect(held.result.e2e?.p99).toBeCloseTo(direct.result.e2e?.p99 ?? 0, 2);
  });

  it('gives what it holds to whoever is free first', () => {
    const { result, finished } = serve([9000, 2000, 1000, 1000], { gatewayHolds: 'AllFull' });
    expect(finished.toSorted()).toStrictEqual([1, 3]);
    expect(result.e2e?.p95).toBeCloseTo(9, 1);
  });

  it('sheds what finds the waiting room full, and what waited too long', () => {
    const full = serve([5000, 5000, 5000, 5000, 5000], { gatewayHolds: 'AllFull', gatewayQueueLimit: 2 });
    expect(full.result).toMatchObject({ completed: 4, shed: 1 });
    const late = serve([5000, 5000, 5000, 5000, 5000], { gatewayHolds: 'AllFull', gatewayTimeoutSeconds: 3 });
    expect(late.result).toMatchObject({ completed: 2, shed: 3, lost: 0 });
  });

  it('sheds a request that no replica can ever hold', () => {
    const { result } = serve([100, 500_000], {});
    expect(result).toMatchObject({ completed: 1, shed: 1 });
  });
});
