import { RandomStream } from '../rng.ts';
import { type RequestRow, type Workload, workloadOf } from './workload.ts';

/** How far a copied request moves from its original, at most. */
export const jitterSeconds = 30;

/**
 * The same traffic from `factor` times as many users: the original, and copies of it whose every request moves by its own uniform amount of up
 * to 30 s each way. Gaps are not compressed, so minutes keep their shape while seconds become as much smoother as a larger crowd is. A
 * fraction keeps each request with that probability. What would move past an end is reflected.
 */
export function scaleRate(workload: Workload, factor: number, seed: number): Workload {
  if (!(factor > 0) || !Number.isFinite(factor)) throw new RangeError(`a rate scale must be above 0, was ${factor}`);
  if (factor === 1) return workload;
  const rows: RequestRow[] = [];
  for (let copy = 0; copy < factor; copy++) addCopy({ workload, rows, copy, seed, share: Math.min(1, factor - copy) });
  return { ...workload, ...workloadOf(`${workload.name} x ${factor}`, rows, workload.durationSeconds) };
}

interface Copy {
  readonly workload: Workload;
  readonly rows: RequestRow[];
  readonly copy: number;
  readonly seed: number;
  readonly share: number;
}

function addCopy({ workload, rows, copy, seed, share }: Copy): void {
  const stream = new RandomStream(seed, `rate-scale/${copy}`);
  const endMs = workload.durationSeconds * 1000;
  const { arrivalMs, promptTokens, outputTokens } = workload;
  for (let i = 0; i < arrivalMs.length; i++) {
    const isKept = stream.uniform() < share;
    const moveMs = (2 * stream.uniform() - 1) * jitterSeconds * 1000;
    if (!isKept) continue;
    const at = (arrivalMs[i] ?? 0) + (copy === 0 ? 0 : moveMs);
    rows.push({
      arrivalMs: reflected(at, endMs),
      promptTokens: promptTokens[i] ?? 1,
      outputTokens: outputTokens[i] ?? 1,
    });
  }
}

function reflected(at: number, end: number): number {
  const inside = at < 0 ? -at : at > end ? 2 * end - at : at;
  return Math.min(end, Math.max(0, inside));
}

/** The part from `fromSeconds` to `toSeconds`, with time from 0 again. */
export function slice(workload: Workload, fromSeconds: number, toSeconds: number): Workload {
  const end = Math.min(toSeconds, workload.durationSeconds);
  const first = workload.arrivalMs.findIndex((at) => at >= fromSeconds * 1000);
  const after = workload.arrivalMs.findIndex((at) => at >= end * 1000);
  const isWhole = end === workload.durationSeconds;
  const from = first < 0 ? workload.arrivalMs.length : first;
  const to = after < 0 || isWhole ? workload.arrivalMs.length : after;
  return {
    ...workload,
    durationSeconds: Math.max(0, end - fromSeconds),
    arrivalMs: workload.arrivalMs.slice(from, to).map((at) => at - fromSeconds * 1000),
    promptTokens: workload.promptTokens.slice(from, to),
    outputTokens: workload.outputTokens.slice(from, to),
  };
}
