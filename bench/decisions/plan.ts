import { progressOf } from '../../src/cli/progress.ts';
import type { NamedPolicy } from '../../src/cli/simulation-input.ts';
import type { BenchOptions } from '../bench.ts';
import { type CellJob, runCells, type Score } from './runs.ts';
import { ScoreFile } from './store.ts';
import { standardWorkloads, type StandardWorkload } from './workloads.ts';

export interface Grid {
  readonly workloads: readonly string[];
  readonly coldStarts: readonly number[];
  readonly seeds: readonly number[];
  readonly factors: readonly number[];
  readonly policies: readonly NamedPolicy[];
  /** More policies, by the workload that they are for. */
  readonly variants?: ReadonlyMap<string, readonly NamedPolicy[]>;
}

export interface Chosen {
  readonly present: readonly StandardWorkload[];
  readonly absent: readonly StandardWorkload[];
}

/** The workloads that were asked for, and of those the ones whose data is not here. */
export function chosenWorkloads(only: readonly string[] | undefined, flag = '--only'): Chosen {
  const all = standardWorkloads();
  const unknown = only?.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new RangeError(`${flag} must name workloads of ${all.map((one) => one.name).join(', ')}, was '${unknown}'`);
  const wanted = all.filter(({ name }) => only === undefined || only.includes(name));
  return {
    present: wanted.filter((one) => one.absent === undefined),
    absent: wanted.filter((one) => one.absent !== undefined),
  };
}

/** All cells of the grid, one after another of the same load: it is drawn once. */
function jobsOf({ workloads, seeds, coldStarts, factors, policies: common, variants }: Grid): readonly CellJob[] {
  return workloads.flatMap((workload) => {
    const policies = [...common, ...(variants?.get(workload) ?? [])];
    return seeds.flatMap((seed) =>
      coldStarts.flatMap((coldStartSeconds) =>
        factors.map((iterationFactor) => ({ workload, seed, coldStartSeconds, iterationFactor, policies })),
      ),
    );
  });
}

export function runsOf(grid: Grid): number {
  return jobsOf(grid).reduce((sum, { policies }) => sum + policies.length, 0);
}

/** Runs what the file has not, with progress, and answers all scores of the grid. */
export async function scoresOf(grid: Grid, { scores: path }: Pick<BenchOptions, 'scores'>): Promise<readonly Score[]> {
  const file = path === undefined ? undefined : new ScoreFile(path);
  const scores: Score[] = [];
  const open = jobsOf(grid).map((job) => {
    const known = job.policies.map((policy) => file?.find(job, policy));
    scores.push(...known.filter((one) => one !== undefined));
    return { ...job, policies: job.policies.filter((_, i) => known[i] === undefined) };
  });
  const jobs = open.filter(({ policies }) => policies.length > 0);
  const total = jobs.reduce((sum, { policies }) => sum + policies.length, 0);
  const progress = progressOf(total, process.stderr, Math.ceil(total / 40));
  let done = 0;
  try {
    await runCells(jobs, (score) => {
      scores.push(score);
      const all = [...grid.policies, ...(grid.variants?.get(score.workload) ?? [])];
      const policy = all.find(({ label }) => label === score.policy);
      if (policy !== undefined) file?.add(score, policy);
      progress.advance(++done / total);
      progress.finished(
        `${score.policy}, ${score.workload}, cold start ${score.coldStartSeconds} s, seed ${score.seed}`,
      );
    });
  } finally {
    progress.stop();
  }
  return scores;
}
