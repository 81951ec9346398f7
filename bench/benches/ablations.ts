import { geometricMean, mean } from 'simple-statistics';
import { readPolicy } from '../../src/cli/bundled.ts';
import type { NamedPolicy } from '../../src/cli/simulation-input.ts';
import type { Part } from '../../src/core/model/policy.ts';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { absentRows } from '../decisions/comparison.ts';
import { chosenWorkloads, runsOf, scoresOf } from '../decisions/plan.ts';
import { own } from '../decisions/policies.ts';
import { allowance, type Cell, cellsOf, gpuHoursOf, missesOf, scoresIn } from '../decisions/verdict.ts';

export const bench: Bench = {
  about: 'our policy without one of its parts at a time, beside the whole: what each part buys',
  takes: '12 min',
  fullTakes: '4 h: six cold starts, 8 seeds',
  hasCases: true,
  run,
};

const parts: readonly Part[] = ['Forecast', 'Pending', 'Consolidation', 'Learning', 'Warmth'];
const grids = {
  standard: { coldStarts: [30, 110, 300], seeds: [101, 102] },
  full: { coldStarts: [5, 30, 60, 110, 240, 600], seeds: [101, 102, 103, 104, 105, 106, 107, 108] },
} as const;

async function run(options: BenchOptions): Promise<readonly Measurement[]> {
  const { present, absent } = chosenWorkloads(options.only);
  const policies = await ablated();
  const extent = grids[options.isFull ? 'full' : 'standard'];
  const grid = { ...extent, workloads: present.map(({ name }) => name), factors: [1], policies };
  options.say(`${runsOf(grid)} runs: ${grid.workloads.length} workloads, cold starts ${grid.coldStarts.join(', ')} s`);
  const cells = cellsOf(await scoresOf(grid, options));
  const rows = cells.length === 0 ? [] : policies.flatMap(({ label }) => rowsOf(label, cells));
  return [...rows, ...absentRows(absent)];
}

async function ablated(): Promise<readonly NamedPolicy[]> {
  const definition = await readPolicy(own);
  if (definition.kind !== 'ScalingPolicy') throw new TypeError(`${own} must be a ScalingPolicy`);
  const { tunables } = definition;
  return [
    { label: own, definition },
    ...parts.map((part) => ({
      label: `without ${part.toLowerCase()}`,
      definition: { ...definition, tunables: { ...tunables, without: [part] } },
    })),
  ];
}

/** Against the whole: misses in points of all requests, GPU-hours as a ratio, cells that the part decides. */
function rowsOf(name: string, cells: readonly Cell[]): readonly Measurement[] {
  const misses = (cell: Cell, policy: string): number => 100 * missesOf(scoresIn(cell, policy));
  const kept = cells.filter((cell) => misses(cell, name) <= 100 * allowance).length;
  const more = cells.filter((cell) => misses(cell, name) > misses(cell, own) + 0.3).length;
  const fewer = cells.filter((cell) => misses(cell, name) < misses(cell, own) - 0.3).length;
  const ratios = cells.map((cell) => gpuHoursOf(scoresIn(cell, name)) / gpuHoursOf(scoresIn(cell, own)));
  const average = (policy: string): number => mean(cells.map((cell) => misses(cell, policy)));
  const about = `more misses in ${more} cells and fewer in ${fewer} of ${cells.length}, by more than 0.3 points`;
  return [
    { case: name, metric: 'misses', value: average(name), unit: '%', reference: average(own), note: about },
    { case: name, metric: 'gpu-hours', value: geometricMean(ratios), unit: 'ratio', note: 'geometric mean over cells' },
    { case: name, metric: 'kept', value: kept, unit: 'cells', note: `of ${cells.length} with at most 1 % misses` },
  ];
}
