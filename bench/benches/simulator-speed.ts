import { Worker } from 'node:worker_threads';
import { runJob } from '../../src/cli/simulation-job.ts';
import { readPolicyFile } from '../../src/config/policy-file.ts';
import { readProfile } from '../../src/config/profile-file.ts';
import { dayWorkload } from '../../src/sim/workload/day.ts';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { cpuSecondsOf, runFixedFleet } from '../fixed-fleet.ts';
import { mooncakeConversation, runMooncake } from '../mooncake-fleet.ts';

export const bench: Bench = {
  about:
    'requests a second that one core simulates: a fixed fleet, and the whole loop with lifecycle, scrapes and our brain',
  takes: '40 s',
  fullTakes: '3 min',
  run,
};

async function run({ isFull, say }: BenchOptions): Promise<readonly Measurement[]> {
  say('a fixed fleet of 8, 1k in and 256 out');
  const small = best(7, () => runFixedFleet(100_000));
  const large = isFull ? 10_000_000 : 2_000_000;
  say(`${large / 1e6}M requests`);
  const big = best(isFull ? 1 : 2, () => runFixedFleet(large));
  const peakMb = process.resourceUsage().maxRSS / 1000;
  say('the whole loop over a day');
  const loop = await fullLoop();
  say('Mooncake conversation');
  const conversation = await mooncake();
  say('two cores');
  const ratio = await twoCores();
  return [
    {
      case: 'fixed fleet of 8, 1k in / 256 out',
      metric: 'fixed-fleet',
      value: small,
      unit: 'requests/s',
      note: 'CPU time of one core',
    },
    {
      case: 'a day with nodes, starts, scrapes, ticks of balanced',
      metric: 'full-loop',
      value: loop,
      unit: 'requests/s',
    },
    { case: `${large} requests over 100,000`, metric: 'growth', value: small / big, unit: 'ratio of cost per request' },
    {
      case: '10M requests',
      metric: 'memory',
      value: isFull ? peakMb : null,
      unit: 'MB',
      note: isFull ? 'peak of the process' : `with --full; ${Math.round(peakMb)} MB at ${large} requests`,
    },
    {
      case: 'two threads over one',
      metric: 'two-cores',
      value: ratio,
      unit: 'ratio',
      note: 'wall time; needs two idle cores',
    },
    conversation,
  ];
}

async function mooncake(): Promise<Measurement> {
  const row = { case: 'Mooncake conversation, 8 replicas', metric: 'mooncake', unit: 'requests/s' };
  const workload = await mooncakeConversation();
  if (workload === undefined)
    return { ...row, value: null, note: 'the trace is absent: ../shared/data/traces/mooncake' };
  let hitRatio = 0;
  const value = best(7, () => {
    const run = runMooncake(workload);
    hitRatio = run.hitRatio;
    return run.requestsPerSecond;
  });
  return {
    ...row,
    value,
    note: `prefix cache by block, in turn; ${(hitRatio * 100).toFixed(1)} % of prompt tokens cached`,
  };
}

function best(times: number, once: () => number): number {
  let most = 0;
  for (let i = 0; i < times; i++) most = Math.max(most, once());
  return most;
}

async function fullLoop(): Promise<number> {
  const definition = await readPolicyFile(new URL('../../policies/balanced.yaml', import.meta.url).pathname);
  const profile = await readProfile('llama-3.1-8b-h100');
  const workload = dayWorkload({ seed: 1, peakRate: 120, compress: 12 });
  let most = 0;
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage();
    await runJob({ scenario: { workload, profile, maxReplicas: 16 }, definition, label: 'balanced' }, () => undefined);
    most = Math.max(most, workload.arrivalMs.length / cpuSecondsOf(process.cpuUsage(before)));
  }
  return most;
}

/** Two runs side by side against one alone, each in a thread of its own, after a run that warms it up. */
async function twoCores(): Promise<number> {
  const alone = await wallSeconds(1);
  const together = await wallSeconds(2);
  return (2 * alone) / together;
}

async function wallSeconds(threads: number): Promise<number> {
  const times = await Promise.all(Array.from({ length: threads }, () => timeInThread()));
  return Math.max(...times);
}

function timeInThread(): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('../fixed-fleet-worker.ts', import.meta.url));
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
