import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ErrorCode } from '../errors.ts';
import { ForewarmError } from '../errors.ts';
import { killGroup } from './exec-policy.ts';
import type { Foresight } from '../sim/oracle/search.ts';
import type { SimRun, SimulationJob } from './simulation-job.ts';

/** What a worker is given: a run, and for an oracle the plan where another has searched it. */
export interface WorkerTask {
  readonly job: SimulationJob;
  readonly foresight: Foresight | undefined;
}

/** What a worker says: how far it is in its run, which process it started, the result, or why there is none. */
export type WorkerMessage =
  | { readonly kind: 'progress'; readonly share: number }
  | { readonly kind: 'foreseen'; readonly foresight: Foresight }
  | { readonly kind: 'result'; readonly run: SimRun }
  | { readonly kind: 'process'; readonly pid: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode | undefined; readonly message: string };

export interface PoolEvents {
  readonly advance: (share: number) => void;
  readonly finished: (run: SimRun, job: SimulationJob) => void;
}

/**
 * Runs the jobs on all cores and answers their results in the order of the jobs; once the signal is aborted, those that are finished. A run
 * is the same bytes in any thread: it draws from its own seed only. One that fails ends the others.
 */
export async function runJobs(
  jobs: readonly SimulationJob[],
  events: PoolEvents,
  interrupted: AbortSignal,
): Promise<readonly SimRun[]> {
  const failure = new AbortController();
  const signal = AbortSignal.any([interrupted, failure.signal]);
  const results = new Map<number, SimRun>();
  const shares = jobs.map(() => 0);
  const queue = [...jobs.entries()];
  const plans = new Plans();
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && !signal.aborted; next = queue.shift()) {
      const [at, job] = next;
      const result = await plans.shared(job, (foresight, found) =>
        inWorker({ job, foresight }, signal, {
          found,
          advance: (share) => {
            shares[at] = share;
            events.advance(shares.reduce((sum, one) => sum + one, 0) / jobs.length);
          },
        }),
      );
      if (result === undefined) return;
      results.set(at, result);
      events.finished(result, job);
    }
  };
  const ends = Array.from({ length: Math.min(jobs.length, availableParallelism()) }, () =>
    work().catch((err: unknown) => {
      failure.abort();
      throw err;
    }),
  );
  for (const end of await Promise.allSettled(ends)) if (end.status === 'rejected') throw end.reason;
  return [...results.entries()].toSorted(([a], [b]) => a - b).map(([, result]) => result);
}

type Found = (foresight: Foresight | undefined) => void;

/** Plans of oracles: the first run of a scenario searches, others of the same wait for what it found. */
class Plans {
  readonly #plans = new Map<unknown, Map<number, Promise<Foresight | undefined>>>();

  async shared<T>(job: SimulationJob, run: (known: Foresight | undefined, found: Found) => Promise<T>): Promise<T> {
    if (job.definition.kind !== 'Oracle') return await run(undefined, () => undefined);
    const { scenario, iterationFactor = 1 } = job;
    const ofScenario = this.#plans.get(scenario) ?? new Map<number, Promise<Foresight | undefined>>();
    this.#plans.set(scenario, ofScenario);
    const known = ofScenario.get(iterationFactor);
    if (known !== undefined) return await run(await known, () => undefined);
    const { promise, resolve } = Promise.withResolvers<Foresight | undefined>();
    ofScenario.set(iterationFactor, promise);
    try {
      return await run(undefined, resolve);
    } finally {
      // Interrupted or failed before anything was found: whoever waits searches, or ends as this did.
      resolve(undefined);
    }
  }
}

/** `undefined`: interrupted. */
async function inWorker(
  task: WorkerTask,
  signal: AbortSignal,
  { found, advance }: { readonly found: Found; readonly advance: (share: number) => void },
): Promise<SimRun | undefined> {
  // Who waited for another's search may find that all is over.
  if (signal.aborted) return undefined;
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./simulation-worker.${extension}`, import.meta.url), { workerData: task });
  const { promise, resolve, reject } = Promise.withResolvers<SimRun | undefined>();
  const stop = (): void => resolve(undefined);
  let child: number | undefined;
  signal.addEventListener('abort', stop, { once: true });
  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'progress') advance(message.share);
    if (message.kind === 'process') child = message.pid;
    if (message.kind === 'foreseen') found(message.foresight);
    if (message.kind === 'result') resolve(message.run);
    if (message.kind === 'failed') reject(asError(message));
  });
  worker.on('error', reject);
  worker.on('exit', (code) => reject(new Error(`a simulation thread ended by itself with code ${code}`)));
  try {
    const run = await promise;
    if (run === undefined && child !== undefined) killGroup(child);
    return run;
  } finally {
    signal.removeEventListener('abort', stop);
    worker.removeAllListeners('exit');
    await worker.terminate();
  }
}

function asError({ code, message }: Extract<WorkerMessage, { kind: 'failed' }>): Error {
  return code === undefined ? new Error(message) : new ForewarmError(code, message);
}
