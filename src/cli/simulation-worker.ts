import { parentPort, workerData } from 'node:worker_threads';
import { explainError, isForewarmError } from '../errors.ts';
import { foresee, type Foresight } from '../sim/oracle/search.ts';
import type { ScenarioOptions } from '../sim/scenario.ts';
import type { SimTick } from '../sim/simulation.ts';
import { runJob } from './simulation-job.ts';
import type { WorkerMessage, WorkerTask } from './simulation-pool.ts';

/** Entry of a simulation thread: one job, then it ends. */
function say(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

/** Messages cost more than ticks: one a percent. */
let told = 0;
function tell({ progress }: SimTick): void {
  const share = progress.seconds / Math.max(1, progress.durationSeconds);
  if (share - told < 0.01) return;
  told = share;
  say({ kind: 'progress', share: Math.min(1, share) });
}

/** The search for an oracle's plan is most of its run. */
const searchShare = 0.9;
const usualTrials = 20;

/** Both oracles of a scenario follow one plan: who searches it tells it. */
function searched(truth: ScenarioOptions): Foresight {
  let trials = 0;
  const foresight = foresee(truth, () => {
    told = searchShare * Math.min(1, ++trials / usualTrials);
    say({ kind: 'progress', share: told });
  });
  say({ kind: 'foreseen', foresight });
  return foresight;
}

const { job, foresight }: WorkerTask = workerData;
try {
  const onProcess = (pid: number): void => say({ kind: 'process', pid });
  const foreseen = foresight === undefined ? searched : (): Foresight => foresight;
  say({ kind: 'result', run: await runJob(job, tell, { onProcess, foreseen }) });
} catch (err) {
  const code = isForewarmError(err) ? err.code : undefined;
  const message = code === undefined && err instanceof Error ? (err.stack ?? err.message) : explainError(err);
  say({ kind: 'failed', code, message });
}
