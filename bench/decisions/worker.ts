import { parentPort } from 'node:worker_threads';
import { runJob } from '../../src/cli/simulation-job.ts';
import { withIterationFactor } from '../../src/sim/iteration-factor.ts';
import { createOracle, createReactiveOracle } from '../../src/sim/oracle/policies.ts';
import { foresee } from '../../src/sim/oracle/search.ts';
import type { SimResult } from '../../src/sim/result.ts';
import { scenarioOf, type ScenarioOptions } from '../../src/sim/scenario.ts';
import { runSimulation } from '../../src/sim/simulation.ts';
import type { CellJob, CellMessage, NamedDefinition, Score } from './runs.ts';
import { turnsInWindow } from './turns.ts';
import { standardScenario } from './workloads.ts';

/** Entry of a thread: cells one after another. The last load that was drawn is kept: the next cell is often of the same. */
let kept: { readonly key: string; readonly scenario: ScenarioOptions } | undefined;

async function scenarioFor({ workload, seed, coldStartSeconds }: CellJob): Promise<ScenarioOptions> {
  const key = `${workload}/${seed}`;
  const scenario = kept?.key === key ? kept.scenario : await standardScenario(workload, seed);
  kept = { key, scenario };
  return { ...scenario, coldStartSeconds };
}

function say(message: CellMessage): void {
  parentPort?.postMessage(message);
}

async function runCell(job: CellJob): Promise<void> {
  const scenario = await scenarioFor(job);
  const oracles = oraclesOf(scenario, job);
  for (const policy of job.policies) {
    const result = await resultOf(policy, { job, scenario, oracles });
    say({ kind: 'score', score: scoreOf(result, { job, policy: policy.label, scenario }) });
  }
  say({ kind: 'ready' });
}

type Oracles = ReturnType<typeof oraclesOf>;

/** Both oracles of a cell follow one plan, which is searched when the first of them is asked for. */
function oraclesOf(
  options: ScenarioOptions,
  { iterationFactor }: CellJob,
): (knows: 'Arrivals' | 'TrueSize') => SimResult {
  const truth = { ...options, profile: withIterationFactor(options.profile, iterationFactor) };
  let foreseen: ReturnType<typeof foresee> | undefined;
  return (knows) => {
    foreseen ??= foresee(truth);
    const { plan, serving } = foreseen;
    const { scrapeIntervalSeconds } = scenarioOf(truth);
    const isAll = knows === 'Arrivals';
    return runSimulation(
      truth,
      isAll ? createOracle(plan) : createReactiveOracle(plan, { scrapeIntervalSeconds, serving }),
    );
  };
}

async function resultOf(
  { label, definition }: NamedDefinition,
  { job, scenario, oracles }: { readonly job: CellJob; readonly scenario: ScenarioOptions; readonly oracles: Oracles },
): Promise<SimResult> {
  if (definition.kind === 'Oracle') return oracles(definition.knows);
  const { iterationFactor } = job;
  const { result } = await runJob({ scenario, definition, label, iterationFactor }, () => undefined);
  return result;
}

function scoreOf(
  result: SimResult,
  { job, policy, scenario }: { readonly job: CellJob; readonly policy: string; readonly scenario: ScenarioOptions },
): Score {
  const { workload, coldStartSeconds, seed, iterationFactor } = job;
  const { arrivals, attainment, lost, lostOnScaleDown, gpuHours, peakReplicas, directionChanges, decisions } = result;
  return {
    workload,
    coldStartSeconds,
    seed,
    iterationFactor,
    policy,
    requests: arrivals,
    misses: 1 - (attainment ?? 1),
    lost,
    lostOnScaleDown,
    gpuHours,
    oneReplica: (result.durationSeconds / 3600) * scenario.profile.gpusPerReplica,
    peakReplicas,
    directionChanges,
    turnsInWindow: turnsInWindow(decisions, 300),
  };
}

parentPort?.on('message', (job: CellJob) => {
  runCell(job).catch((err: unknown) => {
    const where = `${job.workload}, cold start ${job.coldStartSeconds} s, seed ${job.seed}`;
    say({ kind: 'failed', message: `${where}: ${err instanceof Error ? (err.stack ?? err.message) : String(err)}` });
  });
});
say({ kind: 'ready' });
