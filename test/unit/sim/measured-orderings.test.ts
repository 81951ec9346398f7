import { beforeAll, expect, test } from 'vitest';
import { readProfile } from '../../../src/config/profile-file.ts';
import type { KedaEppParameters } from '../../../src/core/model/policy-definition.ts';
import type { Behavior } from '../../../src/core/model/policy.ts';
import type { SimResult } from '../../../src/sim/result.ts';
import { RandomStream } from '../../../src/sim/rng.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { workloadOf } from '../../../src/sim/workload/workload.ts';
import { definitionOf, policyOf } from '../../support/peer-policies.ts';
import { Script } from '../../support/simulations.ts';

/**
 * llm-d measured autoscalers on H100s (Qwen3-32B, 20 requests a second of 4,000 prompt and 1,000 output tokens for 600 s, from one replica, starts of 93 to
 * 139 s): P99 of the time to first token 555 s with two fixed replicas, 555 s with a pod added each 180 s and 507 s with KEDA, which reached all ten. Its
 * engine flags are not stated and its percentiles are those of what ended in the window, so only the order is held.
 */
const results = new Map<string, SimResult>();
const stream = new RandomStream(1, 'test/measured-orderings');
const rows: { arrivalMs: number; promptTokens: number; outputTokens: number }[] = [];
for (let at = 0; at < 600; at += stream.exponential(1 / 20)) {
  rows.push({ arrivalMs: at * 1000, promptTokens: 4000, outputTokens: 1000 });
}
const workload = workloadOf('20 a second', rows, 600);
const slowly: Behavior = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [{ type: 'Pods', value: 1, periodSeconds: 180 }],
  },
  scaleDown: {
    stabilizationWindowSeconds: 300,
    selectPolicy: 'Max',
    policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }],
  },
};

beforeAll(async () => {
  const profile = await readProfile('qwen3-32b-h100-tp2');
  const keda = await definitionOf('keda-epp');
  if (keda.kind !== 'SimulatedPolicy' || keda.algorithm !== 'KedaEpp') throw new TypeError('keda-epp must be KedaEpp');
  const shared = { workload, profile, coldStartSeconds: 110, maxReplicas: 10, drainSeconds: 3600 };
  const run = (parameters: KedaEppParameters): SimResult =>
    runSimulation({ ...shared, initialReplicas: 1 }, policyOf({ ...keda, parameters }, { maxReplicas: 10 }));
  results.set('two fixed', runSimulation({ ...shared, initialReplicas: 2 }, new Script({}, { initial: 2 })));
  results.set('a pod each 180 s', run({ ...keda.parameters, behavior: slowly }));
  results.set('KEDA', run(keda.parameters));
});

const p99 = (name: string): number => results.get(name)?.ttft?.p99 ?? Number.NaN;

test('first tokens come latest from two fixed replicas, sooner with a pod each 180 s, soonest with KEDA at once', () => {
  expect(p99('two fixed')).toBeGreaterThan(p99('a pod each 180 s'));
  expect(p99('a pod each 180 s')).toBeGreaterThan(p99('KEDA'));
});

test('all ten replicas are reached, and still the last first tokens take minutes: they came too late', () => {
  expect(results.get('KEDA')?.peakReplicas).toBe(10);
  expect(results.get('a pod each 180 s')?.peakReplicas).toBe(10);
  expect(p99('KEDA')).toBeGreaterThan(300);
  expect(results.get('KEDA')?.lost).toBe(0);
});
