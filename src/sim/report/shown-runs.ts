import type { SimResult } from '../result.ts';

/** One policy with its runs in the order of the variations; undefined where a run was not finished. */
export interface ShownPolicy {
  readonly policy: string;
  readonly runs: readonly (SimResult | undefined)[];
  /** Which of them is seen first: the first that there is. */
  readonly first: number;
}

/** What the page draws: all policies at the same variation (cold start, seed, iteration time), one variation at a time. */
export interface ShownRuns {
  /** What tells the variations apart, one each; one empty name where there is only one. */
  readonly variations: readonly string[];
  readonly policies: readonly ShownPolicy[];
  /** Variations that the page has no room for. */
  readonly leftOut: number;
}

/** Runs that one page carries; each takes some 15 kB at the least. */
const mostRuns = 240;

/** Every run, the engine's own iteration time first, as far as the page has room. */
export function shownRuns(results: readonly SimResult[], most: number = mostRuns): ShownRuns {
  const policies = [...new Set(results.map(({ policy }) => policy))];
  const all = [...new Map(results.map((result) => [keyOf(result), result])).values()].toSorted(ownTimeFirst);
  const kept = all.slice(0, Math.max(1, Math.floor(most / Math.max(1, policies.length))));
  const byRun = new Map(results.map((result) => [`${result.policy}\n${keyOf(result)}`, result]));
  return {
    variations: kept.map((one) => nameOf(one, all)),
    policies: policies.flatMap((policy) => {
      const runs = kept.map((one) => byRun.get(`${policy}\n${keyOf(one)}`));
      const first = runs.findIndex((run) => run !== undefined);
      return first < 0 ? [] : [{ policy, runs, first }];
    }),
    leftOut: all.length - kept.length,
  };
}

function keyOf({ coldStartSeconds, seed, iterationFactor = 1 }: SimResult): string {
  return `${coldStartSeconds ?? ''}/${seed}/${iterationFactor}`;
}

function ownTimeFirst({ iterationFactor: a = 1 }: SimResult, { iterationFactor: b = 1 }: SimResult): number {
  return Number(a !== 1) - Number(b !== 1);
}

function nameOf(run: SimResult, all: readonly SimResult[]): string {
  const differs = (read: (one: SimResult) => unknown): boolean => new Set(all.map(read)).size > 1;
  const { coldStartSeconds, seed, iterationFactor = 1 } = run;
  return [
    ...(differs((one) => one.coldStartSeconds) ? [`cold start ${coldStartSeconds ?? '-'} s`] : []),
    ...(differs((one) => one.seed) ? [`seed ${seed}`] : []),
    ...(differs((one) => one.iterationFactor ?? 1) ? [`iterations x ${iterationFactor}`] : []),
  ].join(', ');
}
