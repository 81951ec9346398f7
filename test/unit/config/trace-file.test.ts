import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProfile, readBundledProfiles, parseProfile } from '../../../src/config/profile-file.ts';
import { DocumentParser, readTrace } from '../../../src/config/trace-file.ts';
import { azureHeaders, RequestCsvParser } from '../../../src/sim/workload/request-csv.ts';
import type { Workload } from '../../../src/sim/workload/workload.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-trace-'));
});
afterAll(() => rm(folder, { recursive: true }));

const rows = Array.from({ length: 5000 }, (_, i) => `${i / 10},${(i % 900) + 1},${(i % 50) + 1}`);
const text = ['t_s,input_tokens,output_tokens', ...rows].join('\n');

async function read(content: string | Buffer, name = 'trace.csv.gz'): Promise<Workload> {
  const path = join(folder, name);
  await writeFile(path, content);
  return readTrace(path, new RequestCsvParser('trace', azureHeaders));
}

describe('readTrace', () => {
  it('reads plain, gzipped and CRLF files alike, with or without a last newline', async () => {
    const plain = await read(text, 'trace.csv');
    expect(plain.arrivalMs.length).toBe(5000);
    expect(await read(gzipSync(text))).toStrictEqual(plain);
    expect(await read(`${text}\n`)).toStrictEqual(plain);
    expect(await read(text.replaceAll('\n', '\r\n'))).toStrictEqual(plain);
  });

  it('refuses a gzip that is cut off, wherever it is cut', async () => {
    const whole = gzipSync(text);
    for (const share of [0.01, 0.5, 0.999]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      await expect(read(cut)).rejects.toMatchObject({
        code: 'TRACE_INVALID',
        message: expect.stringContaining('the gzip stream is cut off, nothing was used'),
      });
    }
  });

  it('refuses a gzip that is damaged', async () => {
    const damaged = gzipSync(text);
    damaged.fill(0xff, 60, 90);
    await expect(read(damaged)).rejects.toMatchObject({
      code: 'TRACE_INVALID',
      message: expect.stringContaining('the gzip stream is damaged, nothing was used'),
    });
  });

  it('names file, line, field, what stood there and what may', async () => {
    const broken = text.split('\n');
    broken[3001] = '300.0,12,twelve';
    await expect(read(gzipSync(broken.join('\n')), 'bad.csv.gz')).rejects.toMatchObject({
      code: 'TRACE_INVALID',
      message: `reading trace ${join(folder, 'bad.csv.gz')}, line 3002: \`output_tokens\` must be a whole number from 0 to 10000000, was "twelve"`,
    });
  });

  it('refuses an empty file and one that is not there', async () => {
    await expect(read('', 'empty.csv')).rejects.toMatchObject({ code: 'TRACE_INVALID' });
    await expect(readTrace(join(folder, 'absent.csv'), new RequestCsvParser('x', azureHeaders))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `reading trace ${join(folder, 'absent.csv')}`,
    });
    await expect(readTrace(folder, new RequestCsvParser('x', azureHeaders))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });
});

describe('DocumentParser', () => {
  const document = async (content: string | Buffer): Promise<unknown> => {
    const path = join(folder, 'config.yaml');
    await writeFile(path, content);
    return readTrace(path, new DocumentParser());
  };

  it('reads one YAML document, gzipped too', async () => {
    const want = { load: { stages: [{ rate: 1, duration: 2 }] } };
    expect(await document('load:\n  stages:\n    - {rate: 1, duration: 2}\n')).toStrictEqual(want);
    expect(await document(gzipSync('load: {stages: [{rate: 1, duration: 2}]}'))).toStrictEqual(want);
  });

  it('names the line that is no YAML', async () => {
    await expect(document('load:\n  stages: [\nrest: }')).rejects.toMatchObject({
      code: 'TRACE_INVALID',
      message: expect.stringMatching(/config\.yaml: `line \d+` must be one YAML document, was "/),
    });
  });
});

describe('engine profiles', () => {
  it('come with Forewarm under the names of their files', async () => {
    const profiles = await readBundledProfiles();
    expect([...profiles.keys()]).toStrictEqual([
      'llama-3.1-70b-fp8-h100-tp4',
      'llama-3.1-8b-h100',
      'llama-3.1-8b-rtx4090',
      'llama-3.1-8b-rtxpro6000',
      'qwen2.5-14b-h100',
      'qwen3-32b-h100-tp2',
    ]);
    expect(await readProfile('llama-3.1-8b-h100')).toMatchObject({ alpha: 2.148, gamma: 4.151e-5, maxNumSeqs: 1024 });
    expect(await readProfile('profiles/llama-3.1-8b-h100.yaml')).toStrictEqual(profiles.get('llama-3.1-8b-h100'));
  });

  it('that are unknown are answered with those that are known', async () => {
    await expect(readProfile('gpt-9')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message:
        "engine profile must be a file or one of llama-3.1-70b-fp8-h100-tp4, llama-3.1-8b-h100, llama-3.1-8b-rtx4090, llama-3.1-8b-rtxpro6000, qwen2.5-14b-h100, qwen3-32b-h100-tp2, was 'gpt-9'",
    });
  });

  const valid = {
    name: 'x',
    alpha: 1,
    w: 1,
    beta: 0.01,
    gamma: 0,
    delta: 0,
    kappa: 0,
    gq: 0,
    tau0: 0,
    kvCapacityTokens: 1000,
    blockTokens: 16,
    maxNumSeqs: 8,
    maxBatchedTokens: 64,
    gpusPerReplica: 1,
    weightsBytes: 0,
    validity: 'none',
    isValidated: false,
  };
  const sheet = {
    name: 'x',
    datasheet: {
      model: { weightsBytes: 16e9, parameters: 8e9, layers: 32, hiddenSize: 4096, kvBytesPerToken: 131_072 },
      gpu: { memoryGib: 80, memoryGbPerSecond: 3350, teraflops: 989 },
      precision: 'BF16',
      tensorParallel: 1,
    },
    maxNumSeqs: 8,
    maxBatchedTokens: 64,
  };
  it('may be a datasheet, from which the constants are estimated', () =>
    expect(parseProfile(JSON.stringify(sheet))).toMatchObject({
      ok: true,
      value: { name: 'x', tau0: 10, blockTokens: 16, gpusPerReplica: 1, isValidated: false, iterationError: 0.25 },
    }));

  const bad = {
    'an absent field': [
      { ...valid, alpha: undefined },
      { field: 'alpha', seen: 'absent', allowed: 'present' },
    ],
    'a negative constant': [
      { ...valid, beta: -1 },
      { field: 'beta', seen: '-1', allowed: '>= 0' },
    ],
    'a fraction of a GPU': [
      { ...valid, gpusPerReplica: 0.5 },
      { field: 'gpusPerReplica', seen: '0.5' },
    ],
    'an unknown field': [
      { ...valid, tpu: 1 },
      { field: 'tpu', seen: 'present' },
    ],
    'a budget below the batch': [
      { ...valid, maxBatchedTokens: 4 },
      { field: 'maxBatchedTokens', seen: '4', allowed: 'at least `maxNumSeqs` (8)' },
    ],
    'iterations that take no time': [{ ...valid, alpha: 0, w: 0, beta: 0 }, { field: 'alpha' }],
    'an error as large as the time': [
      { ...valid, iterationError: 1 },
      { field: 'iterationError', seen: '1' },
    ],
    'constants beside a datasheet': [
      { ...sheet, alpha: 1 },
      { field: 'alpha', allowed: 'one of name, datasheet, tau0, blockTokens, maxNumSeqs, maxBatchedTokens' },
    ],
    'a precision that is not known': [
      { ...sheet, datasheet: { ...sheet.datasheet, precision: 'INT3' } },
      { field: 'datasheet.precision', seen: '"INT3"', allowed: 'one of BF16, FP8, FP4' },
    ],
    'a sheet without its link': [
      { ...sheet, datasheet: { ...sheet.datasheet, tensorParallel: 2 } },
      { field: 'datasheet.link', seen: '"absent"' },
    ],
    'a GPU without a bandwidth': [
      { ...sheet, datasheet: { ...sheet.datasheet, gpu: { memoryGib: 80, teraflops: 989 } } },
      { field: 'datasheet.gpu.memoryGbPerSecond', seen: 'absent' },
    ],
  } as const;
  for (const [name, [document, want]] of Object.entries(bad)) {
    it(`refuses ${name}`, () =>
      expect(parseProfile(JSON.stringify(document))).toMatchObject({ ok: false, problem: want }));
  }
});
