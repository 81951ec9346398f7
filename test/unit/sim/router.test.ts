import { describe, expect, it } from 'vitest';
import { runSimulation } from '../../../src/sim/simulation.ts';
import type { Scenario } from '../../../src/sim/scenario.ts';
import type { SimResult } from '../../../src/sim/result.ts';
import { workloadOf } from '../../../src/sim/workload/workload.ts';
import { profileWith } from '../../support/profiles.ts';
import { Script } from '../../support/simulations.ts';

/** One request at a time, 1 ms a token. */
const profile = profileWith({ alpha: 1, w: 0, beta: 0, gamma: 0, delta: 0, maxNumSeqs: 1 });

interface Seen {
  readonly result: SimResult;
  /** Two replicas. Queued at the gateway as policies saw it each second, and requests that each replica had finished at the end. */
  readonly queued: readonly number[];
  readonly finished: readonly number[];
}

function serve(outputTokens: readonly number[], options: Partial<Scenario>, gapMs = 1): Seen {
  const rows = outputTokens.map((tokens, i) => ({ arrivalMs: 10 + i * gapMs, promptTokens: 1, outputTokens: tokens }));
  const workload = workloadOf('burst', rows, 30);
  const policy = new Script({}, { tickSeconds: 1, initial: 2 });
  const result = runSimulation(
    { workload, profile, scrapeIntervalSeconds: 1, scrapeLagSeconds: 0, timelineStepSeconds: 1, ...options },
    policy,
  );
  const number = (sample: { readonly kind: string; readonly value?: number } | undefined): number =>
    sample?.value ?? -1;
  return {
    result,
    queued: policy.views.map(({ seen }) => number(seen.gateway?.queued)),
    finished: (policy.views.at(-1)?.seen.targets[0]?.replicas ?? []).map(({ samples }) =>
      number(samples.finishedTotal),
    ),
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
