import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { NamedPolicy } from '../../src/cli/simulation-input.ts';

/** One workload at one cold start with one seed: all its policies see the same arrivals and the same start-up draws. */
export interface CellJob {
  readonly workload: string;
  readonly coldStartSeconds: number;
  readonly seed: number;
  /** Times the iteration time of the engines; policies are told the profile's own. */
  readonly iterationFactor: number;
  readonly policies: readonly NamedPolicy[];
}

/** What is kept of one run. */
export interface Score {
  readonly workload: string;
  readonly coldStartSeconds: number;
  readonly seed: number;
  readonly iterationFactor: number;
  readonly policy: string;
  readonly requests: number;
  /** Share of requests outside their objectives, shed, timed out or lost, 0 to 1. */
  readonly misses: number;
  readonly lostOnScaleDown: number;
  readonly gpuHours: number;
  /** Hours times the GPUs of one replica: what one replica more, all the time, costs. */
  readonly oneReplica: number;
  /** The most changes of direction inside one stabilisation window of the default behavior. */
  readonly turnsInWindow: number;
}

export type CellMessage =
  | { readonly kind: 'score'; readonly score: Score }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Simulates the jobs on all cores; scores come as they are made, and each is the same number whatever thread made it. A run that throws ends all.
 */
export async function runCells(jobs: readonly CellJob[], scored: (score: Score) => void): Promise<void> {
  const queue = [...jobs];
  const threads = Math.min(queue.length, availableParallelism());
  await Promise.all(Array.from({ length: threads }, async () => work(queue, scored)));
}

async function work(queue: CellJob[], scored: (score: Score) => void): Promise<void> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.on('message', (message: CellMessage) => {
    if (message.kind === 'score') return scored(message.score);
    if (message.kind === 'failed') {
      queue.length = 0;
      return reject(new Error(message.message));
    }
    const next = queue.shift();
    if (next === undefined) resolve();
    else worker.postMessage(next);
  });
  worker.on('error', reject);
  try {
    await promise;
  } finally {
    await worker.terminate();
  }
}
