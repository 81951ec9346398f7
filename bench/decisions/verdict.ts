import { mean, sampleVariance } from 'simple-statistics';
import type { Score } from './runs.ts';

/** One workload at one cold start and one iteration factor: the scores of each policy, one a seed, in the order of the seeds. */
export interface Cell {
  readonly workload: string;
  readonly coldStartSeconds: number;
  readonly iterationFactor: number;
  readonly policies: ReadonlyMap<string, readonly Score[]>;
}

/** Requests that may miss without a word. */
export const allowance = 0.01;
const gpuLower = { beyond: 0.02, within: 0.05 } as const;
const missesLower = 0.003;

export function cellsOf(scores: readonly Score[]): readonly Cell[] {
  const cells = new Map<string, { cell: Omit<Cell, 'policies'>; policies: Map<string, Score[]> }>();
  for (const score of scores) {
    const { workload, coldStartSeconds, iterationFactor } = score;
    const key = `${workload}/${coldStartSeconds}/${iterationFactor}`;
    const at = cells.get(key) ?? { cell: { workload, coldStartSeconds, iterationFactor }, policies: new Map() };
    cells.set(key, at);
    at.policies.set(score.policy, [...(at.policies.get(score.policy) ?? []), score]);
  }
  return [...cells.values()].map(({ cell, policies }) => ({
    ...cell,
    policies: new Map([...policies].map(([name, of]) => [name, of.toSorted((a, b) => a.seed - b.seed)])),
  }));
}

export function nameOf({ workload, coldStartSeconds, iterationFactor }: Omit<Cell, 'policies'>): string {
  const factor = iterationFactor === 1 ? '' : `, k ${iterationFactor}`;
  return `${workload}, cold start ${coldStartSeconds} s${factor}`;
}

/** What a policy scored in a cell. Throws where it was not run: no score is not a score of 0. */
export function scoresIn(cell: Cell, policy: string): readonly Score[] {
  const scores = cell.policies.get(policy);
  if (scores === undefined) throw new RangeError(`${policy} was not run in ${nameOf(cell)}`);
  return scores;
}

export const gpuHoursOf = (scores: readonly Score[]): number => mean(scores.map((one) => one.gpuHours));
export const missesOf = (scores: readonly Score[]): number => mean(scores.map((one) => one.misses));

/** Two-sided 95 % points of Student's t for 1, 2, ... degrees of freedom; beyond those the normal's. */
const studentT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** Mean of paired differences, and half the width of its 95 % interval: 0 of one pair, for one seed says nothing of chance. */
export function paired(
  a: readonly number[],
  b: readonly number[],
): { readonly difference: number; readonly half: number } {
  const differences = a.map((value, i) => value - (b[i] ?? Number.NaN));
  const difference = mean(differences);
  const n = differences.length;
  if (n < 2) return { difference, half: 0 };
  return { difference, half: (studentT[n - 2] ?? 1.96) * Math.sqrt(sampleVariance(differences) / n) };
}

/**
 * Design section 9: a policy is dominated by another whose GPU-hours are lower by more than 2 % and whose misses beyond the 1 % allowance are lower by more
 * than 0.3 points; where both are within the allowance, whose GPU-hours are lower by more than 5 %. Each outside the paired interval.
 */
export function isDominated(own: readonly Score[], other: readonly Score[]): boolean {
  const gpu = paired(
    own.map((one) => one.gpuHours),
    other.map((one) => one.gpuHours),
  );
  const isCheaper = (share: number): boolean =>
    gpu.difference > share * gpuHoursOf(own) && gpu.difference - gpu.half > 0;
  if (missesOf(own) <= allowance && missesOf(other) <= allowance) return isCheaper(gpuLower.within);
  const beyond = (scores: readonly Score[]): number[] => scores.map((one) => Math.max(0, one.misses - allowance));
  const misses = paired(beyond(own), beyond(other));
  const missesLess = misses.difference > missesLower && misses.difference - misses.half > 0;
  return missesLess && isCheaper(gpuLower.beyond);
}

/** Of the policies given, the cheapest that keeps misses within the allowance; undefined when none does. */
export function cheapest(
  cell: Cell,
  names: readonly string[],
): { readonly name: string; readonly scores: readonly Score[] } | undefined {
  return names
    .map((name) => ({ name, scores: scoresIn(cell, name) }))
    .filter(({ scores }) => missesOf(scores) <= allowance)
    .toSorted((a, b) => gpuHoursOf(a.scores) - gpuHoursOf(b.scores))[0];
}

/** Within so many times the reference's GPU-hours, or one replica more all the time. */
export function isWithin(own: readonly Score[], reference: readonly Score[], ratio: number): boolean {
  const more = gpuHoursOf(own) - gpuHoursOf(reference);
  return more <= (ratio - 1) * gpuHoursOf(reference) + 1e-9 || more <= (own[0]?.oneReplica ?? 0) + 1e-9;
}
