import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  latenciesOf,
  type MeasuredRun,
  medianOf,
  mediansOf,
  type RequestTimes,
  type SentLoad,
  type SentRequest,
} from '../src/sim/calibration/measured-run.ts';
import { CpuDrift, type ServerSpan } from './cpu-drift.ts';

/** All repeats of one load on a CPU engine, measured request by request. */
export interface CpuRun {
  readonly run: MeasuredRun;
  /** The engine kept up with what was sent, to 95 %. */
  readonly isSteady: boolean;
  /** Ran on the server with few KV blocks. */
  readonly isKvShort: boolean;
}

interface Request extends SentRequest, RequestTimes {}

type Cells = ReadonlyMap<string, string>;

/** `isRescaled`: each repeat as a machine of constant speed would have run it, all its times divided by how slow its own steps were. */
export function readCpuRuns(
  folder: string,
  { isRescaled = false }: { readonly isRescaled?: boolean } = {},
): readonly CpuRun[] {
  const drift = isRescaled ? new CpuDrift(folder) : undefined;
  const rows = tableOf(readFileSync(join(folder, 'runs.csv'), 'utf8'));
  const requests = requestsByRun(folder);
  const names = new Set(rows.map((row) => nameOf(row)));
  return [...names].map((name) =>
    cpuRun(
      name,
      rows
        .filter((row) => nameOf(row) === name)
        .map((row): Repeat => repeatOf(row, requests, drift?.of(spanOf(row)) ?? 1)),
    ),
  );
}

/** One repeat of a load; its times are already divided by `slowness`. */
interface Repeat {
  readonly row: Cells;
  readonly requests: readonly Request[];
  readonly slowness: number;
}

function repeatOf(row: Cells, requests: ReadonlyMap<string, readonly Request[]>, slowness: number): Repeat {
  const own = requests.get(row.get('run') ?? '') ?? [];
  const scaled = own.map((one) => ({
    ...one,
    arrivalMs: one.arrivalMs / slowness,
    ttft: one.ttft / slowness,
    e2e: one.e2e / slowness,
  }));
  return { row, requests: scaled, slowness };
}

function spanOf(row: Cells): ServerSpan {
  const fromS = Number(row.get('start_unix'));
  return { server: row.get('server') ?? '', fromS, toS: fromS + Number(row.get('wall_s')) };
}

function cpuRun(name: string, sent: readonly Repeat[]): CpuRun {
  const isKvShort = sent.some(({ row }) => row.get('server')?.startsWith('c') === true);
  return {
    run: {
      name,
      loads: sent.map(loadOf),
      measured: mediansOf(sent.map(({ requests: all }) => latenciesOf(all))),
    },
    isSteady: !isKvShort && medianOf(sent.map(({ row, requests: all }) => keptUp(row, all))) >= 0.95,
    isKvShort,
  };
}

function nameOf(row: Cells): string {
  return (row.get('run') ?? '').split('/')[0] ?? '';
}

/** The share of an open run's requests that were answered by the time the last was sent; a closed one cannot send more than is served. */
function keptUp(row: Cells, requests: readonly Request[]): number {
  if (row.get('mode') === 'closed') return 1;
  const lastSent = Math.max(...requests.map(({ arrivalMs }) => arrivalMs));
  return requests.filter(({ arrivalMs, e2e }) => arrivalMs + e2e <= lastSent).length / requests.length;
}

function loadOf({ row, requests, slowness }: Repeat): SentLoad {
  if (row.get('mode') !== 'closed') return { kind: 'Open', requests };
  return {
    kind: 'Closed',
    users: Number(row.get('concurrency')),
    untilMs: (Number(row.get('duration_s')) * 1000) / slowness,
    requests: [...requests, ...requests, ...requests],
  };
}

function requestsByRun(folder: string): ReadonlyMap<string, readonly Request[]> {
  const text = gunzipSync(readFileSync(join(folder, 'requests.jsonl.gz'))).toString('utf8');
  const all = text
    .trim()
    .split('\n')
    .map((line) => requestOf(JSON.parse(line)))
    .toSorted((a, b) => a.arrivalMs - b.arrivalMs);
  return Map.groupBy(all, ({ run }) => run);
}

function requestOf(row: unknown): Request & { readonly run: string } {
  const field = (name: string): unknown =>
    typeof row === 'object' && row !== null ? Reflect.get(row, name) : undefined;
  const number = (name: string): number => {
    const value = field(name);
    if (typeof value !== 'number')
      throw new TypeError(`\`${name}\` must be a number in each line of requests.jsonl.gz`);
    return value;
  };
  return {
    run: String(field('run')),
    arrivalMs: number('sent') * 1000,
    promptTokens: number('p'),
    outputTokens: number('o'),
    ttft: number('ttft'),
    e2e: number('e2e'),
  };
}

function tableOf(text: string): readonly Cells[] {
  const [header = '', ...lines] = text.trim().split('\n');
  const names = header.split(',');
  return lines.map((line) => new Map(line.split(',').map((cell, i) => [names[i] ?? '', cell])));
}
