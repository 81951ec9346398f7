import { expect, test } from 'vitest';
import { keepThroughGaps, planOf } from '../../../../src/sim/oracle/plan.ts';
import { createOracle, createReactiveOracle } from '../../../../src/sim/oracle/policies.ts';
import type { SimulatedPolicy } from '../../../../src/sim/policies/policy.ts';
import type { SimResult } from '../../../../src/sim/result.ts';
import { runSimulation } from '../../../../src/sim/simulation.ts';
import { llama8bH100 } from '../../../support/builders.ts';
import { poisson } from '../../../support/simulations.ts';

const gaps = {
  'a gap as long as a start is kept through': { needs: [2, 1, 1, 2], kept: [2, 2, 2, 2] },
  'a longer gap is let go': { needs: [2, 1, 1, 1, 2], kept: [2, 1, 1, 1, 2] },
  'each replica has its own gap': { needs: [3, 1, 2, 1, 3], kept: [3, 2, 2, 2, 3] },
  'nothing is kept before the first need and after the last': { needs: [1, 1, 3, 1, 1], kept: [1, 1, 3, 1, 1] },
} as const;
for (const [name, { needs, kept }] of Object.entries(gaps)) {
  test(`with starts of 20 s, ${name}`, () => expect(keepThroughGaps(needs, 20)).toStrictEqual(kept));
}

test('each further replica is ordered its own lead time ahead, each less at once', () => {
  const leads = { usual: 20, of: (k: number): number => 20 + k };
  const { sizes, orders } = planOf([1, 1, 1, 1, 1, 3, 3, 1, 1], leads);
  expect(sizes).toStrictEqual([1, 1, 1, 1, 1, 3, 3, 1, 1]);
  expect(orders).toStrictEqual([
    { at: 29, replicas: 2 },
    { at: 30, replicas: 3 },
    { at: 70, replicas: 1 },
  ]);
});

test('what is needed before an order could be filled is there from the beginning', () => {
  const { sizes, orders } = planOf([1, 1, 4, 4], { usual: 30, of: () => 30 });
  expect([sizes, orders]).toStrictEqual([[4, 4, 4, 4], []]);
});

/** One replica, then from second 600 on demand for 8 that stays; every start takes 110 s, for no node holds anything. */
const needs = Array.from({ length: 150 }, (_, bin) => (bin < 60 ? 1 : 8));
const plan = planOf(needs, { usual: 110, of: () => 110 });
function ramp(policy: SimulatedPolicy): SimResult {
  const workload = poisson({ rate: 1, seconds: 1500 });
  return runSimulation(
    { workload, profile: llama8bH100, startSpread: 0, gpusPerNode: 1, nodes: 9, timelineStepSeconds: 5 },
    policy,
  );
}

function readyAt(result: SimResult, replicas: number): number | undefined {
  return result.timeline.t[result.timeline.replicas.findIndex(({ ready }) => ready >= replicas)];
}

test('an oracle has 8 ready at the second that needs them, and never more', () => {
  const result = ramp(createOracle(plan));
  expect([readyAt(result, 2), readyAt(result, 8), result.peakReplicas]).toStrictEqual([600, 600, 8]);
  expect(result.decisions.map(({ t, to }) => [t, to])).toStrictEqual([[490, 8]]);
});

const serving = { scrapeIntervalSeconds: 5, leadSeconds: 110, maxReplicas: 9 };

test('a reactive oracle has them one scrape and one cold start later, by one order', () => {
  const result = ramp(createReactiveOracle(plan, { ...serving, rates: [], replicaRates: [] }));
  expect([readyAt(result, 8), result.peakReplicas]).toStrictEqual([600 + 5 + 110, 8]);
  expect(result.decisions.map(({ t, to }) => [t, to])).toStrictEqual([[605, 8]]);
});

test('a reactive oracle orders once for the queue that will stand, and gives that back when none does', () => {
  const rates = needs.map((need) => (need === 1 ? 0.5 : 8));
  const result = ramp(createReactiveOracle(plan, { ...serving, rates, replicaRates: rates.map(() => 1) }));
  // 7 requests a second are not served for 110 s: 14 replicas more would drain them in 55 s, the maximum allows one.
  const [first, second] = result.decisions;
  expect([first?.t, first?.to]).toStrictEqual([605, 9]);
  expect(second?.t).toBeGreaterThanOrEqual(715);
});
