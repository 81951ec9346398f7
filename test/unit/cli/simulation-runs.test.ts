import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runJob, type SimRun, type SimulationJob } from '../../../src/cli/simulation-job.ts';
import { RunFile } from '../../../src/cli/simulation-runs.ts';
import { llama8bH100 } from '../../support/builders.ts';
import { poisson } from '../../support/simulations.ts';

const folder = mkdtempSync(join(tmpdir(), 'forewarm-runs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const scenario = { workload: poisson({ rate: 2, seconds: 120 }), profile: llama8bH100, seed: 1, coldStartSeconds: 60 };
const job: SimulationJob = {
  label: 'static',
  definition: { kind: 'SimulatedPolicy', name: 'static', algorithm: 'Static', parameters: { replicas: 2 } },
  scenario,
};
let run: SimRun;
beforeAll(async () => {
  run = await runJob(job, () => undefined);
});

function fileWith(name: string, ...jobs: readonly SimulationJob[]): string {
  const path = join(folder, name);
  const file = RunFile.open(path);
  for (const one of jobs) file.add(one, run);
  return path;
}

test('a run is read back as it was, and written once', () => {
  const path = fileWith('same.jsonl', job, job);
  expect(RunFile.open(path).runOf(job)).toStrictEqual(run);
  expect(readFileSync(path, 'utf8').split('\n').length).toBe(2);
});

const { arrivalMs } = scenario.workload;
const others: Readonly<Record<string, Partial<SimulationJob>>> = {
  'another seed': { scenario: { ...scenario, seed: 2 } },
  'another cold start': { scenario: { ...scenario, coldStartSeconds: 61 } },
  'one arrival a millisecond later': {
    scenario: { ...scenario, workload: { ...scenario.workload, arrivalMs: arrivalMs.map((at) => at + 1) } },
  },
  'another engine': { scenario: { ...scenario, profile: { ...llama8bH100, beta: 1 } } },
  'another factor of the band': { iterationFactor: 0.9 },
  'another setting of the policy': {
    definition: { kind: 'SimulatedPolicy', name: 'static', algorithm: 'Static', parameters: { replicas: 3 } },
  },
};
for (const [name, over] of Object.entries(others)) {
  test(`a run with ${name} is another run`, () => {
    const file = RunFile.open(fileWith('other.jsonl', job));
    expect(file.runOf({ ...job, ...over })).toBeUndefined();
  });
}

test('an external policy whose program was changed is another policy', () => {
  const program = join(folder, 'policy.sh');
  const external: SimulationJob = {
    ...job,
    definition: { kind: 'ExternalPolicy', command: `sh '${program}'`, timeoutSeconds: 30 },
  };
  writeFileSync(program, 'echo 1');
  const path = fileWith('external.jsonl', external);
  expect(RunFile.open(path).runOf(external)).toBeDefined();
  writeFileSync(program, 'echo 2');
  expect(RunFile.open(path).runOf(external)).toBeUndefined();
});

test('a line that was cut off when the process died is made again', () => {
  const path = fileWith('cut.jsonl', job);
  const whole = readFileSync(path, 'utf8');
  appendFileSync(path, whole.slice(0, 500));
  const file = RunFile.open(path);
  expect(file.runOf(job)).toStrictEqual(run);
  expect(readFileSync(path, 'utf8')).toBe(whole);
});

test('a line that is no run is refused with its number', () => {
  const path = fileWith('bad.jsonl', job);
  appendFileSync(path, '{"schema":"x"}\n');
  expect(() => RunFile.open(path)).toThrow(
    `--resume ${path}, line 2: must be a JSON object with schema 'forewarm.dev/simulation-run/v1', key and run, was '{"schema":"x"}'`,
  );
});
