import { expect, test } from 'vitest';
import { runJob, type SimRun } from '../../../src/cli/simulation-job.ts';
import { withIterationFactor } from '../../../src/sim/iteration-factor.ts';
import { workloadOf } from '../../../src/sim/workload/workload.ts';
import { llama8bH100 } from '../../support/builders.ts';

/** One request after another, each alone in the engine. */
const workload = workloadOf(
  'alone',
  Array.from({ length: 5 }, (_, at) => ({ arrivalMs: at * 30_000, promptTokens: 800, outputTokens: 100 })),
  150,
);

async function at(iterationFactor: number): Promise<SimRun> {
  const definition = { kind: 'SimulatedPolicy', name: 's', algorithm: 'Static', parameters: { replicas: 1 } } as const;
  return runJob(
    { label: 's', definition, scenario: { workload, profile: llama8bH100 }, iterationFactor },
    () => undefined,
  );
}

test('a factor of the band lengthens every iteration by it and leaves what is outside', async () => {
  const tau0 = llama8bH100.tau0 / 1000;
  const [one, longer] = await Promise.all([at(1), at(1.1)]);
  const inside = (run: SimRun): number => (run.result.e2e?.mean ?? 0) - tau0;
  expect(inside(longer)).toBeCloseTo(1.1 * inside(one), 9);
  expect([one.result.iterationFactor, longer.result.iterationFactor]).toStrictEqual([1, 1.1]);
});

test('the capacity of an engine stays what it is: only its times are scaled', () => {
  const { kvCapacityTokens, maxNumSeqs, tau0, gpusPerReplica } = llama8bH100;
  expect(withIterationFactor(llama8bH100, 0.9)).toMatchObject({ kvCapacityTokens, maxNumSeqs, tau0, gpusPerReplica });
});
