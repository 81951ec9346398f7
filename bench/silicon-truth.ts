import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { profileFromDatasheet } from '../src/core/model/datasheet-profile.ts';
import type { Datasheet, GpuSheet, ModelSheet } from '../src/core/model/datasheet.ts';
import type { EngineProfile } from '../src/core/model/profile.ts';
import { describe } from '../src/core/model/result.ts';
import { RandomStream } from '../src/sim/rng.ts';
import { Replica } from '../src/sim/replica.ts';
import type { BenchOptions, Measurement } from './bench.ts';
import type { Limit } from './limits.ts';
import { dataFolder } from './measured-runs.ts';

const points = 'perf/aiconfigurator-silicon';
const presets = 'perf/fitted-presets';

const ownRow: Limit = { op: '<=', limit: 8, origin: 'reference/simulator-model.md section 7 (c)' };
const label: Limit = {
  op: '<=',
  limit: 25,
  origin: 'reference/simulator-model.md section 3.5: estimates are labelled 25 %',
};

type Row = Readonly<Record<string, string>>;

/** Dense models that were measured on vLLM with tensor parallelism alone, with the weights as measured in BF16 or FP8; in FP4 they are half as large. */
const models: Readonly<Record<string, ModelSheet>> = {
  'meta-llama/Llama-3.1-70B': {
    weightsBytes: 70.6e9,
    parameters: 70.6e9,
    layers: 80,
    hiddenSize: 8192,
    kvBytesPerToken: 327_680,
  },
  'Qwen/Qwen3-32B': {
    weightsBytes: 65.5e9,
    parameters: 32.8e9,
    layers: 64,
    hiddenSize: 5120,
    kvBytesPerToken: 262_144,
  },
};
/** BF16 teraflops; FP8 doubles them and FP4 doubles them again. */
const gpus: Readonly<Record<string, GpuSheet>> = {
  h100_sxm: { memoryGib: 79.2, memoryGbPerSecond: 3350, teraflops: 989 },
  h200_sxm: { memoryGib: 140, memoryGbPerSecond: 4800, teraflops: 989 },
  b200_sxm: { memoryGib: 178, memoryGbPerSecond: 8000, teraflops: 2250 },
};
const linkGbPerSecond: Readonly<Record<string, number>> = { h100_sxm: 450, h200_sxm: 450, b200_sxm: 900 };
const speedOf = { BF16: 1, FP8: 2, FP4: 4 } as const;

interface Group {
  readonly name: string;
  readonly key: string;
  readonly rows: readonly Row[];
}

/**
 * Measured closed loops (so many users, each with one request under way) of dense models on vLLM: the time between tokens of the simulated engine,
 * once with the constants that were fitted to the group by regression, once with those that the datasheet gives.
 */
export function siliconTruth({ say }: BenchOptions): readonly Measurement[] {
  const [measured, fitted] = [dataFolder(points), dataFolder(presets)];
  if (measured === undefined || fitted === undefined) return absent(measured === undefined ? points : presets);
  const groups = groupsOf(readRows(join(measured, 'silicon_agg_tidy.csv')));
  const fits = new Map(readRows(join(fitted, 'silicon_tpot_fits.csv')).map((row) => [keyOf(row), row]));
  say(`${groups.length} groups of closed loops on measured GPUs`);
  const own = groups.flatMap((group) => {
    const fit = fits.get(group.key);
    return fit === undefined ? [] : [{ name: group.name, errors: errorsOf(group, fittedProfile(group, fit)) }];
  });
  const estimates = groups.map((group) => ({ name: group.name, errors: errorsOf(group, estimate(group)) }));
  return [...own.map(groupRow), sumRow('every group', 'datasheet-tpot', estimates)];
}

function groupRow({ name, errors }: Scored): Measurement {
  return {
    case: name,
    metric: 'silicon-tpot',
    value: meanSize(errors),
    unit: '%',
    note: noteOf(errors),
    limit: ownRow,
  };
}

interface Scored {
  readonly name: string;
  /** Percent, signed, one a point. */
  readonly errors: readonly number[];
}

function sumRow(name: string, metric: string, groups: readonly Scored[]): Measurement {
  const all = groups.flatMap(({ errors }) => errors);
  const each = groups
    .toSorted((a, b) => meanSize(b.errors) - meanSize(a.errors))
    .slice(0, 3)
    .map((group) => `${group.name} ${mean(group.errors).toFixed(0)} %`);
  return {
    case: `${name}, from its datasheet`,
    metric,
    value: meanSize(all),
    unit: '%',
    note: `${noteOf(all)}; worst ${each.join(', ')}`,
    limit: label,
  };
}

function noteOf(errors: readonly number[]): string {
  return `${errors.length} points, mean ${mean(errors).toFixed(1)} %`;
}

function groupsOf(rows: readonly Row[]): readonly Group[] {
  const groups = Map.groupBy(
    rows.filter((row) => row['backend'] === 'vllm' && models[row['model_path'] ?? ''] !== undefined),
    keyOf,
  );
  return [...groups].flatMap(([key, own]) => {
    const [first] = own;
    if (first === undefined || own.length < 8) return [];
    const name = `${first['model_path']?.split('/')[1]} ${precisionOf(first)} ${first['system']?.split('_')[0]?.toUpperCase()} TP${Number(first['tp_size'])}`;
    return [{ name, key, rows: own }];
  });
}

function keyOf(row: Row): string {
  return ['model_path', 'system', 'backend', 'backend_version', 'precision', 'tp_size']
    .map((name) => row[name])
    .join('|');
}

function precisionOf(row: Row): Datasheet['precision'] {
  return row['precision'] === 'fp8' ? 'FP8' : row['precision'] === 'fp4' ? 'FP4' : 'BF16';
}

function estimate({ rows: [first = {}] }: Group): EngineProfile {
  const settings = { name: 'estimate', tau0: 0, blockTokens: 16, maxNumSeqs: 1024, maxBatchedTokens: 8192 };
  const read = profileFromDatasheet(settings, sheetOf(first));
  if (!read.ok) throw new TypeError(describe(read.problem));
  return read.value;
}

function sheetOf({ model_path: path = '', system = '', ...row }: Row): Datasheet {
  const precision = precisionOf(row);
  const [model, gpu] = [models[path], gpus[system]];
  if (model === undefined || gpu === undefined) throw new TypeError(`no datasheet of ${path} on ${system}`);
  return {
    model: { ...model, weightsBytes: model.weightsBytes * (precision === 'FP4' ? 0.5 : 1) },
    gpu: { ...gpu, teraflops: gpu.teraflops * speedOf[precision] },
    precision,
    tensorParallel: Number(row['tp_size']),
    link: { kind: 'NvLink', gbPerSecond: linkGbPerSecond[system] ?? 450 },
  };
}

function fittedProfile(group: Group, fit: Row): EngineProfile {
  const of = (name: string): number => Number(fit[name]);
  return {
    ...estimate(group),
    alpha: of('alpha_ms'),
    w: of('w_ms'),
    beta: of('beta_ms_per_tok'),
    gamma: of('gamma_ms_per_kvtok'),
    delta: of('delta_ms_per_seq'),
  };
}

function errorsOf({ rows }: Group, profile: EngineProfile): readonly number[] {
  return rows.map((row) => {
    const of = (name: string): number => Number(row[name]);
    const simulated = closedLoopTpot(profile, {
      users: of('concurrency'),
      promptTokens: of('isl'),
      outputTokens: of('osl'),
    });
    return (simulated / of('silicon_tpot_ms') - 1) * 100;
  });
}

interface ClosedLoad {
  readonly users: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

const requestsOfEach = 5;

/** Mean ms between tokens of users who begin one after another; the first request of each brings the loop into its state, the last lets it run dry. */
function closedLoopTpot(profile: EngineProfile, { users, promptTokens, outputTokens }: ClosedLoad): number {
  const first: number[] = [];
  const gaps: number[] = [];
  const open: number[] = [];
  const replica = new Replica({
    profile,
    startMs: 0,
    observer: {
      firstToken: (id, atMs) => {
        first[id] = atMs;
      },
      finished: (id, atMs) => {
        if (id >= users && id < users * (requestsOfEach - 1))
          gaps.push((atMs - (first[id] ?? atMs)) / Math.max(1, outputTokens - 1));
        if (id + users < users * requestsOfEach) open.push(id + users);
      },
    },
  });
  const spread = new RandomStream(1, 'starts');
  const starts = Array.from({ length: users }, () => spread.uniform()).toSorted((a, b) => a - b);
  const wholeMs = outputTokens * (profile.alpha + profile.w + (profile.delta + profile.beta) * users);
  for (const [id, start] of starts.entries()) {
    run(replica, start * wholeMs, open, { promptTokens, outputTokens });
    replica.submit({ id, promptTokens, outputTokens }, start * wholeMs);
  }
  run(replica, Number.POSITIVE_INFINITY, open, { promptTokens, outputTokens });
  return mean(gaps);
}

/** Whoever was answered sends the next request at once. */
function run(replica: Replica, untilMs: number, open: number[], size: Omit<ClosedLoad, 'users'>): void {
  let now = 0;
  for (;;) {
    const next = replica.nextChangeMs;
    if (next > untilMs || next === Number.POSITIVE_INFINITY) return;
    now = Math.max(now, next) + 0.001;
    replica.advance(now);
    for (const id of open.splice(0)) replica.submit({ id, ...size }, now);
  }
}

function meanSize(values: readonly number[]): number {
  return mean(values.map(Math.abs));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function readRows(path: string): readonly Row[] {
  return parse<Row>(readFileSync(path, 'utf8'), { columns: true });
}

function absent(data: string): readonly Measurement[] {
  const note = `the data ${data} is not beside the repository`;
  return ['silicon-tpot', 'datasheet-tpot'].map((metric) => ({
    case: 'closed loops on measured GPUs',
    metric,
    value: null,
    unit: '%',
    note,
  }));
}
