import { geometricMean, mean } from 'simple-statistics';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { absentRows, type Comparison, compare } from '../decisions/comparison.ts';
import { own } from '../decisions/policies.ts';
import { allowance, type Cell, cellsOf, gpuHoursOf, missesOf, scoresIn } from '../decisions/verdict.ts';
import type { Limit } from '../limits.ts';

export const bench: Bench = {
  about: 'all peers and ours on 26 workloads, three cold starts, four seeds: misses, GPU-hours, cells on the front',
  takes: '10 min',
  fullTakes: '3 h: six cold starts, 20 seeds, tuned variants',
  hasCases: true,
  run,
};

const inTime: Limit = { op: '<=', limit: 15, origin: 'a standard comparison on two cores' };

async function run(options: BenchOptions): Promise<readonly Measurement[]> {
  const comparison = await compare(options, { withOracles: false, withTuned: options.isFull });
  const { scores, absent, grid } = comparison;
  const cells = cellsOf(scores);
  const policies = grid.policies.map(({ label }) => label);
  return [
    ...(isTimed(options) ? wallRows(comparison) : []),
    ...(cells.length === 0 ? [] : policies.flatMap((name) => rowsOf(name, cells))),
    ...absentRows(absent),
  ];
}

/** What was taken from a file took no time, and a part or more than the standard comparison is another thing to time. */
function isTimed({ only, isFull, scores }: BenchOptions): boolean {
  return only === undefined && !isFull && scores === undefined;
}

function wallRows({ scores, seconds }: Comparison): readonly Measurement[] {
  const requests = scores.reduce((sum, one) => sum + one.requests, 0);
  const note = `${scores.length} runs, ${Math.round(requests / seconds)} requests a second`;
  return [{ case: 'standard comparison', metric: 'wall', value: seconds / 60, unit: 'min', note, limit: inTime }];
}

function rowsOf(policy: string, cells: readonly Cell[]): readonly Measurement[] {
  const misses = cells.map((cell) => missesOf(scoresIn(cell, policy)));
  const kept = misses.filter((share) => share <= allowance).length;
  const front = cells.filter((cell) => isOnFront(policy, cell)).length;
  const row = (metric: string, value: number, unit: string, note: string): Measurement => {
    return { case: policy, metric, value, unit, note };
  };
  return [
    row('misses', 100 * mean(misses), '%', 'mean over cells'),
    row('gpu-hours', gpuRatio(policy, cells), 'ratio', 'geometric mean over cells of GPU-hours over ours'),
    row('kept', kept, 'cells', `of ${cells.length} with at most 1 % misses`),
    row('front', front, 'cells', 'nobody has fewer misses for fewer GPU-hours'),
  ];
}

function gpuRatio(policy: string, cells: readonly Cell[]): number {
  return geometricMean(cells.map((cell) => gpuHoursOf(scoresIn(cell, policy)) / gpuHoursOf(scoresIn(cell, own))));
}

function isOnFront(policy: string, cell: Cell): boolean {
  const scores = scoresIn(cell, policy);
  const [misses, gpu] = [missesOf(scores), gpuHoursOf(scores)];
  return [...cell.policies].every(
    ([name, other]) => name === policy || gpuHoursOf(other) >= gpu || missesOf(other) >= misses,
  );
}
