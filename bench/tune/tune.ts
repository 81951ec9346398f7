import type { NamedPolicy } from '../../src/cli/simulation-input.ts';
import { type CellJob, runCells, type Score } from '../decisions/runs.ts';
import type { ScoreFile } from '../decisions/store.ts';
import { bestOf, type Candidate, firstCandidates, refinedCandidates, refinements, type Tried } from './search.ts';
import type { Range, Simulated } from './space.ts';
import type { Found } from './tuned-file.ts';

export interface Tuning {
  readonly policy: Simulated;
  readonly ranges: readonly Range[];
  readonly workloads: readonly string[];
  readonly seed: number;
  readonly coldStartSeconds: number;
  readonly file?: ScoreFile | undefined;
  readonly finished: (workload: string) => void;
}

/** Times that one policy is tried in one workload: the first candidates, then each refinement. */
export const roundsOfRuns: number = 1 + refinements.length;

/** The best settings of one policy for each workload: the first points for all workloads side by side, then each refinement. */
export async function tune(tuning: Tuning): Promise<readonly Found[]> {
  const { policy, ranges, workloads } = tuning;
  let tried = await tryAll(tuning, new Map(), () => firstCandidates(policy, ranges));
  for (let round = 0; round < refinements.length; round++) {
    tried = await tryAll(tuning, tried, (before) => refinedCandidates(policy, ranges, { round, tried: before }));
  }
  return workloads.map((workload) => found(workload, tried.get(workload) ?? []));
}

type TriedIn = ReadonlyMap<string, readonly Tried[]>;

/** Tries the next candidates of all workloads side by side; scores that the file knows are not made again. */
async function tryAll(
  tuning: Tuning,
  before: TriedIn,
  next: (tried: readonly Tried[]) => readonly Candidate[],
): Promise<TriedIn> {
  const { workloads, seed, coldStartSeconds, file, finished } = tuning;
  const trials = new Map(
    workloads.map((workload) => {
      const cell = { workload, seed, coldStartSeconds, iterationFactor: 1 };
      return [workload, new Trials(cell, next(before.get(workload) ?? []), file)] as const;
    }),
  );
  for (const [workload, { isDone }] of trials) if (isDone) finished(workload);
  const jobs = [...trials.values()].filter(({ isDone }) => !isDone).map((one) => one.job());
  await runCells(jobs, (score) => {
    const of = trials.get(score.workload);
    of?.add(score);
    if (of?.isDone === true) finished(score.workload);
  });
  return new Map([...trials].map(([workload, of]) => [workload, [...(before.get(workload) ?? []), ...of.tried()]]));
}

/** The candidates of one workload and what they scored. */
class Trials {
  readonly #cell: Omit<CellJob, 'policies'>;
  readonly #candidates: readonly (Candidate & NamedPolicy)[];
  readonly #file: ScoreFile | undefined;
  readonly #scores = new Map<string, Score>();

  constructor(cell: Omit<CellJob, 'policies'>, candidates: readonly Candidate[], file: ScoreFile | undefined) {
    this.#cell = cell;
    this.#candidates = candidates.map((one) => ({ ...one, label: labelOf(one.definition) }));
    this.#file = file;
    for (const candidate of this.#candidates) {
      const known = file?.find(cell, candidate);
      if (known !== undefined) this.#scores.set(candidate.label, known);
    }
  }

  get isDone(): boolean {
    return this.#scores.size === this.#candidates.length;
  }

  /** What is still to be run. */
  job(): CellJob {
    const open = this.#candidates.filter(({ label }) => !this.#scores.has(label));
    return { ...this.#cell, policies: open.map(({ label, definition }) => ({ label, definition })) };
  }

  add(score: Score): void {
    this.#scores.set(score.policy, score);
    const candidate = this.#candidates.find(({ label }) => label === score.policy);
    if (candidate !== undefined) this.#file?.add(score, candidate);
  }

  tried(): readonly Tried[] {
    return this.#candidates.flatMap((candidate) => {
      const score = this.#scores.get(candidate.label);
      return score === undefined ? [] : [{ ...candidate, misses: score.misses, gpuHours: score.gpuHours }];
    });
  }
}

/** Settings tell candidates apart. */
function labelOf(definition: Simulated): string {
  return JSON.stringify(definition.parameters);
}

function found(workload: string, tried: readonly Tried[]): Found {
  const [defaults] = tried;
  const best = bestOf(tried);
  if (defaults === undefined || best === undefined) throw new RangeError(`nothing was tried for ${workload}`);
  return { workload, best, defaults, tried: tried.length };
}
