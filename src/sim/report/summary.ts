import type { LatencySummary, SimResult } from '../result.ts';

/** One row of the summary: a run, or the mean of one policy's runs. */
export interface SummaryRow extends Omit<SimResult, 'seed' | 'timeline' | 'decisions' | 'durationSeconds'> {
  readonly seed: number | 'mean';
}

/** Runs in the order given; a policy with several seeds is followed by their mean. */
export function summaryRows(results: readonly SimResult[]): readonly SummaryRow[] {
  const policies = [...new Set(results.map((result) => result.policy))];
  return policies.flatMap((policy) => {
    const runs = results.filter((result) => result.policy === policy);
    return runs.length > 1 ? [...runs, meanOf(runs)] : runs;
  });
}

/** One row a policy: its only run, or the mean over its seeds. */
export function policyRows(results: readonly SimResult[]): readonly SummaryRow[] {
  const rows = summaryRows(results);
  return rows.filter((row) => row.seed === 'mean' || rows.filter(({ policy }) => policy === row.policy).length === 1);
}

function meanOf(runs: readonly SimResult[]): SummaryRow {
  const of = (read: (run: SimResult) => number): number => mean(runs.map(read));
  return {
    policy: runs[0]?.policy ?? '',
    seed: 'mean',
    arrivals: of((run) => run.arrivals),
    completed: of((run) => run.completed),
    shed: of((run) => run.shed),
    lost: of((run) => run.lost),
    attainment: meanKnown(runs.map((run) => run.attainment)),
    ttft: meanLatency(runs.map((run) => run.ttft)),
    itl: meanLatency(runs.map((run) => run.itl)),
    e2e: meanLatency(runs.map((run) => run.e2e)),
    gpuHours: of((run) => run.gpuHours),
    replicaChanges: of((run) => run.replicaChanges),
    directionChanges: of((run) => run.directionChanges),
    peakReplicas: of((run) => run.peakReplicas),
    coldStarts: of((run) => run.coldStarts),
    warmStarts: of((run) => run.warmStarts),
    preemptions: of((run) => run.preemptions),
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
