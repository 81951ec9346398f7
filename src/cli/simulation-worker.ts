import { parentPort, workerData } from 'node:worker_threads';
import { explainError, isForewarmError } from '../errors.ts';
import type { SimTick } from '../sim/simulation.ts';
import { runJob, type SimulationJob } from './simulation-job.ts';
import type { WorkerMessage } from './simulation-pool.ts';

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

const job: SimulationJob = workerData;
try {
  say({ kind: 'result', run: await runJob(job, tell, { onProcess: (pid) => say({ kind: 'process', pid }) }) });
} catch (err) {
  const code = isForewarmError(err) ? err.code : undefined;
  const message = code === undefined && err instanceof Error ? (err.stack ?? err.message) : explainError(err);
  say({ kind: 'failed', code, message });
}
