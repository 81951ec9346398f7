import { allowance } from '../decisions/verdict.ts';
import { type Range, type Simulated, valueAt, withSettings } from './space.ts';
import { sobolPoints } from './sobol.ts';

/** A configuration under trial: where it lies in the space, each coordinate 0 to 1; absent for the policy's defaults. */
export interface Candidate {
  readonly point?: readonly number[];
  readonly definition: Simulated;
}

export interface Tried extends Candidate {
  /** Share of requests that missed, 0 to 1. */
  readonly misses: number;
  readonly gpuHours: number;
}

export const firstPoints = 64;
/** Rounds of points in a box around the best so far: how many, and how far the box reaches to either side. */
export const refinements = [
  { count: 8, reach: 0.15 },
  { count: 8, reach: 0.05 },
] as const;

/** The defaults and the first points of the Sobol sequence, without those that are the same settings. */
export function firstCandidates(policy: Simulated, ranges: readonly Range[]): readonly Candidate[] {
  const points = sobolPoints(ranges.length, { from: 0, count: firstPoints });
  return distinct([{ definition: policy }, ...points.map((point) => candidateAt(policy, ranges, point))], []);
}

/** The next points of the sequence, in a box around the best; what was tried is left out. */
export function refinedCandidates(
  policy: Simulated,
  ranges: readonly Range[],
  { round, tried }: { readonly round: number; readonly tried: readonly Tried[] },
): readonly Candidate[] {
  const middle = bestOf(tried)?.point ?? pointOf(policy, ranges);
  const refinement = refinements[round];
  if (refinement === undefined) throw new RangeError(`round must be 0 to ${refinements.length - 1}, was ${round}`);
  const { count, reach } = refinement;
  const from = firstPoints + refinements.slice(0, round).reduce((sum, one) => sum + one.count, 0);
  const points = sobolPoints(ranges.length, { from, count }).map((point) =>
    point.map((part, i) => Math.max(0, Math.min(1, (middle[i] ?? 0.5) + (2 * part - 1) * reach))),
  );
  return distinct(
    points.map((point) => candidateAt(policy, ranges, point)),
    tried,
  );
}

/** The cheapest that keeps misses within the allowance; where none does, the one that misses least. Of equals the first tried. */
export function bestOf(tried: readonly Tried[]): Tried | undefined {
  const kept = tried.filter(({ misses }) => misses <= allowance);
  if (kept.length > 0) return least(kept, ({ gpuHours }) => gpuHours);
  return least(tried, ({ misses }) => misses);
}

function least(tried: readonly Tried[], of: (one: Tried) => number): Tried | undefined {
  return tried.reduce<Tried | undefined>(
    (best, one) => (best === undefined || of(one) < of(best) ? one : best),
    undefined,
  );
}

function candidateAt(policy: Simulated, ranges: readonly Range[], point: readonly number[]): Candidate {
  const values = ranges.map((range, i) => valueAt(range, point[i] ?? 0));
  return { point, definition: withSettings(policy, ranges, values) };
}

/** Where the defaults lie, for they are the middle of a refinement when nothing was better. */
export function pointOf(policy: Simulated, ranges: readonly Range[]): readonly number[] {
  return ranges.map((range) => {
    const value = Math.max(range.from, Math.min(range.to, settingOf(policy, range.setting)));
    if (range.scale === 'linear') return (value - range.from) / (range.to - range.from);
    return Math.log(value / range.from) / Math.log(range.to / range.from);
  });
}

export function settingOf({ parameters }: Simulated, setting: string): number {
  const value = setting
    .split('.')
    .reduce<unknown>(
      (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
      parameters,
    );
  if (typeof value !== 'number') throw new RangeError(`there is no number at ${setting}, was ${String(value)}`);
  return value;
}

function distinct(candidates: readonly Candidate[], before: readonly Candidate[]): readonly Candidate[] {
  const known = new Set(before.map(({ definition }) => JSON.stringify(definition)));
  return candidates.filter(({ definition }) => {
    const key = JSON.stringify(definition);
    return !known.has(key) && known.add(key);
  });
}
