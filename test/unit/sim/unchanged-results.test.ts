import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { SimResult } from '../../../src/sim/result.ts';
import type { ScenarioOptions } from '../../../src/sim/scenario.ts';
import { simArtifact } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

/** What a view told not yet when the bytes were taken. */
const toldLater = new Set(['readsMarks']);

/** Of what was seen, decided and counted; a field that a later result adds does not matter. */
function digest(options: Partial<ScenarioOptions>): string {
  const profile = profileWith({ maxNumSeqs: 16 });
  const artifact = simArtifact(profile).hash;
  const policy = new Script(
    { 30: 6, 300: 2, 500: 9, 700: 0, 760: 4 },
    {
      initial: 2,
      answer: ({ now }) =>
        now === 100_000
          ? { actions: [{ kind: 'Assign', node: 'node-07', artifact, pool: 'simulation/pool' }] }
          : { actions: [] },
    },
  );
  const workload = poisson({ rate: 12, seconds: 900 });
  const result = runSimulation({ workload, profile, minReplicas: 0, seed: 7, scrapeGapShare: 0.1, ...options }, policy);
  return createHash('sha256')
    .update(JSON.stringify([counted(result), policy.views], (name, value) => (toldLater.has(name) ? undefined : value)))
    .digest('hex')
    .slice(0, 16);
}

function counted(result: SimResult): unknown {
  const { completed, shed, lost, attainment, ttft, itl, e2e, gpuHours, timeline, decisions } = result;
  const { peakReplicas, coldStarts, warmStarts, preemptions } = result;
  const counts = { completed, shed, lost, peakReplicas, coldStarts, warmStarts, preemptions };
  return { ...counts, attainment, ttft, itl, e2e, gpuHours, timeline, decisions };
}

const scenarios: Readonly<Record<string, { readonly given: Partial<ScenarioOptions>; readonly want: string }>> = {
  'eight GPUs to a node': { given: {}, want: '2e101d4a9ec9b84e' },
  'one GPU to a node': { given: { gpusPerNode: 1, gracePeriodSeconds: 2 }, want: '090f7e9c319e00bc' },
  'a held queue and round robin': {
    given: { gatewayHolds: 'AllFull', routing: 'RoundRobin' },
    want: '9cba00dc59f0e64a',
  },
};
for (const [name, { given, want }] of Object.entries(scenarios)) {
  it(`without faults ${name} gives the bytes it always gave`, () => expect(digest(given)).toBe(want));
}
