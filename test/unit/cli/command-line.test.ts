import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { replayFile } from '../../../src/cli/replay.ts';
import { runProgram } from '../../../src/cli/program.ts';

const main = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'forewarm-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function forewarm(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { cwd: folder }, (err, stdout, stderr) => {
      resolve({ code: typeof err?.code === 'number' ? err.code : err === null ? 0 : -1, stdout, stderr });
    });
  });
}

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const header = 't_s,input_tokens,output_tokens\n';
const quietHour = `${header}${Array.from({ length: 40 }, (_, at) => `${at * 90}.0,200,50`).join('\n')}\n`;

const commands = { simulate: () => import('../../../src/cli/simulate.ts') };

const refused: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
  'a command that does not exist': [['simulat'], ["unknown command 'simulat'", 'Did you mean simulate?']],
  'a flag that does not exist': [
    ['simulate', '--polcy', 'x'],
    ["unknown option '--polcy'", 'Did you mean --policy?'],
  ],
  'a value out of range': [['simulate', '--max-replicas', '-3'], ["whole number from 0 to 10000, was '-3'"]],
  'a ceiling under the floor': [
    ['simulate', '--min-replicas', '5', '--max-replicas', '4'],
    ['--max-replicas must be at least --min-replicas (5), was 4'],
  ],
  'a policy that does not exist': [
    ['simulate', '--policy', 'balancd'],
    ['--policy must name a file or one of ', 'balanced, ', "was 'balancd'"],
  ],
  'a policy file that breaks its schema': [
    ['simulate', '--policy', file('bad.yaml', 'kind: Other\n')],
    ['bad.yaml', "`kind` must be 'ScalingPolicy' or 'SimulatedPolicy', was \"Other\""],
  ],
  'a trace that does not exist': [
    ['simulate', '--trace', 'nowhere.csv'],
    ['reading trace nowhere.csv', 'ENOENT'],
  ],
  'a trace with a bad row': [
    ['simulate', '--trace', file('bad.csv', `${header}0,100,10\n1,many,10\n`)],
    ['bad.csv, line 3', '`input_tokens` must be', 'was "many"'],
  ],
  'a gzip that is cut off': [
    ['simulate', '--trace', file('cut.csv.gz', gzipSync(quietHour).subarray(0, 60))],
    ['cut.csv.gz', 'the gzip stream is cut off'],
  ],
  'an engine profile that does not exist': [
    ['simulate', '--engine-profile', 'gpt'],
    ['engine profile must be a file or one of', "was 'gpt'"],
  ],
  'a log of two runs': [['simulate', '--record', 'two.log', '--seed', '1,2'], ['one seed, was 2 runs']],
  'a beginning outside the bounds': [
    ['simulate', '--initial-replicas', '17'],
    ['--initial-replicas must be within --min-replicas and --max-replicas (1 to 16), was 17'],
  ],
  'a list with a cold start that is none': [
    ['simulate', '--cold-start', '30,soon'],
    ["a number from 1 to 86400, was 'soon'"],
  ],
  'a policy named twice': [['simulate', '--policy', 'static,static'], ["each policy once, was 'static' twice"]],
  'a command that is empty': [['simulate', '--policy', 'exec:'], ["must have a command after exec:, was 'exec:'"]],
  'a log of a run that may be taken from a file': [
    ['simulate', '--record', 'a.log', '--resume', 'a.jsonl'],
    ['--record must stand without --resume'],
  ],
  'a slice behind the end': [
    ['simulate', '--trace', file('quiet.csv', quietHour), '--slice', '5h:'],
    ['--slice must begin before the end of quiet.csv (3510 s), was 18000'],
  ],
};
for (const [name, [args, wanted]] of Object.entries(refused)) {
  test(`${name} is refused with exit code 2 and a message that helps`, async () => {
    let said = '';
    const code = await runProgram(args, commands, (text) => {
      said += text;
    });
    expect(code).toBe(2);
    for (const part of wanted) expect(said).toContain(part);
    expect(said).not.toMatch(/\n {4}at /);
  });
}

test('a load that ranks nobody is said in the first line, the table and the report follow', async () => {
  const trace = file('idle.csv', quietHour);
  const { code, stdout, stderr } = await forewarm('simulate', '--trace', trace, '--policy', 'static,hpa-queue');
  const lines = stdout.trimEnd().split('\n');
  expect(code).toBe(0);
  expect(lines[0]).toContain(
    'never needs more than the floor (peak need 1 of min 1), so the ranking is not informative',
  );
  expect(lines.slice(1).map((line) => line.split(/ +/)[0])).toStrictEqual(['POLICY', 'static', 'hpa-queue']);
  expect(stderr).toContain(`Report: ${join(folder, 'forewarm-report.html')}`);
  expect(readFileSync(join(folder, 'forewarm-report.html'), 'utf8')).toContain('class="pareto withheld"');
});

for (const log of ['run.log', 'run.log.gz']) {
  test(`what simulate records to ${log} replays to the same bytes`, async () => {
    const trace = file('record.csv', quietHour);
    const { code, stderr } = await forewarm(
      'simulate',
      '--trace',
      trace,
      '--policy',
      'balanced',
      '--record',
      log,
      '--no-report',
    );
    expect([code, stderr.split('\n').length]).toStrictEqual([0, 2]);
    expect(await replayFile(join(folder, log))).toStrictEqual({ kind: 'identical', passes: 234 });
  });
}

test('JSON is all that stands on stdout, and arrivals are completed, shed or lost', async () => {
  const trace = file('json.csv', quietHour);
  const { code, stdout } = await forewarm(
    'simulate',
    '--trace',
    trace,
    '--policy',
    'static,balanced',
    '-o',
    'json',
    '--seed',
    '1,2',
  );
  const output = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(output.results.map((one: { policy: string; seed: number }) => [one.policy, one.seed])).toStrictEqual([
    ['static', 1],
    ['static', 2],
    ['balanced', 1],
    ['balanced', 2],
  ]);
  for (const { arrivals, completed, shed, lost } of output.results) expect(completed + shed + lost).toBe(arrivals);
});

test('band and cold starts multiply the runs, which a second command takes from the file, in CSV too', async () => {
  const args = ['simulate', '--workload', 's2', '--policy', 'static', '--band', '--cold-start', '30,110'];
  const resume = ['--resume', 'runs.jsonl', '-o'];
  const first = await forewarm(...args, ...resume, 'json');
  const second = await forewarm(...args, ...resume, 'csv');
  const runs = JSON.parse(first.stdout).results.map(
    (one: { coldStartSeconds: number; iterationFactor: number }) => `${one.coldStartSeconds}, ${one.iterationFactor}`,
  );
  expect(runs).toStrictEqual(['30, 1', '30, 0.9', '30, 1.1', '110, 1', '110, 0.9', '110, 1.1']);
  expect(second.stderr).toBe(`6 of 6 runs stand in ${join(folder, 'runs.jsonl')} already\n`);
  const [head, ...rows] = second.stdout.trimEnd().split('\n');
  expect(head).toMatch(/^policy,seed,coldStartSeconds,iterationFactor,.*,ttft\.p50,.*,gpuHours,/);
  expect(rows.map((row) => row.split(',').slice(0, 4).join(', '))).toStrictEqual(
    runs.map((run: string) => `static, 1, ${run}`),
  );
});

test('Ctrl-C leaves the finished runs on disk and says so, and the same command goes on from there', async () => {
  const waits = file('waits.sh', 'sleep 600');
  const args = ['simulate', '--workload', 's2', '--no-report', '--policy', 'static', '--policy'];
  const stopped = await interruptedAfter('Finished 1 of 2', [...args, `exec:sh ${waits}`]);
  const kept = join(folder, 'forewarm-runs.jsonl');
  expect(stopped.code).toBe(130);
  expect(stopped.stderr).toContain(
    `Stopped: 1 of 2 runs were finished and stand in ${kept}; the same command with --resume ${kept} goes on\n`,
  );
  expect(stopped.stdout).toMatch(/\nstatic +100%/);
  const resumed = await forewarm(...args, 'hpa-queue', '--resume', kept);
  expect([resumed.code, resumed.stderr.split('\n').slice(0, 2)]).toStrictEqual([
    0,
    [`1 of 2 runs stand in ${kept} already`, 'Finished 1 of 1: hpa-queue, seed 1'],
  ]);
});

/** Ctrl-C once this stands on stderr. */
async function interruptedAfter(text: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    const isDue = !said.stderr.includes(text);
    said.stderr += chunk.toString();
    if (isDue && said.stderr.includes(text)) child.kill('SIGINT');
  });
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : -1, ...said };
}

test('help, version and a refusal end with their codes, data on stdout and complaints on stderr', async () => {
  const [help, version, wrong] = await Promise.all([forewarm('--help'), forewarm('--version'), forewarm('simulat')]);
  expect([help.code, version.code, wrong.code]).toStrictEqual([0, 0, 2]);
  expect([help.stderr, version.stderr, wrong.stdout]).toStrictEqual(['', '', '']);
  expect(help.stdout).toMatch(/Commands:[^]*start[^]*simulate/);
  expect(version.stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
});
