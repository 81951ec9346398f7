import { type Command } from 'commander';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { readProfile } from '../config/profile-file.ts';
import { summaryTable } from '../sim/report/text-table.ts';
import type { SimulationOutput } from '../sim/result.ts';
import { scenarioOf, type ScenarioOptions } from '../sim/scenario.ts';
import { dayWorkload } from '../sim/workload/day.ts';
import { wholeNumber } from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { type LiveState, liveState } from './live-state.ts';
import { exitCodes } from './program.ts';
import { writeReport } from './report-file.ts';
import { policiesOf } from './simulation-input.ts';
import { type OnTick, runJob, type SimRun, type SimulationJob } from './simulation-job.ts';
import { runJobs } from './simulation-pool.ts';
import { watch } from './terminal.ts';

interface Flags {
  readonly seed: number;
  readonly report: string;
  readonly record?: string;
}

/** A day on one screen: on a terminal it is stretched to this, so that a person can follow it. */
const shownSeconds = 20;
const framesPerSecond = 12;
const engineProfile = 'llama-3.1-8b-h100';
/** Ours is watched; a peer runs beside it on the same day, for the table at the end. */
const watched = 'balanced';
const beside: readonly string[] = ['hpa-queue', 'keda-epp'];

export function register(program: Command): void {
  program
    .command('start')
    .description('Watch Forewarm scale a simulated fleet through a day with a flash crowd; needs no cluster')
    .option('--seed <n>', 'seed of the day', wholeNumber({ min: 0, max: 2_147_483_647 }), 1)
    .option('--report <file>', 'where the HTML report goes', 'forewarm-report.html')
    .option('--record <log>', 'write every pass to this decision log, which forewarm replay reads (.gz: compressed)')
    .action(async (flags: Flags) => {
      process.exitCode = await start(flags);
    });
}

async function start({ seed, report, record }: Flags): Promise<number> {
  const scenario = await dayScenario(seed);
  const [own, ...peers] = (await policiesOf([watched, ...beside])).map((policy) => ({ ...policy, scenario }));
  if (own === undefined) return exitCodes.failure;
  const { signal, release } = interruptSignal();
  try {
    const others = runJobs(peers, { advance: () => undefined, finished: () => undefined }, signal);
    const [run, peerRuns] = await Promise.all([
      watchRun(record === undefined ? own : { ...own, record }, signal),
      others,
    ]);
    if (run === undefined) {
      process.stderr.write('Interrupted before the day was over: no report was written\n');
      return exitCodes.interrupted;
    }
    finish([run, ...peerRuns], scenario, report);
    return 0;
  } finally {
    release();
  }
}

async function dayScenario(seed: number): Promise<ScenarioOptions> {
  const workload = dayWorkload({ seed, compress: 1, peakRate: 40 });
  return { workload, profile: await readProfile(engineProfile), seed, maxReplicas: 16, timelineStepSeconds: 30 };
}

/** `undefined`: interrupted. The screen only looks: a run that nobody watches is the same. */
async function watchRun(job: SimulationJob, signal: AbortSignal): Promise<SimRun | undefined> {
  const { durationSeconds } = job.scenario.workload;
  const shown = watch(process.stdout, `Forewarm on a simulated fleet: a day of chat traffic, policy ${job.label}`);
  try {
    return await runJob(job, follow({ show: shown.show, durationSeconds, isPaced: process.stdout.isTTY, signal }));
  } catch (err) {
    if (signal.aborted) return undefined;
    throw err;
  } finally {
    shown.end();
  }
}

interface Follow {
  readonly show: (state: LiveState) => void;
  readonly durationSeconds: number;
  readonly isPaced: boolean;
  readonly signal: AbortSignal;
}

/** Shows a state at each tick, or on a terminal at each frame, waiting for the frame's time where the simulation is ahead of it. */
function follow({ show, durationSeconds, isPaced, signal }: Follow): OnTick {
  const beginning = performance.now();
  const frameSeconds = isPaced ? durationSeconds / shownSeconds / framesPerSecond : 0;
  let state: LiveState | undefined;
  return async (tick, answer) => {
    signal.throwIfAborted();
    const { seconds } = tick.progress;
    const isDue = state === undefined || seconds - state.progress.seconds >= frameSeconds;
    if (!isDue && answer.replicas === undefined) return undefined;
    state = liveState(tick, answer, state);
    show(state);
    if (!isPaced) return setImmediate(undefined, { signal });
    const ahead = (seconds / durationSeconds) * shownSeconds * 1000 - (performance.now() - beginning);
    return sleep(Math.max(0, ahead), undefined, { signal });
  };
}

function finish(runs: readonly SimRun[], options: ScenarioOptions, path: string): void {
  const { objectives, profile, workload } = scenarioOf(options);
  const results = runs.map(({ result }) => result);
  const output: SimulationOutput = {
    schema: 'forewarm.dev/simulation/v1',
    trace: workload.name,
    engineProfile: profile.name,
    isProfileValidated: profile.isValidated,
    rateScale: 1,
    results,
  };
  const report = writeReport(
    path,
    {
      output,
      objectives: { ttftSeconds: objectives.ttftMs / 1000, itlSeconds: objectives.itlMs / 1000 },
      verdict: { isInformative: true },
      notes: [],
    },
    new Map(runs.map((run) => [run.result, run.forecasts])),
  );
  process.stdout.write(`\nThe same day under each policy:\n\n${summaryTable(results)}\n\nReport: ${report}\n`);
}
