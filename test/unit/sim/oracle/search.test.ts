import { beforeAll, expect, test } from 'vitest';
import { binLoads, leastGpuHours } from '../../../../src/sim/oracle/bin-loads.ts';
import { createOracle } from '../../../../src/sim/oracle/policies.ts';
import { type Foresight, foresee } from '../../../../src/sim/oracle/search.ts';
import { createStatic } from '../../../../src/sim/policies/static.ts';
import { type ScenarioOptions, scenarioOf } from '../../../../src/sim/scenario.ts';
import { runSimulation } from '../../../../src/sim/simulation.ts';
import { dayWorkload } from '../../../../src/sim/workload/day.ts';
import { workloadOf } from '../../../../src/sim/workload/workload.ts';
import { llama8bH100 } from '../../../support/builders.ts';
import { poisson } from '../../../support/simulations.ts';

const scenario: ScenarioOptions = {
  workload: dayWorkload({ compress: 96, peakRate: 90 }),
  profile: llama8bH100,
  maxReplicas: 10,
  coldStartSeconds: 60,
};
let foresight: Foresight;
beforeAll(() => {
  foresight = foresee(scenario);
});

test('the oracle holds 99 of 100, and its plan gives the same run again', () => {
  const result = runSimulation(scenario, createOracle(foresight.plan));
  expect(foresight.attainment).toBeGreaterThanOrEqual(0.99);
  expect([result.attainment, result.gpuHours]).toStrictEqual([foresight.attainment, foresight.gpuHours]);
});

test('no fixed fleet holds 99 of 100 at fewer GPU-hours, and the lower bound is lower', () => {
  const holding = Array.from({ length: 10 }, (_, at) => at + 1).flatMap((replicas) => {
    const setting = { minReplicas: 1, maxReplicas: 10, seed: 1 };
    const result = runSimulation(scenario, createStatic('static', { replicas }, setting));
    return (result.attainment ?? 0) >= 0.99 ? [result.gpuHours] : [];
  });
  expect(holding.length).toBeGreaterThan(0);
  expect(foresight.gpuHours).toBeLessThan(Math.min(...holding));
  expect(foresight.leastGpuHours).toBeLessThan(foresight.gpuHours);
});

test('where the maximum is too small the oracle runs at it while it must', () => {
  const { plan, attainment } = foresee({ ...scenario, maxReplicas: 2 });
  expect(attainment).toBeLessThan(0.99);
  expect(Math.max(...plan.sizes)).toBe(2);
});

test('nothing arrives: the floor is all that is needed, and all that is paid for', () => {
  const idle = { workload: workloadOf('idle', [], 600), profile: llama8bH100, minReplicas: 1 };
  const { plan, gpuHours, attainment } = foresee(idle);
  expect([gpuHours, attainment, plan.orders]).toStrictEqual([1 / 6, null, []]);
  expect(leastGpuHours(binLoads(scenarioOf(idle)), scenarioOf(idle))).toBe(1 / 6);
});

test('few long requests at a steady rate: the oracle pays no more than the smallest fixed fleet that holds', () => {
  const few: ScenarioOptions = {
    workload: poisson({ rate: 3, seconds: 3000, prompt: 10_000, output: 400 }),
    profile: llama8bH100,
    maxReplicas: 8,
    coldStartSeconds: 60,
  };
  const smallest = Array.from({ length: 8 }, (_, at) => {
    const setting = { minReplicas: 1, maxReplicas: 8, seed: 1 };
    return runSimulation(few, createStatic('static', { replicas: at + 1 }, setting));
  }).find(({ attainment }) => (attainment ?? 0) >= 0.99);
  expect(smallest?.peakReplicas).toBeGreaterThan(1);
  expect(foresee(few).gpuHours).toBeLessThanOrEqual(smallest?.gpuHours ?? 0);
});
