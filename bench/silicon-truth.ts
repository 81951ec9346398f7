import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { profileFromDatasheet } from '../src/core/model/datasheet-profile.ts';
import type { Datasheet, GpuSheet, ModelSheet } from '../src/core/model/datasheet.ts';
import type { EngineProfile } from '../src/core/model/profile.ts';
import { describe } from '../src/core/model/result.ts';
import { errorsOf } from '../src/sim/calibration/fit.ts';
import type { MeasuredRun } from '../src/sim/calibration/measured-run.ts';
import type { BenchOptions, Measurement } from './bench.ts';
import { absentRows, heldOut, type HeldOutRow, scored } from './held-out.ts';
import { dataFolder } from './measured-runs.ts';

const points = 'perf/aiconfigurator-silicon';
const presets = 'perf/fitted-presets';

const ownRow: HeldOutRow = {
  figure: 'tpotMean',
  metric: 'silicon-tpot',
  limit: { op: '<=', limit: 8, origin: 'reference/simulator-model.md section 7 (c)' },
};
const estimated: HeldOutRow = { figure: 'tpotMean', metric: 'datasheet-tpot' };
const labelled: HeldOutRow = {
  ...estimated,
  limit: { op: '<=', limit: 25, origin: 'reference/simulator-model.md section 3.5: estimates are labelled 25 %' },
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
  readonly estimate: EngineProfile;
  /** With the constants that were fitted to the group by regression; absent where nobody did. */
  readonly fitted: EngineProfile | undefined;
  readonly runs: readonly MeasuredRun[];
}

/**
 * Measured closed loops (so many users, each with one request under way) of dense models on vLLM: the time between tokens of the simulated engine,
 * once with the constants that were fitted to the group by regression, once with those that the datasheet gives.
 */
export function siliconTruth({ say }: BenchOptions): readonly Measurement[] {
  const [measured, fits] = [dataFolder(points), dataFolder(presets)];
  if (measured === undefined || fits === undefined) {
    return absentRows('closed loops on measured GPUs', measured === undefined ? points : presets, [ownRow, labelled]);
  }
  const groups = groupsOf(
    readRows(join(measured, 'silicon_agg_tidy.csv')),
    readRows(join(fits, 'silicon_tpot_fits.csv')),
  );
  say(`${groups.length} groups of closed loops on measured GPUs`);
  const all = groups.flatMap(({ estimate, runs }) => runs.flatMap((run) => errorsOf(estimate, run)));
  return [
    ...groups.flatMap(({ name, fitted, runs }) => (fitted === undefined ? [] : heldOut(name, fitted, runs, [ownRow]))),
    ...groups.flatMap(({ name, estimate, runs }) =>
      heldOut(`${name}, from its datasheet`, estimate, runs, [estimated]),
    ),
    ...scored('every group, from its datasheet', all, [labelled]),
  ];
}

function groupsOf(rows: readonly Row[], fits: readonly Row[]): readonly Group[] {
  const groups = Map.groupBy(
    rows.filter((row) => row['backend'] === 'vllm' && models[row['model_path'] ?? ''] !== undefined),
    keyOf,
  );
  return [...groups].flatMap(([key, own]) => {
    const [first] = own;
    if (first === undefined || own.length < 8) return [];
    const estimate = estimateOf(first);
    const fit = fits.find((row) => keyOf(row) === key);
    const fitted = fit === undefined ? undefined : { ...estimate, ...constantsOf(fit) };
    return [{ name: nameOf(first), estimate, fitted, runs: own.map(runOf) }];
  });
}

function keyOf(row: Row): string {
  return ['model_path', 'system', 'backend', 'backend_version', 'precision', 'tp_size']
    .map((name) => row[name])
    .join('|');
}

function nameOf(row: Row): string {
  const { model_path: path = '', system = '' } = row;
  return `${path.split('/')[1]} ${precisionOf(row)} ${system.split('_')[0]?.toUpperCase()} TP${Number(row['tp_size'])}`;
}

function precisionOf(row: Row): Datasheet['precision'] {
  return row['precision'] === 'fp8' ? 'FP8' : row['precision'] === 'fp4' ? 'FP4' : 'BF16';
}

function estimateOf(row: Row): EngineProfile {
  const settings = { name: 'estimate', tau0: 0, blockTokens: 16, maxNumSeqs: 1024, maxBatchedTokens: 8192 };
  const read = profileFromDatasheet(settings, sheetOf(row));
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

function constantsOf(fit: Row): Pick<EngineProfile, 'alpha' | 'w' | 'beta' | 'gamma' | 'delta'> {
  const of = (name: string): number => Number(fit[name]);
  return {
    alpha: of('alpha_ms'),
    w: of('w_ms'),
    beta: of('beta_ms_per_tok'),
    gamma: of('gamma_ms_per_kvtok'),
    delta: of('delta_ms_per_seq'),
  };
}

const requestsOfEach = 5;

/**
 * Users who all begin at once would go on in step: their first answers end one after another. That first request of each brings the loop into its
 * state, and the last lets it run dry: neither is scored.
 */
function runOf(row: Row): MeasuredRun {
  const of = (name: string): number => Number(row[name]);
  const [users, promptTokens, outputTokens] = [of('concurrency'), of('isl'), of('osl')];
  const requests = Array.from({ length: users * requestsOfEach }, (_, i) => ({
    arrivalMs: 0,
    promptTokens,
    outputTokens: i < users ? Math.ceil(((i + 1) / users) * outputTokens) : outputTokens,
  }));
  return {
    name: `${promptTokens}/${outputTokens} x ${users}`,
    loads: [{ kind: 'Closed', users, untilMs: Number.POSITIVE_INFINITY, requests }],
    scored: { from: users, to: users * (requestsOfEach - 1) },
    measured: { tpotMean: of('silicon_tpot_ms') },
  };
}

function readRows(path: string): readonly Row[] {
  return parse<Row>(readFileSync(path, 'utf8'), { columns: true });
}
