import { mean, median } from 'simple-statistics';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { absentRows, compare } from '../decisions/comparison.ts';
import { scoresOf } from '../decisions/plan.ts';
import { oracles, originOf, own } from '../decisions/policies.ts';
import type { Score } from '../decisions/runs.ts';
import {
  allowance,
  type Cell,
  cellsOf,
  cheapest,
  gpuHoursOf,
  isDominated,
  isWithin,
  missesOf,
  nameOf,
  scoresIn,
} from '../decisions/verdict.ts';
import { standardWorkloads } from '../decisions/workloads.ts';
import type { Limit } from '../limits.ts';

export const bench: Bench = {
  about: 'our one default against every peer in every cell: dominated, hindsight, oracle, drains, turns, k-band',
  takes: '30 min',
  fullTakes: '5 h: six cold starts, 20 seeds',
  hasCases: true,
  run,
};

/** Of the bar `foreseeable-over-oracle`. */
const foreseeableRatio = 1.15;

/** A fixed fleet is chosen in hindsight and decides nothing: it is kept apart. */
const isFixed = (name: string): boolean => name === 'static';

async function run(options: BenchOptions): Promise<readonly Measurement[]> {
  const { scores, absent, grid } = await compare(options, { withOracles: true, withTuned: true });
  const names = grid.policies.map(({ label }) => label);
  const peers = names.filter((name) => ![own, ...oracles].includes(name) && !isFixed(name));
  const cells = cellsOf(scores);
  if (cells.length === 0) return absentRows(absent);
  const best = bestThree(cells, peers);
  options.say(`k-band of ${best.join(', ')}`);
  const banded = cellsOf(
    await scoresOf(
      {
        ...grid,
        factors: [0.9, 1.1],
        policies: grid.policies.filter(({ label }) => label === own || best.includes(label)),
        variants: new Map(
          [...(grid.variants ?? [])].map(([name, of]) => [name, of.filter(({ label }) => isOf(label, best))]),
        ),
      },
      options,
    ),
  );
  return [
    ...dominatedRows(cells, peers, 'k 1'),
    ...hindsightRows(cells, peers),
    ...oracleRows(cells),
    ...calmRows(scores.filter((one) => one.policy === own)),
    ...dominatedRows(banded, best, 'k 0.9 and 1.1, the best three peers'),
    ...absentRows(absent),
  ];
}

/** Peers that attain the most; of equals the cheapest. */
function bestThree(cells: readonly Cell[], peers: readonly string[]): readonly string[] {
  const kept = (name: string): number => cells.filter((cell) => missesOf(scoresIn(cell, name)) <= allowance).length;
  const paid = (name: string): number => mean(cells.map((cell) => gpuHoursOf(scoresIn(cell, name))));
  return peers.toSorted((a, b) => kept(b) - kept(a) || paid(a) - paid(b)).slice(0, 3);
}

function isOf(label: string, peers: readonly string[]): boolean {
  return peers.some((name) => name === originOf(label));
}

/** The peers with their defaults, and those of them that were tuned for the cell's workload. */
function peersIn(cell: Cell, peers: readonly string[]): readonly string[] {
  return [...peers, ...[...cell.policies.keys()].filter((name) => isOf(name, peers))];
}

function figures(scores: readonly Score[]): string {
  return `${(100 * missesOf(scores)).toFixed(1)} % missed, ${gpuHoursOf(scores).toFixed(2)} GPU-h`;
}

function dominatedRows(cells: readonly Cell[], peers: readonly string[], which: string): readonly Measurement[] {
  const failed = cells.flatMap((cell) => {
    const ours = scoresIn(cell, own);
    const by = peersIn(cell, peers).filter((name) => isDominated(ours, scoresIn(cell, name)));
    if (by.length === 0) return [];
    const others = by.map((name) => `${name} (${figures(scoresIn(cell, name))})`).join(', ');
    return [
      {
        case: nameOf(cell),
        metric: 'dominated by',
        value: by.length,
        unit: 'peers',
        note: `ours ${figures(ours)}; ${others}`,
      },
    ];
  });
  const note = `of ${cells.length} cells, ${which}`;
  return [{ case: 'a: dominated', metric: 'dominated-cells', value: failed.length, unit: 'cells', note }, ...failed];
}

function hindsightRows(cells: readonly Cell[], peers: readonly string[]): readonly Measurement[] {
  const compared = cells.flatMap((cell) => {
    const ours = scoresIn(cell, own);
    const best = cheapest(cell, peersIn(cell, peers));
    return best === undefined ? [] : [{ cell, ours, best, ratio: gpuHoursOf(ours) / gpuHoursOf(best.scores) }];
  });
  const within = compared.filter(({ ours, best }) => missesOf(ours) <= allowance && isWithin(ours, best.scores, 1.15));
  const beyond = compared.filter((one) => !within.includes(one));
  const note = `${compared.length} cells in which a peer keeps 99 %`;
  const share = compared.length === 0 ? null : (100 * within.length) / compared.length;
  return [
    {
      case: 'b: hindsight',
      metric: 'hindsight-median',
      value: compared.length === 0 ? null : median(compared.map(({ ratio }) => ratio)),
      unit: 'ratio',
      note,
    },
    { case: 'b: hindsight', metric: 'hindsight-within', value: share, unit: '%', note },
    ...beyond.map(({ cell, ours, best, ratio }) => ({
      case: nameOf(cell),
      metric: 'beyond hindsight',
      value: ratio,
      unit: 'ratio',
      note: `ours ${figures(ours)}; ${best.name} ${figures(best.scores)}`,
    })),
  ];
}

function oracleRows(cells: readonly Cell[]): readonly Measurement[] {
  const classOf = new Map(standardWorkloads().map((one) => [one.name, one.class]));
  return cells.flatMap((cell) => {
    const [oracle, reactive] = oracles;
    const kind = classOf.get(cell.workload);
    if (kind === 'foreseeable') return foreseeableRows(cell, scoresIn(cell, oracle));
    return kind === 'burst' ? [burstRow(cell, scoresIn(cell, reactive))] : [];
  });
}

function foreseeableRows(cell: Cell, oracle: readonly Score[]): readonly Measurement[] {
  const ours = scoresIn(cell, own);
  const [paid, least, oneReplica] = [gpuHoursOf(ours), gpuHoursOf(oracle), ours[0]?.oneReplica ?? 0];
  const note = `ours ${figures(ours)}; oracle ${figures(oracle)}; one replica is ${oneReplica.toFixed(2)} GPU-h`;
  /** Either allowance is used up at the bar. */
  const value = Math.min(paid / least, (foreseeableRatio * (paid - least)) / oneReplica);
  const misses = 100 * Math.max(0, missesOf(ours) - Math.max(0, missesOf(oracle) - allowance));
  const limit: Limit = { op: '<=', limit: 100 * allowance, origin: 'design section 9 (c), where the oracle keeps it' };
  const name = `c: ${nameOf(cell)}`;
  return [
    { case: name, metric: 'foreseeable-over-oracle', value, unit: 'ratio', reference: 1, note },
    { case: name, metric: 'foreseeable-misses', value: misses, unit: '%', limit },
  ];
}

function burstRow(cell: Cell, reactive: readonly Score[]): Measurement {
  const ours = scoresIn(cell, own);
  const value = missesOf(ours) <= allowance ? 0 : missesOf(ours) / Math.max(1e-9, missesOf(reactive));
  const note = `ours ${figures(ours)}; reactive oracle ${figures(reactive)}`;
  return { case: `c: ${nameOf(cell)}`, metric: 'burst-misses-over-reactive-oracle', value, unit: 'ratio', note };
}

function calmRows(scores: readonly Score[]): readonly Measurement[] {
  const lost = scores.reduce((sum, one) => sum + one.lostOnScaleDown, 0);
  const worst = scores.toSorted((a, b) => b.turnsInWindow - a.turnsInWindow)[0];
  if (worst === undefined) return [];
  const where = `${worst.workload}, cold start ${worst.coldStartSeconds} s, seed ${worst.seed}`;
  const many = scores.filter((one) => one.turnsInWindow > 1).length;
  return [
    {
      case: 'd: drains',
      metric: 'lost-on-scale-down',
      value: lost,
      unit: 'requests',
      note: `of ${scores.length} runs`,
    },
    {
      case: 'd: turns',
      metric: 'direction-changes',
      value: worst.turnsInWindow,
      unit: 'a window',
      note: `${where}; ${many} of ${scores.length} runs have more than one`,
    },
  ];
}
