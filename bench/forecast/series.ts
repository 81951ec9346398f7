import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Mean rates in bins; NaN where a bin is missing. */
export interface LoadSeries {
  readonly name: string;
  readonly family: string;
  /** Seconds of a bin. */
  readonly step: number;
  readonly values: readonly number[];
  /** In bins. */
  readonly horizons: readonly number[];
}

interface Source {
  readonly name: string;
  readonly family: string;
  readonly step: number;
  readonly file: string;
  readonly read: (text: string) => readonly number[];
}

const horizonsOf: Readonly<Record<number, readonly number[]>> = {
  10: [6, 18, 30, 60],
  60: [1, 3, 5, 10],
  180: [1],
  300: [1, 2],
  600: [1, 3, 6],
};

/** The folder of traces beside the repository or above it; undefined where there is none. */
export function tracesFolder(): string | undefined {
  for (let at = import.meta.dirname; at !== dirname(at); at = dirname(at)) {
    const folder = join(at, '..', 'shared', 'data', 'traces');
    if (existsSync(folder)) return folder;
  }
  return undefined;
}

const azure = 'azure-2023/conv.csv.gz';
const mooncake = 'mooncake/conversation_trace.jsonl.gz';
const sources: readonly Source[] = [
  { name: 'azure23-conv', family: 'llm-10s', step: 10, file: azure, read: events(0) },
  { name: 'azure23-conv-in', family: 'llm-10s', step: 10, file: azure, read: events(0, 1) },
  { name: 'azure23-conv-out', family: 'llm-10s', step: 10, file: azure, read: events(0, 2) },
  { name: 'mooncake-conv', family: 'llm-10s', step: 10, file: mooncake, read: requests(false) },
  { name: 'mooncake-conv-in', family: 'llm-10s', step: 10, file: mooncake, read: requests(true) },
  {
    name: 'azure24-conv*',
    family: 'llm-1m',
    step: 60,
    file: 'azure-2024-digitized/conv_recon_1min.csv.gz',
    read: column(1, 60),
  },
  {
    name: 'burstgpt-wk1-tok',
    family: 'llm-1m',
    step: 60,
    file: 'burstgpt/week1_tokens_per_s_1min.csv.gz',
    read: column(1),
  },
  { name: 'servegen-large', family: 'llm-10m', step: 600, file: 'servegen/m-large_pool_10min.csv.gz', read: windows },
  { name: 'servegen-small', family: 'llm-10m', step: 600, file: 'servegen/m-small_pool_10min.csv.gz', read: windows },
  {
    name: 'azure24-conv-line',
    family: 'llm-10m-line',
    step: 600,
    file: 'azure-2024-digitized/conv_7min.csv',
    read: line,
  },
  ...[0, 2, 8, 9, 11].map((i) => ({
    name: `crane${i}`,
    family: 'svc-diurnal',
    step: 60,
    file: `crane/input${i}.csv.gz`,
    read: column(1),
  })),
  { name: 'crane5', family: 'svc-aperiodic', step: 60, file: 'crane/input5.csv.gz', read: column(1) },
  { name: 'nab-elb', family: 'web-5m', step: 300, file: 'nab/elb_request_count_8c0756.csv.gz', read: column(1) },
  { name: 'nab-tw-AMZN', family: 'web-5m', step: 300, file: 'nab/Twitter_volume_AMZN.csv.gz', read: column(1) },
  { name: 'nab-tw-GOOG', family: 'web-5m', step: 300, file: 'nab/Twitter_volume_GOOG.csv.gz', read: column(1) },
];

/** Every series of the protocol, those of a minute also in bins of three. */
export function readSeries(folder: string): readonly LoadSeries[] {
  const read = sources.map(({ name, family, step, file, read: values }): LoadSeries => {
    return { name, family, step, values: values(textOf(join(folder, file))), horizons: horizonsOf[step] ?? [] };
  });
  return [...read, ...read.filter(({ step }) => step === 60).map(inThrees)];
}

function inThrees({ name, values }: LoadSeries): LoadSeries {
  const third = Array.from({ length: Math.floor(values.length / 3) }, (_, i) => {
    const [a = 0, b = 0, c = 0] = values.slice(3 * i, 3 * i + 3);
    return (a + b + c) / 3;
  });
  return { name: `${name}@180s`, family: 'step-180s', step: 180, values: third, horizons: horizonsOf[180] ?? [] };
}

function textOf(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** Cells of a numeric file under one line of names. */
function cells(text: string): readonly (readonly string[])[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.split(','));
}

function column(at: number, over = 1): Source['read'] {
  return (text) => cells(text).map((row) => Number(row[at]) / over);
}

/** Windows with a mark for those that are missing. */
function windows(text: string): readonly number[] {
  return cells(text).map((row) => (Number(row[5]) > 0 ? Number.NaN : Number(row[1])));
}

/** Points of a drawn line, read off every ten minutes. */
function line(text: string): readonly number[] {
  const points = cells(text).map((row) => ({ t: Number(row[0]), y: Number(row[1]) }));
  const end = points.at(-1)?.t ?? 0;
  const values: number[] = [];
  let next = 0;
  for (let t = 300; t < end; t += 600) {
    while (next < points.length && (points[next]?.t ?? 0) < t) next++;
    const right = points[next];
    const left = points[Math.max(0, next - 1)];
    if (left === undefined || right === undefined) break;
    const share = right.t === left.t ? 0 : (t - left.t) / (right.t - left.t);
    values.push((left.y + share * (right.y - left.y)) / 60);
  }
  return values;
}

/** Events or their weights, per second, in bins of ten seconds. */
function events(time: number, weight?: number): Source['read'] {
  return (text) => {
    const rows = cells(text).map((row) => ({
      t: Number(row[time]),
      w: weight === undefined ? 1 : Number(row[weight]),
    }));
    return binned(rows, 10);
  };
}

function requests(isTokens: boolean): Source['read'] {
  return (text) => {
    const rows = text
      .trim()
      .split('\n')
      .map((row): { timestamp: number; input_length: number } => JSON.parse(row))
      .map((one) => ({ t: one.timestamp / 1000, w: isTokens ? one.input_length : 1 }));
    return binned(rows, 10);
  };
}

/** Whole bins only: what comes after the last whole one is left out. */
export function binned(rows: readonly { readonly t: number; readonly w: number }[], step: number): readonly number[] {
  const bins = Array.from({ length: Math.floor((rows.at(-1)?.t ?? 0) / step) }, () => 0);
  for (const { t, w } of rows) {
    const at = Math.floor(t / step);
    if (at < bins.length) bins[at] = (bins[at] ?? 0) + w / step;
  }
  return bins;
}
