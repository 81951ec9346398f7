import { join } from 'node:path';
import { readProfile } from '../../src/config/profile-file.ts';
import type { EngineProfile } from '../../src/core/model/profile.ts';
import { Replica } from '../../src/sim/replica.ts';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { cpuTruth } from '../cpu-truth.ts';
import type { Limit } from '../limits.ts';
import { dataFolder, type MeasuredRequest, readMeasuredRun } from '../measured-runs.ts';
import { siliconTruth } from '../silicon-truth.ts';
import { sweepTruth } from '../sweep-truth.ts';

export const bench: Bench = {
  about: 'the engine model against real vLLM servers: as it is, and fitted to some runs and scored on the others',
  takes: '40 s',
  fullTakes: '40 s',
  run,
};

const runs = [
  { folder: 'RTX4090_Llama-3.1-8B', profile: 'llama-3.1-8b-rtx4090' },
  { folder: 'RTXPRO6000_Llama-3.1-8B', profile: 'llama-3.1-8b-rtxpro6000' },
] as const;
const data = 'perf/llmservingsim-vllm-bench';

async function run(options: BenchOptions): Promise<readonly Measurement[]> {
  const folder = dataFolder(data);
  const measured = await Promise.all(
    runs.map(async (one) => {
      if (folder === undefined) return absent(one.folder);
      options.say(one.folder);
      return compare(one.folder, one.profile, readMeasuredRun(join(folder, one.folder)));
    }),
  );
  return [
    ...measured.flat(),
    await blocksRow(folder),
    ...(await sweepTruth(options)),
    ...siliconTruth(options),
    ...(await cpuTruth(options)),
  ];
}

/** At KV saturation the number of blocks decides: a simulator that derives it from the memory share (3,400) misses what one that reads it (2,588) does not. */
async function blocksRow(folder: string | undefined): Promise<Measurement> {
  const [{ folder: name, profile }] = runs;
  const row = { case: `${name}, 3,400 KV blocks for 2,588`, metric: 'ttft-shift', unit: '%' };
  if (folder === undefined) return { ...row, value: null, note: `the data ${data} is not beside the repository` };
  const requests = readMeasuredRun(join(folder, name));
  const own = await readProfile(profile);
  const [few, many] = [2588, 3400].map((blocks) =>
    latencies(simulate({ ...own, kvCapacityTokens: blocks * own.blockTokens }, requests)),
  );
  const shift = (key: keyof Latencies): number => error(mean(many?.[key] ?? []), mean(few?.[key] ?? []));
  const limit: Limit = { op: 'within', limit: [-25, -15], origin: 'reference/simulator-model.md section 7 (e)' };
  return {
    ...row,
    value: shift('ttft'),
    note: `time per token ${shift('tpot').toFixed(1)} %; LLMServingSim: -20.7 % and +12.9 %`,
    limit,
  };
}

function absent(name: string): readonly Measurement[] {
  const note = `the data ${data} is not beside the repository`;
  return ['ttft-mean', 'tpot-mean', 'e2e-mean', 'p99'].map((metric) => ({
    case: name,
    metric,
    value: null,
    unit: '%',
    note,
  }));
}

/** Milliseconds of each request, in one order. */
interface Latencies {
  readonly ttft: readonly number[];
  readonly tpot: readonly number[];
  readonly e2e: readonly number[];
}

async function compare(
  name: string,
  profile: string,
  requests: readonly MeasuredRequest[],
): Promise<readonly Measurement[]> {
  const real = latencies(requests);
  const simulated = latencies(simulate(await readProfile(profile), requests));
  const rows = (['ttft', 'tpot', 'e2e'] as const).map((key) => ({
    case: name,
    metric: `${key}-mean`,
    value: Math.abs(error(mean(simulated[key]), mean(real[key]))),
    unit: '%',
    note: `${mean(simulated[key]).toFixed(1)} ms, measured ${mean(real[key]).toFixed(1)} ms`,
  }));
  const tails = (['ttft', 'tpot', 'e2e'] as const).map((key) => ({
    key,
    error: error(p99(simulated[key]), p99(real[key])),
  }));
  const worst = tails.toSorted((a, b) => Math.abs(b.error) - Math.abs(a.error))[0];
  const note = tails.map((tail) => `${tail.key} ${tail.error.toFixed(2)} %`).join(', ');
  return [...rows, { case: name, metric: 'p99', value: Math.abs(worst?.error ?? Number.NaN), unit: '%', note }];
}

function simulate(profile: EngineProfile, requests: readonly MeasuredRequest[]): readonly MeasuredRequest[] {
  const first: number[] = [];
  const last: number[] = [];
  const replica = new Replica({
    profile,
    startMs: 0,
    observer: {
      firstToken: (id, atMs) => {
        first[id] = atMs;
      },
      finished: (id, atMs) => {
        last[id] = atMs;
      },
    },
  });
  requests.forEach(({ arrivalMs, promptTokens, outputTokens }, id) =>
    replica.submit({ id, promptTokens, outputTokens }, arrivalMs),
  );
  replica.advance(Number.POSITIVE_INFINITY);
  return requests.map((request, id) => ({
    ...request,
    firstTokenMs: first[id] ?? Number.NaN,
    lastTokenMs: last[id] ?? Number.NaN,
  }));
}

function latencies(requests: readonly MeasuredRequest[]): Latencies {
  const gaps = requests.filter(({ outputTokens }) => outputTokens > 1);
  return {
    ttft: requests.map((request) => request.firstTokenMs - request.arrivalMs),
    tpot: gaps.map((request) => (request.lastTokenMs - request.firstTokenMs) / (request.outputTokens - 1)),
    e2e: requests.map((request) => request.lastTokenMs - request.arrivalMs),
  };
}

function error(value: number, truth: number): number {
  return (value / truth - 1) * 100;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(0.99 * values.length) - 1] ?? Number.NaN;
}
