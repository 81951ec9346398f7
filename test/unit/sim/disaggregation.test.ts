import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Disaggregation } from '../../../src/core/model/simulated-scenario.ts';
import { Replica, type ReplicaRequest } from '../../../src/sim/replica.ts';
import type { SimResult } from '../../../src/sim/result.ts';
import type { ScenarioOptions } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { workloadOf } from '../../../src/sim/workload/workload.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

const profile = profileWith();
const disaggregation: Disaggregation = { prefillReplicas: 1, kvBytesPerToken: 131_072, linkGbPerSecond: 10 };

function apart(options: Pick<ScenarioOptions, 'workload'> & Partial<ScenarioOptions>, size = 1): SimResult {
  return runSimulation(
    { profile, disaggregation, minReplicas: 1, initialReplicas: size, ...options },
    new Script({}, { initial: size }),
  );
}

/** When one engine alone has given the first token of a request, milliseconds. */
function firstTokenOf(request: Omit<ReplicaRequest, 'id'>): number {
  let first = Number.NaN;
  const observer = { firstToken: (_: number, atMs: number) => (first = atMs), finished: () => undefined };
  const engine = new Replica({ profile, startMs: 0, observer });
  engine.submit({ id: 0, ...request }, 0);
  engine.advance(Number.POSITIVE_INFINITY);
  return first;
}

const one = { arrivalMs: 1000, promptTokens: 1000, outputTokens: 50 };
const prefillMs = firstTokenOf({ promptTokens: 1000, outputTokens: 1 });
const decodeMs = firstTokenOf({ promptTokens: 1000, outputTokens: 50, cachedTokens: 999, isImported: true });
/** 1000 tokens of 128 KiB at 10 GB/s. */
const transferMs = 13.1072;

describe('prefill apart from decode', () => {
  it('gives the first token when the prompt was computed, sent and taken up by the decoder', () => {
    const { ttft, completed } = apart({ workload: workloadOf('one', [one], 60) });
    expect(completed).toBe(1);
    expect((ttft?.mean ?? 0) * 1000).toBeCloseTo(prefillMs + transferMs + decodeMs, 1);
    expect(decodeMs).toBeLessThan(prefillMs / 2);
  });

  it('sends one after the other over the link of a replica, and at once over two', () => {
    const slow = { ...disaggregation, linkGbPerSecond: 0.1 };
    const workload = workloadOf('two', [one, { ...one, arrivalMs: 1000.5 }], 60);
    const spread = ({ ttft }: SimResult): number => ((ttft?.p99 ?? 0) - (ttft?.p50 ?? 0)) * 1000;
    const queued = apart({ workload, disaggregation: slow });
    expect(spread(queued)).toBeGreaterThan(1200);
    expect(spread(queued)).toBeLessThan(1400);
    expect(spread(apart({ workload, disaggregation: { ...slow, prefillReplicas: 2 } }))).toBeLessThan(50);
  });

  it('adds what the link takes to be heard', () => {
    const workload = workloadOf('one', [one], 60);
    const later = apart({ workload, disaggregation: { ...disaggregation, linkMilliseconds: 7 } });
    expect(((later.ttft?.mean ?? 0) - (apart({ workload }).ttft?.mean ?? 0)) * 1000).toBeCloseTo(7, 2);
  });

  it('keeps long prompts of others out of the time between tokens', () => {
    const workload = poisson({ rate: 4, seconds: 120, prompt: 6000, output: 200 });
    const together = runSimulation({ workload, profile, initialReplicas: 2 }, new Script({}, { initial: 2 }));
    const split = apart({ workload });
    expect(split.completed).toBe(together.completed);
    expect(split.itl?.p99 ?? 1).toBeLessThan((together.itl?.p99 ?? 0) / 2);
  });

  it('pays for the replicas that only prefill throughout, and says what they did', () => {
    const { gpuHours, gpuHoursBy, isValidated } = apart({ workload: workloadOf('one', [one], 3600) });
    expect(gpuHours).toBeCloseTo(2, 9);
    expect(gpuHoursBy.idle + gpuHoursBy.busy).toBeCloseTo(2, 9);
    expect(gpuHoursBy.busy * 3_600_000).toBeGreaterThan(prefillMs + decodeMs);
    expect(isValidated).toBe(false);
    expect(runSimulation({ workload: workloadOf('one', [one], 60), profile }, new Script({}))).not.toHaveProperty(
      'isValidated',
    );
  });

  it('computes anew what a full decoder had to give up, for its KV is gone', () => {
    const engine = (isImported: boolean): number => {
      let last = Number.NaN;
      const observer = { firstToken: () => undefined, finished: (_: number, atMs: number) => (last = atMs) };
      const replica = new Replica({ profile: profileWith({ kvCapacityTokens: 2080 }), startMs: 0, observer });
      for (const id of [0, 1]) {
        replica.submit({ id, promptTokens: 1000, outputTokens: 60, cachedTokens: 999, isImported }, 0);
      }
      replica.advance(Number.POSITIVE_INFINITY);
      expect(replica.snapshot().preemptionsTotal).toBe(1);
      expect(replica.freeBlocks).toBe(130);
      return last;
    };
    expect(engine(true) - engine(false)).toBeGreaterThan(prefillMs / 2);
  });

  it('whatever is ordered, every arrival is completed, shed or lost, each GPU-hour has one use, and each seed has its bytes', () => {
    const runs = fc.record({
      rate: fc.constantFrom(2, 12, 40),
      seed: fc.integer({ min: 1, max: 1000 }),
      prefillReplicas: fc.integer({ min: 1, max: 3 }),
      linkGbPerSecond: fc.constantFrom(0.05, 1, 100),
      gracePeriodSeconds: fc.constantFrom(0, 30),
      sizes: fc.dictionary(
        fc.integer({ min: 1, max: 24 }).map((n) => `${n * 5}`),
        fc.integer({ min: 0, max: 5 }),
        { maxKeys: 6 },
      ),
    });
    fc.assert(
      fc.property(runs, ({ rate, seed, sizes, gracePeriodSeconds, ...link }) => {
        const options = {
          workload: poisson({ rate, seconds: 120, seed, prompt: 800 }),
          profile: profileWith({ kvCapacityTokens: 20_000, maxNumSeqs: 16 }),
          disaggregation: { ...disaggregation, ...link },
          gracePeriodSeconds,
          seed,
          coldStartSeconds: 20,
          minReplicas: 0,
          maxReplicas: 5,
        };
        const run = (): SimResult => runSimulation(options, new Script(sizes, { initial: 1 }));
        const result = run();
        expect(result.completed + result.shed + result.lost).toBe(result.arrivals);
        const uses = Object.values(result.gpuHoursBy);
        expect(uses.reduce((sum, hours) => sum + hours, 0)).toBeCloseTo(result.gpuHours, 9);
        expect(Math.min(...uses)).toBeGreaterThanOrEqual(0);
        expect(JSON.stringify(run())).toBe(JSON.stringify(result));
      }),
      { numRuns: 25, seed: 22 },
    );
  });
});
