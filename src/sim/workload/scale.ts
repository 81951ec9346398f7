import { RandomStream } from '../rng.ts';
import { ColumnBuilder } from './columns.ts';
import { type Prefixes, prefixOf, type Workload } from './workload.ts';

/** How far a copied request moves from its original, at most. */
export const jitterSeconds = 30;

/**
 * The same traffic from `factor` times as many users: the original, and copies of it whose every request moves by its own uniform amount of up
 * to 30 s each way. Gaps are not compressed, so minutes keep their shape while seconds become as much smoother as a larger crowd is. A
 * fraction keeps each request with that probability. What would move past an end is reflected. Each copy's prompts are its own users': they
 * share blocks among themselves as the original's do, and none with those.
 */
export function scaleRate(workload: Workload, factor: number, seed: number): Workload {
  if (!(factor > 0) || !Number.isFinite(factor)) throw new RangeError(`a rate scale must be above 0, was ${factor}`);
  if (factor === 1) return workload;
  const columns = new ColumnBuilder(workload.prefixes?.blockTokens);
  for (let copy = 0; copy < factor; copy++) {
    addCopy({ workload, columns, copy, seed, share: Math.min(1, factor - copy) });
  }
  return { ...workload, ...columns.workload(`${workload.name} x ${factor}`, workload.durationSeconds) };
}

interface Copy {
  readonly workload: Workload;
  readonly columns: ColumnBuilder;
  readonly copy: number;
  readonly seed: number;
  readonly share: number;
}

function addCopy({ workload, columns, copy, seed, share }: Copy): void {
  const stream = new RandomStream(seed, `rate-scale/${copy}`);
  const endMs = workload.durationSeconds * 1000;
  const ownFrom = copy * (workload.prefixes?.distinct ?? 0);
  const { arrivalMs, promptTokens, outputTokens } = workload;
  for (let i = 0; i < arrivalMs.length; i++) {
    const isKept = stream.uniform() < share;
    const moveMs = (2 * stream.uniform() - 1) * jitterSeconds * 1000;
    if (!isKept) continue;
    const at = (arrivalMs[i] ?? 0) + (copy === 0 ? 0 : moveMs);
    const prefix = prefixOf(workload, i);
    columns.push({
      arrivalMs: reflected(at, endMs),
      promptTokens: promptTokens[i] ?? 1,
      outputTokens: outputTokens[i] ?? 1,
      prefix: ownFrom === 0 ? prefix : prefix?.map((id) => id + ownFrom),
    });
  }
}

function reflected(at: number, end: number): number {
  const inside = at < 0 ? -at : at > end ? 2 * end - at : at;
  return Math.min(end, Math.max(0, inside));
}

/** The same requests over `factor` times the time: 0.5 plays the trace twice as fast, at twice the rate. */
export function scaleTime(workload: Workload, factor: number): Workload {
  if (!(factor > 0) || !Number.isFinite(factor)) throw new RangeError(`a time scale must be above 0, was ${factor}`);
  if (factor === 1) return workload;
  return {
    ...workload,
    name: `${workload.name}, time x ${factor}`,
    durationSeconds: workload.durationSeconds * factor,
    arrivalMs: workload.arrivalMs.map((at) => at * factor),
  };
}

/** The part from `fromSeconds` to `toSeconds`, with time from 0 again. */
export function slice(workload: Workload, fromSeconds: number, toSeconds: number): Workload {
  const end = Math.min(toSeconds, workload.durationSeconds);
  const first = workload.arrivalMs.findIndex((at) => at >= fromSeconds * 1000);
  const after = workload.arrivalMs.findIndex((at) => at >= end * 1000);
  const isWhole = end === workload.durationSeconds;
  const from = first < 0 ? workload.arrivalMs.length : first;
  const to = after < 0 || isWhole ? workload.arrivalMs.length : after;
  const { prefixes } = workload;
  return {
    ...workload,
    durationSeconds: Math.max(0, end - fromSeconds),
    arrivalMs: workload.arrivalMs.slice(from, to).map((at) => at - fromSeconds * 1000),
    promptTokens: workload.promptTokens.slice(from, to),
    outputTokens: workload.outputTokens.slice(from, to),
    ...(prefixes === undefined ? {} : { prefixes: slicedPrefixes(prefixes, from, to) }),
  };
}

function slicedPrefixes(prefixes: Prefixes, from: number, to: number): Prefixes {
  const first = prefixes.offsets[from] ?? 0;
  return {
    ...prefixes,
    offsets: prefixes.offsets.slice(from, to + 1).map((offset) => offset - first),
    ids: prefixes.ids.slice(first, prefixes.offsets[to]),
  };
}
