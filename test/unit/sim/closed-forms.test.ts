import { describe, expect, it } from 'vitest';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { RandomStream } from '../../../src/sim/rng.ts';
import { workloadOf } from '../../../src/sim/workload/workload.ts';
import { profileWith } from '../../support/profiles.ts';
import { Script } from '../../support/simulations.ts';

/** One sequence at a time, 1 ms an iteration: a request of n tokens is served for n ms. */
const server = profileWith({ alpha: 1, w: 0, beta: 0, gamma: 0, delta: 0, maxNumSeqs: 1 });
const count = 100_000;

interface Waits {
  readonly simulated: number;
  /** By Lindley's recursion on the same arrivals and services. */
  readonly recursion: number;
}

function meanWaitsMs(rho: number, serviceTokens: (stream: RandomStream) => number, meanTokens: number): Waits {
  const stream = new RandomStream(17, `closed-forms/${rho}`);
  let at = 0;
  let wait = 0;
  let waits = 0;
  let services = 0;
  const rows = Array.from({ length: count }, () => {
    const gap = stream.exponential(meanTokens / rho);
    wait = Math.max(0, wait - gap);
    waits += wait;
    at += gap;
    const outputTokens = serviceTokens(stream);
    wait += outputTokens;
    services += outputTokens;
    return { arrivalMs: at, promptTokens: 1, outputTokens };
  });
  const workload = workloadOf('queue', rows, at / 1000 + 1);
  const result = runSimulation({ workload, profile: server, maxReplicas: 1 }, new Script({}, { tickSeconds: 1e5 }));
  expect(result.completed).toBe(count);
  return { simulated: ((result.e2e?.mean ?? 0) * 1000 * count - services) / count, recursion: waits / count };
}

describe('one replica as a queue', () => {
  for (const [rho, want] of [
    [0.5, 50],
    [0.8, 200],
  ] as const) {
    it(`waits as M/D/1 at a load of ${rho}: ${want} ms of 100 ms services`, () => {
      const { simulated, recursion } = meanWaitsMs(rho, () => 100, 100);
      expect(simulated).toBeCloseTo(recursion, 4);
      expect(Math.abs(simulated / want - 1)).toBeLessThan(0.05);
    });

    it(`waits as M/M/1 at a load of ${rho}: ${2 * want} ms of 100 ms services`, () => {
      const { simulated, recursion } = meanWaitsMs(rho, (stream) => Math.ceil(stream.exponential(100)), 100.5);
      expect(simulated).toBeCloseTo(recursion, 4);
      expect(Math.abs(simulated / (2 * want) - 1)).toBeLessThan(0.05);
    });
  }
});
