import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { serialised } from '../../../src/cli/output.ts';
import { runJob, type SimulationJob } from '../../../src/cli/simulation-job.ts';
import { runJobs } from '../../../src/cli/simulation-pool.ts';
import { readPolicyFile } from '../../../src/config/policy-file.ts';
import type { SimulationOutput } from '../../../src/sim/result.ts';
import { dayWorkload } from '../../../src/sim/workload/day.ts';
import { llama8bH100 } from '../../support/builders.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const schema = JSON.parse(readFileSync(join(root, 'docs', 'simulation.schema.json'), 'utf8'));
const isOutput = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);

const quiet = { advance: () => undefined, finished: () => undefined };

async function job(policy: string): Promise<SimulationJob> {
  const workload = dayWorkload({ compress: 96, peakRate: 60 });
  const definition = await readPolicyFile(join(root, 'policies', `${policy}.yaml`));
  return { label: policy, definition, scenario: { workload, profile: llama8bH100, maxReplicas: 12 } };
}

test('a run in a thread is byte for byte the run in this one', async () => {
  const jobs = [await job('balanced'), await job('hpa-queue')];
  const here = [];
  for (const one of jobs) here.push(await runJob(one, () => undefined));
  const there = await runJobs(jobs, quiet, new AbortController().signal);
  expect(JSON.stringify(there)).toBe(JSON.stringify(here));
  expect(here[0]?.forecasts.length).toBeGreaterThan(10);
});

test('oracles that share what one of them searched give the bytes of those that search alone, and tell how far the search is', async () => {
  const { scenario } = await job('static');
  const oracles = (['Arrivals', 'TrueSize'] as const).map(
    (knows): SimulationJob => ({ label: knows, definition: { kind: 'Oracle', knows }, scenario }),
  );
  const alone = [];
  for (const one of oracles) alone.push(await runJob(one, () => undefined));
  const shares: number[] = [];
  const events = { advance: (share: number) => shares.push(share), finished: () => undefined };
  const together = await runJobs(oracles, events, new AbortController().signal);
  expect(JSON.stringify(together)).toBe(JSON.stringify(alone));
  // The half of both that is the search of the first.
  expect(shares.filter((share) => share < 0.45).length).toBeGreaterThan(3);
});

test('the JSON of real runs keeps the schema, with timelines and without', async () => {
  const runs = [
    await runJob(await job('balanced'), () => undefined),
    await runJob(await job('static'), () => undefined),
  ];
  const output: SimulationOutput = {
    schema: 'forewarm.dev/simulation/v1',
    trace: 'day',
    engineProfile: llama8bH100.name,
    isProfileValidated: llama8bH100.isValidated,
    rateScale: 1,
    ranking: { isInformative: true },
    failedRows: 0,
    results: runs.map(({ result }) => result),
  };
  const texts = [serialised(output, 'json', false), serialised(output, 'json', true)];
  for (const text of texts) {
    isOutput(JSON.parse(text));
    expect(isOutput.errors).toBeNull();
  }
  expect(texts[0]).not.toContain('"timeline"');
  expect(load(serialised(output, 'yaml', true))).toStrictEqual(JSON.parse(texts[1] ?? ''));
});

test('the schema refuses a result without its GPU-hours', async () => {
  const { result } = await runJob(await job('static'), () => undefined);
  const { gpuHours: _, timeline: __, decisions: ___, ...rest } = result;
  const output = {
    schema: 'forewarm.dev/simulation/v1',
    trace: 'day',
    engineProfile: 'x',
    rateScale: 1,
    results: [rest],
  };
  expect(isOutput(output)).toBe(false);
});

test('an oracle that waits for the search of another is over when that is interrupted', async () => {
  const { scenario } = await job('static');
  const oracles = (['Arrivals', 'TrueSize'] as const).map(
    (knows): SimulationJob => ({ label: knows, definition: { kind: 'Oracle', knows }, scenario }),
  );
  const stopped = new AbortController();
  const events = { advance: () => stopped.abort(), finished: () => undefined };
  expect(await runJobs(oracles, events, stopped.signal)).toStrictEqual([]);
});

test('jobs that were interrupted before they began give no result', async () => {
  const stopped = new AbortController();
  stopped.abort();
  expect(await runJobs([await job('static')], quiet, stopped.signal)).toStrictEqual([]);
});
