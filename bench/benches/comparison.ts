import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { absentRows, type Comparison, compare } from '../decisions/comparison.ts';
import { own } from '../decisions/policies.ts';
import { allowance, type Cell, cellsOf, gpuHoursOf, mean, missesOf } from '../decisions/verdict.ts';
import type { Limit } from '../limits.ts';

export const bench: Bench = {
  about: 'all peers and ours on 26 workloads, three cold starts, four seeds: misses, GPU-hours, cells on the front',
  takes: '15 min',
  fullTakes: '5 h: six cold starts, 20 seeds',
  run,
};

const inTime: Limit = { op: '<=', limit: 15, origin: 'a standard comparison on two cores' };

async function run(options: BenchOptions): Promise<readonly Measurement[]> {
  const comparison = await compare(options, { withOracles: false });
  const { scores, absent, grid } = comparison;
  const cells = cellsOf(scores);
  const policies = grid.policies.map(({ label }) => label);
  return [
    ...(options.only === undefined && !options.isFull ? wallRows(comparison) : []),
    ...policies.flatMap((name) => rowsOf(name, cells)),
    ...absentRows(absent),
  ];
}

function wallRows({ scores, seconds }: Comparison): readonly Measurement[] {
  const requests = scores.reduce((sum, one) => sum + one.requests, 0);
  const note = `${scores.length} runs, ${Math.round(requests / seconds)} requests a second`;
  return [{ case: 'standard comparison', metric: 'wall', value: seconds / 60, unit: 'min', note, limit: inTime }];
}

function rowsOf(policy: string, cells: readonly Cell[]): readonly Measurement[] {
  const own = ownRatios(policy, cells);
  const misses = mean(cells.map((cell) => missesOf(cell.policies.get(policy) ?? [])));
  const kept = cells.filter((cell) => missesOf(cell.policies.get(policy) ?? []) <= allowance).length;
  const front = cells.filter((cell) => isOnFront(policy, cell)).length;
  return [
    { case: policy, metric: 'misses', value: 100 * misses, unit: '%', note: 'mean over cells' },
    {
      case: policy,
      metric: 'gpu-hours',
      value: own,
      unit: 'ratio',
      note: 'geometric mean over cells of GPU-hours over ours',
    },
    { case: policy, metric: 'kept', value: kept, unit: 'cells', note: `of ${cells.length} with at most 1 % misses` },
    { case: policy, metric: 'front', value: front, unit: 'cells', note: 'nobody has fewer misses for fewer GPU-hours' },
  ];
}

function ownRatios(policy: string, cells: readonly Cell[]): number {
  const logs = cells.map((cell) =>
    Math.log(gpuHoursOf(cell.policies.get(policy) ?? []) / gpuHoursOf(cell.policies.get(own) ?? [])),
  );
  return Math.exp(mean(logs));
}

function isOnFront(policy: string, { policies }: Cell): boolean {
  const scores = policies.get(policy) ?? [];
  const [misses, gpu] = [missesOf(scores), gpuHoursOf(scores)];
  return [...policies].every(
    ([name, other]) => name === policy || gpuHoursOf(other) >= gpu || missesOf(other) >= misses,
  );
}
