import { type Command, Option } from 'commander';
import { readScenario } from '../config/scenario-file.ts';
import type { ScenarioSettings } from '../core/model/simulated-scenario.ts';
import { bundledSettings, bundledWorkloads } from '../sim/workload/bundled.ts';
import { rateUnits } from '../sim/workload/rate-series.ts';
import { traceFormats } from '../sim/workload/trace.ts';
import { decimalNumber, decimalNumbers, oneOf, policyList, slice, wholeNumber, wholeNumbers } from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { exitCodes } from './program.ts';
import { progressOf } from './progress.ts';
import { loadsOf, policiesOf, profileOf } from './simulation-input.ts';
import type { SimRun, SimulationJob } from './simulation-job.ts';
import { plannedJobs, type PlanFlags } from './simulation-plan.ts';
import { runJobs } from './simulation-pool.ts';
import { publish, type PublishFlags } from './simulation-publish.ts';
import { RunFile } from './simulation-runs.ts';

interface Flags extends PlanFlags, PublishFlags {
  readonly policy: readonly string[];
  readonly execTimeout: number;
  readonly engineProfile: string;
  readonly scenario?: string;
  /** Finished runs are kept here, and those that it has are not made again. */
  readonly resume?: string;
}

const routings = ['least-loaded', 'round-robin', 'prefix-affine'];
const replicaBounds = { min: 0, max: 10_000 } as const;
const coldStarts = { min: 1, max: 86_400 } as const;
/** Where runs go that were finished when Ctrl-C came. */
const rescueFile = 'forewarm-runs.jsonl';

export function register(program: Command): void {
  program
    .command('simulate')
    .description('Replay a trace through a simulated fleet under several policies and compare them')
    .option('--trace <file>', 'requests or rates from a file, plain or gzipped (docs/workloads.md)')
    .addOption(new Option('--trace-format <format>', 'what the trace is (default: told by it)').choices(traceFormats))
    .addOption(bundledOption())
    .option('--lengths <how>', 'lengths where a trace has rates: lognormal:M/S,M/S, fixed:IN/OUT or a file')
    .addOption(
      new Option('--rate-unit <unit>', 'what its rates count (default: told by the column)').choices(rateUnits),
    )
    .option('--prefix-block-tokens <n>', 'tokens of a block in a Mooncake trace', wholeNumber({ min: 1, max: 65_536 }))
    .option('--time-scale <n>', 'times the duration: 0.5 is twice as fast', decimalNumber({ min: 0.001, max: 1000 }), 1)
    .option('--policy <files>', 'policy files or names of bundled ones, A,B,...; oracle; exec:COMMAND', policyList)
    .option(
      '--exec-timeout <seconds>',
      'longest silence of an exec: policy',
      decimalNumber({ min: 0.1, max: 86_400 }),
      30,
    )
    .option('--scenario <file>', 'faults, lifecycle, nodes and scraping (docs/simulator.md); flags win')
    .option('--engine-profile <name>', 'bundled engine profile or a file', 'llama-3.1-8b-h100')
    .option('--rate-scale <n>', 'times the traffic, as jittered copies', decimalNumber({ min: 0.001, max: 10_000 }), 1)
    .option('--min-replicas <n>', 'floor of every policy', wholeNumber(replicaBounds), 1)
    .option('--max-replicas <n>', 'ceiling of every policy', wholeNumber(replicaBounds), 16)
    .option(
      '--initial-replicas <n>',
      'ready at the beginning (default: the floor, at least 1)',
      wholeNumber(replicaBounds),
    )
    .option('--gpus-per-node <n>', 'GPUs of each node (default: 8)', wholeNumber({ min: 1, max: 1024 }))
    .option('--cold-start <seconds>', 'median cold starts, S or S,S,... (default: 110)', decimalNumbers(coldStarts))
    .option('--band', 'also with iterations 10 % shorter and longer (estimated profiles: 25 %)', false)
    .option('--seed <n>', 'seeds, N or N,N,...', wholeNumbers({ min: 0, max: 2_147_483_647 }))
    .addOption(new Option('--routing <how>', 'who gets a request').choices(routings).default('least-loaded'))
    .option('--slice <from:to>', 'only this part, in seconds or as 0:20h', slice)
    .option('--report <file>', 'the HTML report (default: forewarm-report.html with -o table)')
    .option('--no-report', 'write no report')
    .option('-o, --output <format>', 'table, json, yaml or csv', oneOf('table', 'json', 'yaml', 'csv'), 'table')
    .option('--record <log>', 'write the passes of the one ScalingPolicy for forewarm replay (.gz: compressed)')
    .option('--timelines', 'with -o json or yaml: timelines and decisions too', false)
    .option('--resume <file>', 'keep finished runs in this file, and take from it those that it has')
    .action(async (flags: Flags) => {
      const own = flags.trace === undefined ? bundledSettings(flags.workload) : {};
      const settings = { ...own, ...(flags.scenario === undefined ? {} : await readScenario(flags.scenario)) };
      process.exitCode = await simulateAll({ ...flags, ...defaultsOf(flags, settings) }, settings);
    });
}

function bundledOption(): Option {
  const option = new Option('--workload <name>', 'bundled workload (docs/workloads.md)');
  return option.choices(bundledWorkloads).default('day').conflicts('trace');
}

function defaultsOf(flags: Partial<Flags>, settings: ScenarioSettings): Pick<Flags, 'policy' | 'seed' | 'coldStart'> {
  return {
    policy: flags.policy ?? ['balanced', 'hpa-queue', 'keda-epp', 'static'],
    seed: flags.seed ?? [1],
    coldStart: flags.coldStart ?? [settings.coldStartSeconds ?? 110],
  };
}

/** Answers the exit code. */
async function simulateAll(flags: Flags, settings: ScenarioSettings): Promise<number> {
  const [policies, profile] = await Promise.all([
    policiesOf(flags.policy, flags.execTimeout),
    profileOf(flags.engineProfile),
  ]);
  const loads = await loadsOf(flags, flags.seed);
  const jobs = plannedJobs(flags, { policies, profile, loads, settings });
  const file = flags.resume === undefined ? undefined : RunFile.open(flags.resume);
  const runs = await finishedRuns(jobs, file);
  publish({ flags, runs, load: loads[0], scenario: jobs[0]?.scenario });
  return runs.length === jobs.length ? 0 : exitCodes.interrupted;
}

/** All runs, or after Ctrl-C those that were finished: they are on disk then, as they are when one fails. */
async function finishedRuns(jobs: readonly SimulationJob[], file: RunFile | undefined): Promise<readonly SimRun[]> {
  const done = new Map<SimulationJob, SimRun>();
  for (const job of jobs) {
    const run = file?.runOf(job);
    if (run !== undefined) done.set(job, run);
  }
  if (done.size > 0) process.stderr.write(`${done.size} of ${jobs.length} runs stand in ${file?.path} already\n`);
  const finished = (job: SimulationJob, run: SimRun): void => {
    done.set(job, run);
    file?.add(job, run);
  };
  try {
    const open = jobs.filter((job) => !done.has(job));
    await runAll(open, finished);
  } finally {
    if (done.size < jobs.length) rescue(done, jobs.length, file);
  }
  return jobs.flatMap((job) => done.get(job) ?? []);
}

async function runAll(jobs: readonly SimulationJob[], keep: (job: SimulationJob, run: SimRun) => void): Promise<void> {
  const { signal, release } = interruptSignal();
  const progress = progressOf(jobs.length);
  const finished = (run: SimRun, job: SimulationJob): void => {
    keep(job, run);
    progress.finished(nameOf(run, jobs));
  };
  try {
    await runJobs(jobs, { advance: progress.advance, finished }, signal);
  } finally {
    progress.stop();
    release();
  }
}

/** Cold start and factor are said where they differ. */
function nameOf({ result }: SimRun, jobs: readonly SimulationJob[]): string {
  const { policy, seed, coldStartSeconds, iterationFactor = 1 } = result;
  const isSweep = jobs.some(({ scenario }) => scenario.coldStartSeconds !== coldStartSeconds);
  return [
    `${policy}, seed ${seed}`,
    ...(isSweep ? [`cold start ${coldStartSeconds} s`] : []),
    ...(iterationFactor === 1 ? [] : [`iterations x ${iterationFactor}`]),
  ].join(', ');
}

function rescue(done: ReadonlyMap<SimulationJob, SimRun>, all: number, file: RunFile | undefined): void {
  const said = `Stopped: ${done.size} of ${all} runs were finished`;
  if (done.size === 0) {
    process.stderr.write(`${said}\n`);
    return;
  }
  const kept = file ?? RunFile.open(rescueFile);
  for (const [job, run] of done) kept.add(job, run);
  process.stderr.write(`${said} and stand in ${kept.path}; the same command with --resume ${kept.path} goes on\n`);
}
