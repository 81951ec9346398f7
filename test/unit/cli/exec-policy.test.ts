import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { helloLine, parseHello, tickLine } from '../../../src/cli/exec-protocol.ts';
import { policyList } from '../../../src/cli/flags.ts';
import { runJob, type SimulationJob } from '../../../src/cli/simulation-job.ts';
import { runJobs } from '../../../src/cli/simulation-pool.ts';
import type { PolicyAnswer, PolicyView, SimulatedPolicy } from '../../../src/sim/policies/policy.ts';
import { inFlight } from '../../../src/sim/policies/signals.ts';
import { scenarioOf } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { dayWorkload } from '../../../src/sim/workload/day.ts';
import { llama8bH100 } from '../../support/builders.ts';
import { poisson, Script } from '../../support/simulations.ts';

const example = join(import.meta.dirname, '..', '..', '..', 'examples', 'exec-policy', 'queue_policy.py');

function job(command: string, timeoutSeconds = 20): SimulationJob {
  const workload = dayWorkload({ compress: 96, peakRate: 60 });
  const scenario = { workload, profile: llama8bH100, maxReplicas: 12, seed: 3 };
  return { label: 'mine', definition: { kind: 'ExternalPolicy', command, timeoutSeconds }, scenario };
}

/** The rule of queue_policy.py. */
function queuePolicy(perReplica: number, holdSeconds: number): SimulatedPolicy {
  let wanted: readonly { readonly at: number; readonly size: number }[] = [];
  return {
    name: 'mine',
    tickSeconds: 15,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const load = inFlight(seen, now);
      if (load === undefined) return { actions: [], because: 'nothing is known of the load' };
      const size = Math.max(1, Math.ceil(load / perReplica));
      const kept = wanted.filter(({ at }) => at > now / 1000 - holdSeconds);
      wanted = [...kept, { at: now / 1000, size }];
      const replicas = Math.max(...wanted.map((one) => one.size));
      return { replicas, actions: [], because: `${load} requests in flight want ${size}` };
    },
  };
}

const python = hasPython() ? 'python3' : undefined;

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(python === undefined)(
  'the example in Python decides what the same rule decides in here, with the same result',
  async () => {
    const one = job(`${python} ${example} --per-replica 20 --hold 120`);
    const [there] = await runJobs([one], { advance: () => undefined, finished: () => undefined }, alive());
    const here = runSimulation(one.scenario, queuePolicy(20, 120));
    expect(here.replicaChanges).toBeGreaterThan(10);
    expect(there?.result).toStrictEqual({ ...here, coldStartSeconds: 110, iterationFactor: 1 });
  },
);

function alive(): AbortSignal {
  return new AbortController().signal;
}

const hello = String.raw`{"type":"hello","protocol":"forewarm.dev/exec-policy/v1","tickSeconds":15}`;
const greets = `read x; echo '${hello}'`;

const faults: Readonly<Record<string, readonly [string, string]>> = {
  'greets with another protocol': [
    `read x; echo '{"type":"hello","protocol":"v0","tickSeconds":15}'`,
    'line 1 of its stdout, the answer to the hello: `protocol` must be "forewarm.dev/exec-policy/v1", was "v0"',
  ],
  'never says how often it looks': [
    `read x; echo '{"type":"hello","protocol":"forewarm.dev/exec-policy/v1"}'`,
    '`tickSeconds` must be a number from 1 to 86400, was undefined',
  ],
  'answers text': [
    `${greets}; read x; echo 'scaling up!'`,
    'line 2 of its stdout, the answer to tick 1: `(line)` must be one JSON object; notes for people go to stderr, was "scaling up!"',
  ],
  'answers less than nothing': [
    `${greets}; read x; echo '{"replicas":2,"because":"x"}'; read x; echo '{"replicas":-1,"because":"x"}'`,
    'line 3 of its stdout, the answer to tick 2: `replicas` must be a whole number of at least 0; null leaves the size as it is, was -1',
  ],
  'answers without a reason': [
    `${greets}; read x; echo '{"replicas":2}'`,
    '`because` must be one line of text that says why, was undefined',
  ],
  'misspells a field': [
    `${greets}; read x; echo '{"replica":2,"because":"x"}'`,
    '`replica` must be one of type, n, replicas, because, was "present"',
  ],
  'answers another tick': [
    `${greets}; read x; echo '{"n":7,"replicas":2,"because":"x"}'`,
    '`n` must be 1, the tick that was asked, was 7',
  ],
  'says more than it was asked': [
    `read x; echo '${hello}
hello again'; cat >/dev/null`,
    'must come after tick 1 was sent, was there before: "hello again"',
  ],
  'ends in the middle': [`${greets}; read x; exit 3`, 'it ended with exit code 3 before it answered tick 1'],
  'does not exist': ['no-such-program 2>/dev/null', 'it ended with exit code 127 before it answered the hello'],
};
for (const [name, [command, message]] of Object.entries(faults)) {
  test(`a policy that ${name} ends the run with an error that says so`, async () => {
    await expect(runJob(job(command), () => undefined)).rejects.toMatchObject({
      code: 'POLICY_FAILED',
      message: expect.stringContaining(message),
    });
  });
}

/** Processes of a group, those left out that are dead and wait for their parent to look. */
function livingOf(group: number): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const [state, , ofGroup] = statOf(name);
      return ofGroup === String(group) && state !== 'Z';
    });
}

function statOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
  } catch {
    return [];
  }
}

test('a silent policy ends the run after its time, and is killed with all that it started', async () => {
  const command = `${greets}; sleep 600 & sleep 600`;
  let pid = 0;
  const onProcess = (one: number): void => {
    pid = one;
  };
  const run = runJob(job(command, 0.3), () => undefined, { onProcess });
  await expect(run).rejects.toThrow('no answer to tick 1 came within 0.3 s (--exec-timeout)');
  await vi.waitFor(() => expect(livingOf(pid)).toStrictEqual([]));
});

test('an answer without a size leaves it, and one outside the bounds is taken to the nearest', async () => {
  const answers = ['{"replicas":null,"because":"wait"}', '{"replicas":99,"because":"all"}'];
  const command = `${greets}; ${answers.map((one) => `read x; echo '${one}'`).join('; ')}; while read x; do echo '{"because":"stay"}'; done`;
  const workload = poisson({ rate: 2, seconds: 90 });
  const scenario = scenarioOf({ workload, profile: llama8bH100, maxReplicas: 5 });
  const run = await runJob({ ...job(command), scenario }, () => undefined);
  expect(run.result.decisions).toStrictEqual([{ t: 30, from: 1, to: 5, because: 'all' }]);
});

test('a policy is told its bounds and objectives and nothing of the load to come', () => {
  const scenario = scenarioOf({ workload: poisson({ rate: 2, seconds: 60 }), profile: llama8bH100, seed: 9 });
  expect(helloLine(scenario)).toStrictEqual({
    type: 'hello',
    protocol: 'forewarm.dev/exec-policy/v1',
    minReplicas: 1,
    maxReplicas: 16,
    initialReplicas: 1,
    gpusPerReplica: 1,
    objectives: { ttftSeconds: 2, itlSeconds: 0.1 },
    scrapeIntervalSeconds: 5,
    seed: 9,
  });
});

test('a policy that asks for histograms is sent them, and another is not', () => {
  const greeting = (wish: string): string =>
    `{"type":"hello","protocol":"forewarm.dev/exec-policy/v1","tickSeconds":15${wish}}`;
  expect(parseHello(greeting(',"histograms":true'))).toStrictEqual({
    ok: true,
    value: { tickSeconds: 15, readsHistograms: true },
  });
  expect(parseHello(greeting(''))).toStrictEqual({ ok: true, value: { tickSeconds: 15 } });
  expect(parseHello(greeting(',"histograms":"all"')).ok).toBe(false);
  const lastTick = (readsHistograms: boolean): string => {
    const policy = Object.assign(new Script({}, { tickSeconds: 15 }), { readsHistograms });
    runSimulation({ workload: poisson({ rate: 2, seconds: 60 }), profile: llama8bH100 }, policy);
    const view = policy.views.at(-1);
    if (view === undefined) throw new Error('it never looked');
    return JSON.stringify(tickLine(1, view));
  };
  expect(JSON.parse(lastTick(true))).toMatchObject({
    replicas: [{ histograms: { ageSeconds: expect.any(Number), timeToFirstToken: { bounds: expect.any(Array) } } }],
  });
  expect(lastTick(false)).not.toContain('histograms');
});

test('from exec: on the value of --policy is one command', () => {
  expect(policyList('static, exec:./a --b 1,2', ['balanced'])).toStrictEqual([
    'balanced',
    'static',
    'exec:./a --b 1,2',
  ]);
  expect(policyList('exec:./a')).toStrictEqual(['exec:./a']);
  expect(() => policyList('static,exec: ')).toThrow('must have a command after exec:');
});
