import { absent, amount, count, latency, percent } from './format.ts';
import type { Measure } from './ranking.ts';
import type { Range, SummaryRow } from './summary.ts';

export interface Column {
  readonly head: string;
  /** What it means, for the page's column heads. */
  readonly meaning: string;
  readonly group?: 'TTFT' | 'ITL' | 'Starts';
  readonly read: (row: SummaryRow) => string;
}

const attainedBand = 'in band';
const costBand = 'hours in band';

/** The summary's columns, the same on the terminal and on the page. The first is text, the others align right. */
export const columns: readonly Column[] = [
  { head: 'Policy', meaning: 'the simulated policy', read: policyName },
  {
    head: 'Cold start',
    meaning: 'median time from order to Ready on a node that holds nothing',
    read: (row) => (row.coldStartSeconds === undefined ? absent : `${row.coldStartSeconds}s`),
  },
  { head: 'Seed', meaning: 'seed of the random draws', read: (row) => String(row.seed) },
  {
    head: 'Attained',
    meaning: 'share of arrivals inside every objective',
    read: (row) => marked(percent(row.attainment), row, 'attainment'),
  },
  {
    head: attainedBand,
    meaning: 'the same over the band of iteration times',
    read: (row) => range(row.band?.attainment, percent),
  },
  {
    head: 'GPU-hours',
    meaning: 'from allocation to release',
    read: (row) => marked(amount(row.gpuHours), row, 'gpuHours'),
  },
  {
    head: costBand,
    meaning: 'GPU-hours over the band of iteration times',
    read: (row) => range(row.band?.gpuHours, amount),
  },
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

/** What nobody can build is said wherever its name stands, and that a run was not made at the engine's own time. */
export function policyName({
  policy,
  isRealisable,
  iterationFactor = 1,
}: Pick<SummaryRow, 'policy' | 'isRealisable' | 'iterationFactor'>): string {
  const remarks = [
    ...(isRealisable === false ? ['not realisable'] : []),
    ...(iterationFactor === 1 ? [] : [`iterations x ${iterationFactor}`]),
  ];
  return remarks.length === 0 ? policy : `${policy} (${remarks.join(', ')})`;
}

/** A place in the ranking that the band upsets. */
function marked(text: string, { band }: SummaryRow, measure: Measure): string {
  return band?.flipped.includes(measure) === true ? `${text} *` : text;
}

function range(value: Range | null | undefined, text: (value: number) => string): string {
  if (value === null || value === undefined) return absent;
  const [least, most] = [text(value.least), text(value.most)];
  return least === most ? least : `${least} to ${most}`;
}

/** Only what differs between rows, or exists, is shown of seed, cold start and band. */
export function columnsFor(rows: readonly SummaryRow[]): readonly Column[] {
  const isShown: Readonly<Record<string, boolean>> = {
    Seed: new Set(rows.map((row) => row.seed)).size > 1,
    'Cold start': new Set(rows.map((row) => row.coldStartSeconds)).size > 1,
    [attainedBand]: rows.some(({ band }) => band !== undefined),
    [costBand]: rows.some(({ band }) => band !== undefined),
  };
  return columns.filter(({ head }) => isShown[head] !== false);
}
