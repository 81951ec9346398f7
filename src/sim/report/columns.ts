import { amount, count, latency, percent } from './format.ts';
import type { SummaryRow } from './summary.ts';

export interface Column {
  readonly head: string;
  /** What it means, for the page's column heads. */
  readonly meaning: string;
  readonly group?: 'TTFT' | 'ITL' | 'Starts';
  readonly read: (row: SummaryRow) => string;
}

/** The summary's columns, the same on the terminal and on the page. The first is text, the others align right. */
export const columns: readonly Column[] = [
  { head: 'Policy', meaning: 'the simulated policy', read: (row) => row.policy },
  { head: 'Seed', meaning: 'seed of the random draws', read: (row) => String(row.seed) },
  { head: 'Attained', meaning: 'share of arrivals inside every objective', read: (row) => percent(row.attainment) },
  { head: 'GPU-hours', meaning: 'from allocation to release', read: (row) => amount(row.gpuHours) },
  { head: 'p50', group: 'TTFT', meaning: 'time to first token, median', read: (row) => latency(row.ttft?.p50) },
  { head: 'p95', group: 'TTFT', meaning: 'time to first token, 95 of 100', read: (row) => latency(row.ttft?.p95) },
  { head: 'p99', group: 'TTFT', meaning: 'time to first token, 99 of 100', read: (row) => latency(row.ttft?.p99) },
  { head: 'p50', group: 'ITL', meaning: 'inter-token latency, median', read: (row) => latency(row.itl?.p50) },
  { head: 'p95', group: 'ITL', meaning: 'inter-token latency, 95 of 100', read: (row) => latency(row.itl?.p95) },
  { head: 'p99', group: 'ITL', meaning: 'inter-token latency, 99 of 100', read: (row) => latency(row.itl?.p99) },
  { head: 'Shed', meaning: 'refused at the gateway', read: (row) => whole(row.shed) },
  { head: 'Lost', meaning: 'killed in flight or never finished', read: (row) => whole(row.lost) },
  { head: 'Changes', meaning: 'changes of spec.replicas', read: (row) => whole(row.replicaChanges) },
  { head: 'Peak', meaning: 'most replicas at once', read: (row) => whole(row.peakReplicas) },
  { head: 'Cold', group: 'Starts', meaning: 'replicas that had to fetch', read: (row) => whole(row.coldStarts) },
  { head: 'Warm', group: 'Starts', meaning: 'replicas that found everything', read: (row) => whole(row.warmStarts) },
];

/** A mean over seeds may be a fraction. */
function whole(value: number): string {
  return Number.isInteger(value) ? count(value) : amount(value);
}

/** The seed is shown only where runs of one policy differ in it. */
export function columnsFor(rows: readonly SummaryRow[]): readonly Column[] {
  const seeds = new Set(rows.map((row) => row.seed));
  return seeds.size > 1 ? columns : columns.filter((column) => column.head !== 'Seed');
}
