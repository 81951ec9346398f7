import { type FlippedMeasures, flippedMeasures } from './ranking.ts';
import { gpuTimeOf } from '../gpu-time.ts';
import type { LatencySummary, SimResult } from '../result.ts';

/** The least and the most of a measure over the factors of the k-band. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** How much a row moves with the iteration time. */
export interface Band {
  readonly attainment: Range | null;
  readonly gpuHours: Range;
  readonly flipped: FlippedMeasures;
}

/** One row of the summary: a run, or the mean of one policy's runs. */
export interface SummaryRow extends Omit<SimResult, 'seed' | 'timeline' | 'decisions' | 'durationSeconds'> {
  readonly seed: number | 'mean';
  /** Present where the run was made at several factors of the iteration time. */
  readonly band?: Band;
}

/** Runs of one policy at one cold start. */
interface Group {
  readonly policy: string;
  readonly coldStartSeconds: number | undefined;
}

/** Runs at the profile's own iteration time in the order given, each with its band; a policy with several seeds is followed by their mean. */
export function summaryRows(results: readonly SimResult[]): readonly SummaryRow[] {
  const flipped = flippedMeasures(meanRows(results));
  return groupsOf(results).flatMap((group) => {
    const runs = runsOf(results, group);
    const own = atOwnTime(runs);
    const banded = (row: SummaryRow, others: readonly SummaryRow[]): SummaryRow => {
      const band = bandOf(others, flipped(row));
      return band === undefined ? row : { ...row, band };
    };
    const rows = own.map((run) =>
      banded(
        run,
        runs.filter(({ seed }) => seed === run.seed),
      ),
    );
    return own.length > 1 ? [...rows, banded(meanOf(own), meansByFactor(runs))] : rows;
  });
}

/** One row a policy and cold start: its only run, or the mean over its seeds. */
export function policyRows(results: readonly SimResult[]): readonly SummaryRow[] {
  const rows = summaryRows(results);
  const isAlone = (row: SummaryRow): boolean => rows.filter((other) => isSameGroup(row, other)).length === 1;
  return rows.filter((row) => row.seed === 'mean' || isAlone(row));
}

/** One row a policy, cold start and factor of the band: the mean over its seeds. */
export function meanRows(results: readonly SimResult[]): readonly SummaryRow[] {
  return groupsOf(results).flatMap((group) => meansByFactor(runsOf(results, group)));
}

function groupsOf(results: readonly SimResult[]): readonly Group[] {
  return results
    .filter((result, at) => results.findIndex((other) => isSameGroup(result, other)) === at)
    .map(({ policy, coldStartSeconds }) => ({ policy, coldStartSeconds }));
}

function isSameGroup(a: Pick<SummaryRow, keyof Group>, b: Pick<SummaryRow, keyof Group>): boolean {
  return a.policy === b.policy && a.coldStartSeconds === b.coldStartSeconds;
}

function runsOf(results: readonly SimResult[], group: Group): readonly SimResult[] {
  return results.filter(
    (result) => result.policy === group.policy && result.coldStartSeconds === group.coldStartSeconds,
  );
}

/** Where the runs at the own time are not there yet (interrupted), whatever is. */
function atOwnTime(runs: readonly SimResult[]): readonly SimResult[] {
  const own = runs.filter(({ iterationFactor = 1 }) => iterationFactor === 1);
  return own.length > 0 ? own : runs.filter(({ iterationFactor }) => iterationFactor === runs[0]?.iterationFactor);
}

function meansByFactor(runs: readonly SimResult[]): readonly SummaryRow[] {
  const factors = [...new Set(runs.map(({ iterationFactor }) => iterationFactor))];
  return factors.map((factor) => meanOf(runs.filter(({ iterationFactor }) => iterationFactor === factor)));
}

function bandOf(rows: readonly SummaryRow[], flipped: FlippedMeasures): Band | undefined {
  if (new Set(rows.map(({ iterationFactor }) => iterationFactor)).size < 2) return undefined;
  const attained = rows.flatMap(({ attainment }) => attainment ?? []);
  return {
    attainment: attained.length === 0 ? null : rangeOf(attained),
    gpuHours: rangeOf(rows.map(({ gpuHours }) => gpuHours)),
    flipped,
  };
}

function rangeOf(values: readonly number[]): Range {
  return { least: Math.min(...values), most: Math.max(...values) };
}

function meanOf(runs: readonly SimResult[]): SummaryRow {
  const [first] = runs;
  const of = (read: (run: SimResult) => number): number => mean(runs.map(read));
  return {
    policy: first?.policy ?? '',
    seed: runs.length === 1 ? (first?.seed ?? 0) : 'mean',
    arrivals: of((run) => run.arrivals),
    completed: of((run) => run.completed),
    shed: of((run) => run.shed),
    lost: of((run) => run.lost),
    lostOnScaleDown: of((run) => run.lostOnScaleDown),
    attainment: meanKnown(runs.map((run) => run.attainment)),
    ttft: meanLatency(runs.map((run) => run.ttft)),
    itl: meanLatency(runs.map((run) => run.itl)),
    e2e: meanLatency(runs.map((run) => run.e2e)),
    gpuHours: of((run) => run.gpuHours),
    gpuHoursBy: gpuTimeOf((use) => of((run) => run.gpuHoursBy[use])),
    replicaChanges: of((run) => run.replicaChanges),
    directionChanges: of((run) => run.directionChanges),
    peakReplicas: of((run) => run.peakReplicas),
    coldStarts: of((run) => run.coldStarts),
    warmStarts: of((run) => run.warmStarts),
    preemptions: of((run) => run.preemptions),
    ...sharedBy(runs),
  };
}

/** What all runs of a row have in common, and the mean of what only an oracle has. */
function sharedBy(runs: readonly SimResult[]): Partial<SummaryRow> {
  const [first] = runs;
  const least = meanKnown(runs.map(({ leastGpuHours }) => leastGpuHours ?? null));
  return {
    ...(first?.coldStartSeconds === undefined ? {} : { coldStartSeconds: first.coldStartSeconds }),
    ...(first?.iterationFactor === undefined ? {} : { iterationFactor: first.iterationFactor }),
    ...(first?.isRealisable === undefined ? {} : { isRealisable: first.isRealisable }),
    ...(least === null ? {} : { leastGpuHours: least }),
  };
}

/** The mean of each quantile over the runs that completed anything. */
function meanLatency(all: readonly (LatencySummary | null)[]): LatencySummary | null {
  const known = all.filter((one) => one !== null);
  if (known.length === 0) return null;
  return {
    p50: mean(known.map((one) => one.p50)),
    p95: mean(known.map((one) => one.p95)),
    p99: mean(known.map((one) => one.p99)),
    mean: mean(known.map((one) => one.mean)),
  };
}

function meanKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((one) => one !== null);
  return known.length === 0 ? null : mean(known);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}
