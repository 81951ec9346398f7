import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { parseProfile } from '../../../src/config/profile-file.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { metricsHistory } from '../../support/metrics-history.ts';
import { profileWith } from '../../support/profiles.ts';

const main = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'forewarm-calibrate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rates = [1, 4, 10, 16, 18, 14, 6, 2, 9, 17, 12, 3];
const truth = profileWith({ kvCapacityTokens: 40_000, tau0: 12 });
const history = join(folder, 'history.json.gz');
writeFileSync(history, gzipSync(JSON.stringify(metricsHistory(truth, { rates }))));
const runs = join(folder, 'runs.jsonl');
const line = { arrival_s: 0, prompt_tokens: 100, output_tokens: 11, ttft_ms: 50, e2e_ms: 250 };
writeFileSync(runs, `${JSON.stringify(line)}\n`);

const commands = { calibrate: () => import('../../../src/cli/calibrate.ts') };

test('fits a profile to a history, writes it where it is told and says how far off it is', async () => {
  const path = join(folder, 'mine.yaml');
  const args = [history, '--base', 'llama-3.1-8b-h100', '--name', 'mine', '--w', '5', '--gamma', '4e-5', '--out', path];
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [main, 'calibrate', ...args], (err, out) => (err === null ? resolve(out) : reject(err)));
  });
  expect(stdout).toMatch(/Held-out errors, on the last \d+ rows:\n.*first token, mean +\d/);
  expect(stdout).toContain('mine is calibrated: its largest mean held-out error is ');
  const profile = parseProfile(readFileSync(path, 'utf8'));
  expect(profile).toMatchObject({
    ok: true,
    value: { name: 'mine', w: 5, gamma: 4e-5, kvCapacityTokens: 40_000, isValidated: true },
  });
});

const refused: Readonly<Record<string, readonly [args: readonly string[], said: string]>> = {
  'one run of one request': [[runs], 'there must be at least two runs'],
  'runs and a history at once': [[runs, history], 'must all be runs or all be metrics histories, were both'],
  'bytes without a bandwidth': [
    [history, '--kv-bytes-per-token', '131072'],
    '--bandwidth must be given with --kv-bytes-per-token',
  ],
  'a batch of fewer tokens than sequences': [
    [history, '--max-num-seqs', '64', '--max-batched-tokens', '32'],
    '--max-batched-tokens must be at least --max-num-seqs (64), was 32',
  ],
};
describe('refuses, with exit code 2', () => {
  for (const [name, [args, said]] of Object.entries(refused)) {
    test(`${name}`, async () => {
      const complaints: string[] = [];
      const argv = [
        'calibrate',
        ...args,
        '--base',
        'llama-3.1-8b-h100',
        '--name',
        'x',
        '--out',
        join(folder, 'x.yaml'),
      ];
      expect(await runProgram(argv, commands, (text) => void complaints.push(text))).toBe(2);
      expect(complaints.join('')).toContain(said);
    });
  }
});
