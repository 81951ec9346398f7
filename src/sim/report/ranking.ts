import type { SimResult } from '../result.ts';

/** What policies are ranked by. */
export type Measure = 'attainment' | 'gpuHours';
const measures: readonly Measure[] = ['attainment', 'gpuHours'];

/** Two policies that change places within the band: a ranking that hangs on the engine profile. */
export interface Flip {
  readonly measure: Measure;
  readonly policies: readonly [string, string];
  /** Factors of the iteration time at which they stand the other way round. */
  readonly factors: readonly number[];
  readonly coldStartSeconds?: number;
}

export type FlippedMeasures = readonly Measure[];

/** What ranking reads of a run or of the mean of several. */
export type Ranked = Pick<
  SimResult,
  'policy' | 'attainment' | 'gpuHours' | 'coldStartSeconds' | 'iterationFactor' | 'isRealisable'
>;

/** Differences that the table does not show are ties: 0.01 points of attainment, a thousandth of the GPU-hours. */
const attainmentTie = 1e-4;
const costTie = 1e-3;

/** Pairs of policies that change places at some factor, oracles apart: they are no choice. One row a policy, cold start and factor. */
export function flipsOf(rows: readonly Ranked[]): readonly Flip[] {
  const own = rows.filter(({ iterationFactor = 1, isRealisable }) => iterationFactor === 1 && isRealisable !== false);
  const pairs = own.flatMap((a, at) =>
    own.slice(at + 1).flatMap((b) => (a.coldStartSeconds === b.coldStartSeconds ? [[a, b] as const] : [])),
  );
  return pairs.flatMap(([a, b]) => measures.flatMap((measure) => flipOf(measure, [a, b], rows)));
}

function flipOf(measure: Measure, [a, b]: readonly [Ranked, Ranked], rows: readonly Ranked[]): readonly Flip[] {
  const order = compare(measure, a, b);
  const factors = rows.flatMap((row) => {
    const { iterationFactor = 1 } = row;
    const other = rows.find((one) => isRun(one, b) && one.iterationFactor === row.iterationFactor);
    if (!isRun(row, a) || other === undefined) return [];
    return order * compare(measure, row, other) < 0 ? [iterationFactor] : [];
  });
  if (factors.length === 0) return [];
  const { coldStartSeconds } = a;
  const policies = [a.policy, b.policy] as const;
  return [{ measure, policies, factors, ...(coldStartSeconds === undefined ? {} : { coldStartSeconds }) }];
}

function isRun(row: Ranked, of: Ranked): boolean {
  return row.policy === of.policy && row.coldStartSeconds === of.coldStartSeconds;
}

/** 1: the first has more of it; -1: less; 0: as good as equal, or nothing is known. */
function compare(measure: Measure, a: Ranked, b: Ranked): number {
  const [first, second] = [a[measure], b[measure]];
  if (first === null || second === null) return 0;
  const tie = measure === 'attainment' ? attainmentTie : costTie * Math.max(first, second);
  return Math.abs(first - second) < tie ? 0 : Math.sign(first - second);
}

/** In which measures a row's place is not sure. */
export function flippedMeasures(rows: readonly Ranked[]): (row: Ranked) => FlippedMeasures {
  const flips = flipsOf(rows);
  return ({ policy, coldStartSeconds }) => {
    const own = flips.filter((flip) => flip.policies.includes(policy) && flip.coldStartSeconds === coldStartSeconds);
    return measures.filter((measure) => own.some((flip) => flip.measure === measure));
  };
}

const measureText: Readonly<Record<Measure, string>> = { attainment: 'attainment', gpuHours: 'GPU-hours' };

/** For people: `a and b change places in attainment at 0.9 x the iteration time`. */
export function flipText({ measure, policies, factors, coldStartSeconds }: Flip, isSweep: boolean): string {
  const at = isSweep && coldStartSeconds !== undefined ? `, cold start ${coldStartSeconds} s` : '';
  return `${policies.join(' and ')} change places in ${measureText[measure]} at ${factors.join(' and ')} x the iteration time${at}`;
}
