import { parentPort } from 'node:worker_threads';
import type { NamedPolicy } from '../../src/cli/simulation-input.ts';
import { type RunHelpers, runJob } from '../../src/cli/simulation-job.ts';
import { defaultBehavior } from '../../src/core/model/policy.ts';
import { foresee } from '../../src/sim/oracle/search.ts';
import type { SimResult } from '../../src/sim/result.ts';
import type { ScenarioOptions } from '../../src/sim/scenario.ts';
import type { CellJob, CellMessage, Score } from './runs.ts';
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
  const helpers = { foreseen: foreseenOnce() };
  for (const policy of job.policies) {
    const { iterationFactor } = job;
    const { result } = await runJob({ ...policy, scenario, iterationFactor }, () => undefined, helpers);
    say({ kind: 'score', score: scoreOf(result, { job, policy, scenario }) });
  }
  say({ kind: 'ready' });
}

/** Both oracles of a cell follow one plan, which is searched when the first of them is asked for. */
function foreseenOnce(): NonNullable<RunHelpers['foreseen']> {
  let foreseen: ReturnType<typeof foresee> | undefined;
  return (truth) => (foreseen ??= foresee(truth));
}

const { stabilizationWindowSeconds } = defaultBehavior.scaleDown;

function scoreOf(
  result: SimResult,
  {
    job,
    policy,
    scenario,
  }: { readonly job: CellJob; readonly policy: NamedPolicy; readonly scenario: ScenarioOptions },
): Score {
  const { workload, coldStartSeconds, seed, iterationFactor } = job;
  const { arrivals, attainment, lostOnScaleDown, gpuHours, decisions, durationSeconds } = result;
  return {
    workload,
    coldStartSeconds,
    seed,
    iterationFactor,
    policy: policy.label,
    requests: arrivals,
    misses: 1 - (attainment ?? 1),
    lostOnScaleDown,
    gpuHours,
    oneReplica: (durationSeconds / 3600) * scenario.profile.gpusPerReplica,
    turnsInWindow: turnsInWindow(decisions, stabilizationWindowSeconds),
  };
}

parentPort?.on('message', (job: CellJob) => {
  runCell(job).catch((err: unknown) => {
    const where = `${job.workload}, cold start ${job.coldStartSeconds} s, seed ${job.seed}`;
    say({ kind: 'failed', message: `${where}: ${err instanceof Error ? (err.stack ?? err.message) : String(err)}` });
  });
});
say({ kind: 'ready' });
