import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Slice } from '../../../src/cli/flags.ts';
import { type Load, loadsOf } from '../../../src/cli/simulation-input.ts';
import { type SourceFlags, sourceOf } from '../../../src/cli/workload-source.ts';
import { peakNeed } from '../../../src/sim/report/load-need.ts';
import type { Workload } from '../../../src/sim/workload/workload.ts';
import { llama8bH100 } from '../../support/builders.ts';
import { sharedData } from '../../support/traces.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-source-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function whole(flags: Partial<SourceFlags>): Promise<Workload> {
  const source = await sourceOf({ workload: 'day', ...flags });
  return source.draw({ seed: 1, from: 0, to: source.durationSeconds, rateScale: 1, timeScale: 1 });
}

describe('a trace with an idle head and failed rows', () => {
  const rows = [
    ...Array.from({ length: 2160 }, (_, i) => `${(i * 100) / 3},GPT-4,400,${i % 25 === 0 ? 0 : 50},0,API log`),
    ...Array.from({ length: 54_000 }, (_, i) => `${72_000 + i / 30},GPT-4,2000,${i % 25 === 0 ? 0 : 300},0,API log`),
  ];
  const text = ['Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type', ...rows].join('\n');
  const load = async (slice?: Slice): Promise<Load> => {
    const trace = await file('burst.csv.gz', gzipSync(text));
    const [first] = await loadsOf({ trace, workload: 'day', slice, rateScale: 1, timeScale: 1 }, [1]);
    if (first === undefined) throw new TypeError('one seed, one load');
    return first;
  };

  it('counts rows without an answer as failures of the whole file, never as answers', async () => {
    const { workload, whole: all } = await load();
    expect(workload).toMatchObject({ failedRows: 87 + 2160, fileRows: 56_160 });
    expect(workload.arrivalMs.length).toBe(56_160 - 87 - 2160);
    expect(workload.outputTokens.includes(0)).toBe(false);
    expect(all).toBeUndefined();
  });

  it('shows its head to be idle beside the whole', async () => {
    const { workload, whole: all } = await load({ from: 0, to: 71_000 });
    expect(workload).toMatchObject({ failedRows: 87 + 2160, fileRows: 56_160, durationSeconds: 71_000 });
    const objectives = { ttftMs: 2000, itlMs: 100 };
    expect(peakNeed(workload, llama8bH100, objectives)).toBe(1);
    expect(all === undefined ? 0 : peakNeed(all, llama8bH100, objectives)).toBeGreaterThan(1);
  });
});

describe('where requests come from', () => {
  it('is a bundled workload without a trace', async () => {
    expect((await sourceOf({ workload: 's7' })).name).toBe('s7');
    await expect(sourceOf({ workload: 's99' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('is a config when the file is YAML', async () => {
    const trace = await file('load.yml', 'load: {stages: [{rate: 2, duration: 5}]}\ndata: {type: random}\n');
    expect((await whole({ trace })).arrivalMs.length).toBe(10);
    const broken = await file('bad.yml', 'load: {stages: [{rate: 2}]}\n');
    await expect(sourceOf({ workload: 'day', trace: broken })).rejects.toMatchObject({
      code: 'TRACE_INVALID',
      message: `reading trace ${broken}: \`load.stages[0].duration\` must be seconds, above 0, was "absent"`,
    });
  });

  it('draws rates with the lengths of a file', async () => {
    const trace = await file('rates.csv', 't_s,rps\n0,20\n60,20\n');
    const lengths = await file('lengths.csv', 'input_tokens,output_tokens\n11,22\n');
    expect((await whole({ trace, lengths })).promptTokens.every((tokens) => tokens === 11)).toBe(true);
    await expect(whole({ trace, lengths: 'fixed:1' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(whole({ trace, lengths: join(folder, 'none') })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  it('refuses a flag that would do nothing', async () => {
    const trace = await file('requests.csv', 't_s,input_tokens,output_tokens\n0,1,1\n');
    for (const flag of [{ lengths: 'fixed:1/1' }, { rateUnit: 'per-second' }] as const) {
      await expect(whole({ trace, ...flag })).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining(`must go with a trace of rates, ${trace} has the requests themselves`),
      });
    }
  });

  it('finds a client mix’s other tables beside its rates, and says which is absent', async () => {
    const trace = await file('pool_client_rps_10min.csv', 't_s,c1\n0,1\n600,1\n');
    const missing = { code: 'FILE_UNREADABLE', message: `reading trace ${join(folder, 'pool_client_iat.csv')}` };
    await expect(whole({ trace })).rejects.toMatchObject(missing);
    const other = await file('clients.csv', 't_s,c1\n0,1\n600,1\n');
    await expect(whole({ trace: other })).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('published traces, where they are beside the repository', () => {
  const mooncake = sharedData('traces/mooncake/conversation_trace.jsonl.gz');
  it.skipIf(mooncake === undefined)('Mooncake’s conversations: requests, length, shared blocks', async () => {
    const trace = await whole({ trace: mooncake });
    expect(trace).toMatchObject({ failedRows: 0, fileRows: 12_031, prefixes: { blockTokens: 512, distinct: 182_790 } });
    expect(trace.prefixes?.ids.length).toBe(288_500);
    expect(trace.durationSeconds / 60).toBeCloseTo(58.95, 1);
  });

  const sample = sharedData('perf/inference-perf-sample/input-constant.yaml');
  it.skipIf(sample === undefined)('inference-perf’s own run: 20, 60 and 120 requests', async () => {
    const { arrivalMs } = await whole({ trace: sample });
    const perStage = [0, 22, 44].map((from) => arrivalMs.filter((at) => at >= from * 1000 && at < (from + 20) * 1000));
    expect(perStage.map((stage) => stage.length)).toStrictEqual([20, 60, 120]);
  });

  const week = sharedData('traces/azure-2024-digitized/conv_recon_1min.csv.gz');
  it.skipIf(week === undefined)('Azure’s week of 2024: an hour of it', async () => {
    const source = await sourceOf({ workload: 'day', trace: week });
    expect(source.durationSeconds).toBe(7 * 86_400);
    const hour = source.draw({ seed: 1, from: 3600, to: 7200, rateScale: 0.1, timeScale: 1 });
    expect(hour.durationSeconds).toBe(3600);
    expect(hour.arrivalMs.length).toBeGreaterThan(1000);
  });

  const clients = sharedData('traces/servegen/m-small_client_rps_10min.csv.gz');
  it.skipIf(clients === undefined)('ServeGen’s small pool: ten minutes at their rate', async () => {
    const source = await sourceOf({ workload: 'day', trace: clients });
    const part = source.draw({ seed: 1, from: 0, to: 600, rateScale: 0.05, timeScale: 1 });
    expect(part.arrivalMs.length / (0.05 * 600 * 809.76)).toBeCloseTo(1, 1);
  });
});
