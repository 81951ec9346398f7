import { type Command, Option } from 'commander';
import type { EngineProfile } from '../core/model/profile.ts';
import { ForewarmError } from '../errors.ts';
import { busiestWindow, peakNeed } from '../sim/report/load-need.ts';
import { summaryTable } from '../sim/report/text-table.ts';
import { type LoadVerdict, loadVerdict } from '../sim/report/verdict.ts';
import type { SimulationOutput } from '../sim/result.ts';
import { type Scenario, scenarioOf, type ScenarioOptions } from '../sim/scenario.ts';
import { bundledWorkloads } from '../sim/workload/bundled.ts';
import { rateUnits } from '../sim/workload/rate-series.ts';
import { traceFormats } from '../sim/workload/trace.ts';
import type { Workload } from '../sim/workload/workload.ts';
import { decimalNumber, oneOf, policyList, slice, wholeNumber, wholeNumbers } from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { type OutputFormat, serialised } from './output.ts';
import { exitCodes } from './program.ts';
import { progressOf } from './progress.ts';
import { writeReport } from './report-file.ts';
import { type Load, type LoadFlags, loadsOf, policiesOf, profileOf } from './simulation-input.ts';
import type { SimRun, SimulationJob } from './simulation-job.ts';
import { runJobs } from './simulation-pool.ts';

interface Flags extends LoadFlags {
  readonly policy: readonly string[];
  readonly execTimeout: number;
  readonly engineProfile: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly coldStart: number;
  readonly routing: 'least-loaded' | 'round-robin' | 'prefix-affine';
  readonly seed: readonly number[];
  /** A path; false: `--no-report`; absent: the default of the format. */
  readonly report?: string | false;
  readonly output: OutputFormat;
  readonly timelines: boolean;
  readonly record?: string;
}

const routingOf = {
  'least-loaded': 'LeastLoaded',
  'round-robin': 'RoundRobin',
  'prefix-affine': 'PrefixAffine',
} as const;
const routings = Object.keys(routingOf);

const replicaBounds = { min: 0, max: 10_000 } as const;

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
    .option('--engine-profile <name>', 'bundled engine profile or a file', 'llama-3.1-8b-h100')
    .option('--rate-scale <n>', 'times the traffic, as jittered copies', decimalNumber({ min: 0.001, max: 10_000 }), 1)
    .option('--min-replicas <n>', 'floor of every policy', wholeNumber(replicaBounds), 1)
    .option('--max-replicas <n>', 'ceiling of every policy', wholeNumber(replicaBounds), 16)
    .option('--cold-start <seconds>', 'median cold start', decimalNumber({ min: 1, max: 86_400 }), 110)
    .option('--seed <n>', 'seeds, N or N,N,...', wholeNumbers({ min: 0, max: 2_147_483_647 }))
    .addOption(new Option('--routing <how>', 'who gets a request').choices(routings).default('least-loaded'))
    .option('--slice <from:to>', 'only this part, in seconds or as 0:20h', slice)
    .option('--report <file>', 'the HTML report (default: forewarm-report.html with -o table)')
    .option('--no-report', 'write no report')
    .option('-o, --output <format>', 'table, json or yaml', oneOf('table', 'json', 'yaml'), 'table')
    .option('--record <log>', 'write the passes of the one ScalingPolicy for forewarm replay (.gz: compressed)')
    .option('--timelines', 'with -o json or yaml: timelines and decisions too', false)
    .action(async (flags: Flags) => {
      process.exitCode = await simulateAll({ ...flags, ...defaultsOf(flags) });
    });
}

function bundledOption(): Option {
  const option = new Option('--workload <name>', 'bundled workload (docs/workloads.md)');
  return option.choices(bundledWorkloads).default('day').conflicts('trace');
}

function defaultsOf(flags: Partial<Flags>): Pick<Flags, 'policy' | 'seed'> {
  return { policy: flags.policy ?? ['balanced', 'hpa-queue', 'keda-epp', 'static'], seed: flags.seed ?? [1] };
}

/** Answers the exit code. */
async function simulateAll(flags: Flags): Promise<number> {
  if (flags.minReplicas > flags.maxReplicas) {
    const { minReplicas, maxReplicas } = flags;
    throw new ForewarmError(
      'USAGE',
      `--max-replicas must be at least --min-replicas (${minReplicas}), was ${maxReplicas}`,
    );
  }
  const [policies, profile] = await Promise.all([
    policiesOf(flags.policy, flags.execTimeout),
    profileOf(flags.engineProfile),
  ]);
  const loads = await loadsOf(flags, flags.seed);
  const scenarios = flags.seed.flatMap((seed, at): readonly ScenarioOptions[] => {
    const workload = loads[at]?.workload;
    const { minReplicas, maxReplicas, coldStart: coldStartSeconds } = flags;
    if (workload === undefined) return [];
    assertSharable(workload, profile);
    const timelineStepSeconds = Math.max(5, Math.round(workload.durationSeconds / 2880));
    const routing = routingOf[flags.routing];
    return [{ workload, profile, seed, minReplicas, maxReplicas, coldStartSeconds, timelineStepSeconds, routing }];
  });
  const jobs = recorded(
    policies.flatMap((policy) => scenarios.map((scenario) => ({ ...policy, scenario }))),
    flags,
  );
  const { runs, isWhole } = await run(jobs);
  publish({ flags, runs, load: loads[0], scenario: scenarios[0] });
  if (isWhole) return 0;
  process.stderr.write(`Interrupted: ${runs.length} of ${jobs.length} runs were finished\n`);
  return exitCodes.interrupted;
}

/** Engines share whole blocks of their cache. */
function assertSharable({ prefixes }: Workload, { name, blockTokens }: EngineProfile): void {
  if (prefixes === undefined || prefixes.blockTokens % blockTokens === 0) return;
  throw new ForewarmError(
    'USAGE',
    `--prefix-block-tokens must be a multiple of the KV blocks of ${name} (${blockTokens} tokens), was ${prefixes.blockTokens}`,
  );
}

/** A log holds one run of our own brain: more could not be told apart. */
function recorded(jobs: readonly SimulationJob[], { record }: Flags): readonly SimulationJob[] {
  if (record === undefined) return jobs;
  const own = jobs.filter(({ definition }) => definition.kind === 'ScalingPolicy');
  if (own.length === 1) return jobs.map((job) => (own.includes(job) ? { ...job, record } : job));
  throw new ForewarmError(
    'USAGE',
    `--record must have exactly one policy of kind ScalingPolicy and one seed, was ${own.length} runs`,
  );
}

async function run(
  jobs: readonly SimulationJob[],
): Promise<{ readonly runs: readonly SimRun[]; readonly isWhole: boolean }> {
  const { signal, release } = interruptSignal();
  const progress = progressOf(jobs.length);
  try {
    const { advance } = progress;
    const finished = ({ result }: SimRun): void => progress.finished(`${result.policy}, seed ${result.seed}`);
    const runs = await runJobs(jobs, { advance, finished }, signal);
    return { runs, isWhole: runs.length === jobs.length };
  } finally {
    progress.stop();
    release();
  }
}

interface Published {
  readonly flags: Flags;
  readonly runs: readonly SimRun[];
  readonly load: Load | undefined;
  readonly scenario: ScenarioOptions | undefined;
}

function publish({ flags, runs, load, scenario: options }: Published): void {
  if (load === undefined || options === undefined || runs.length === 0) return;
  const scenario = scenarioOf(options);
  const verdict = verdictOf(load, scenario, flags.timeScale);
  const output: SimulationOutput = {
    schema: 'forewarm.dev/simulation/v1',
    trace: flags.trace ?? load.name,
    engineProfile: scenario.profile.name,
    rateScale: flags.rateScale,
    ranking: {
      isInformative: verdict.isInformative,
      ...(verdict.message === undefined ? {} : { message: verdict.message }),
    },
    failedRows: load.workload.failedRows ?? 0,
    results: runs.map(({ result }) => result),
  };
  const notes = notesOf(load, scenario);
  process.stdout.write(
    flags.output === 'table' ? tableOf(output, verdict, notes) : serialised(output, flags.output, flags.timelines),
  );
  const path = reportPath(flags);
  if (path === undefined) return;
  const { ttftMs, itlMs } = scenario.objectives;
  const objectives = { ttftSeconds: ttftMs / 1000, itlSeconds: itlMs / 1000 };
  const forecasts = new Map(runs.map((one) => [one.result, one.forecasts]));
  process.stderr.write(`Report: ${writeReport(path, { output, objectives, verdict, notes }, forecasts)}\n`);
}

function verdictOf({ whole }: Load, scenario: Scenario, timeScale: number): LoadVerdict {
  const { workload, profile, objectives, minReplicas } = scenario;
  /** Of the source's own time, as in --slice. */
  const durationSeconds = workload.durationSeconds / timeScale;
  const need = { peakNeed: peakNeed(workload, profile, objectives), minReplicas, durationSeconds };
  return loadVerdict(whole === undefined ? need : { ...need, busiest: busiestWindow(whole, durationSeconds) });
}

function notesOf({ workload, notes }: Load, { profile }: Scenario): readonly string[] {
  const failed = workload.failedRows ?? 0;
  const rows = workload.fileRows ?? failed + workload.arrivalMs.length;
  const share = `${((failed / rows) * 100).toFixed(1)}%`;
  return [
    ...notes,
    ...(failed === 0
      ? []
      : [`${failed} rows of the file (${share}) generated no tokens: counted as failures there, not simulated.`]),
    ...(profile.isValidated
      ? []
      : [`The engine profile ${profile.name} was not checked against measured runs: ${profile.validity}.`]),
  ];
}

function tableOf(output: SimulationOutput, verdict: LoadVerdict, notes: readonly string[]): string {
  const head = [...(verdict.message === undefined ? [] : [verdict.message]), ...notes];
  return `${head.map((line) => `${line}\n`).join('')}${summaryTable(output.results)}\n`;
}

function reportPath({ report, output }: Flags): string | undefined {
  if (report === false) return undefined;
  return report ?? (output === 'table' ? 'forewarm-report.html' : undefined);
}
