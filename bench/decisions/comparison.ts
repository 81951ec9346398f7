import { policiesOf } from '../../src/cli/simulation-input.ts';
import type { BenchOptions, Measurement } from '../bench.ts';
import { chosenWorkloads, type Grid, runsOf, scoresOf } from './plan.ts';
import { oracles, own, peerNames, tunedPeers } from './policies.ts';
import type { Score } from './runs.ts';
import type { StandardWorkload } from './workloads.ts';

const firstSeed = 101;
const seeds = { standard: 4, full: 20 } as const;
const coldStarts = { standard: [30, 110, 300], full: [5, 30, 60, 110, 240, 600] } as const;

export interface Comparison {
  readonly scores: readonly Score[];
  readonly absent: readonly StandardWorkload[];
  readonly grid: Grid;
  /** Wall time of what was simulated now, seconds. */
  readonly seconds: number;
}

/** The standard comparison: every peer and our own policy on every workload, cold start and seed. */
export async function compare(
  options: BenchOptions,
  { withOracles, withTuned }: { readonly withOracles: boolean; readonly withTuned: boolean },
): Promise<Comparison> {
  const { present, absent } = chosenWorkloads(options.only);
  const policies = await policiesOf([own, ...(await peerNames()), ...(withOracles ? oracles : [])]);
  const extent = options.isFull ? 'full' : 'standard';
  const grid: Grid = {
    workloads: present.map(({ name }) => name),
    coldStarts: coldStarts[extent],
    seeds: Array.from({ length: seeds[extent] }, (_, i) => firstSeed + i),
    factors: [1],
    policies,
    ...(withTuned ? { variants: await tunedPeers() } : {}),
  };
  const tuned = grid.workloads.reduce((sum, name) => sum + (grid.variants?.get(name)?.length ?? 0), 0);
  options.say(
    `${runsOf(grid)} runs: ${grid.workloads.length} workloads, cold starts ${grid.coldStarts.join(', ')} s, ${grid.seeds.length} seeds, ${policies.length} policies, ${tuned} tuned variants`,
  );
  const before = performance.now();
  const scores = await scoresOf(grid, options);
  return { scores, absent, grid, seconds: (performance.now() - before) / 1000 };
}

export function absentRows(absent: readonly StandardWorkload[]): readonly Measurement[] {
  return absent.map(({ name, absent: note }) => ({
    case: name,
    metric: 'absent',
    value: null,
    unit: '',
    ...(note === undefined ? {} : { note }),
  }));
}
