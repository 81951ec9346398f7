import { expect, test } from 'vitest';
import { pastWanted } from '../../../src/core/forecast/long.ts';
import type { DemandPast } from '../../../src/core/model/history.ts';
import type { FleetMemory } from '../../../src/core/model/memory.ts';
import { instant } from '../../../src/core/model/units.ts';
import { freshMemory } from '../../../src/core/propose.ts';
import { replay } from '../../../src/core/replay.ts';
import { DecisionLog } from '../../../src/cli/decision-log.ts';
import { type PastTask, Priming, type PrimingOutcome } from '../../../src/loop/priming.ts';
import { Nudge } from '../../../src/loop/nudge.ts';
import { runPasses } from '../../../src/loop/passes.ts';
import type { PastReading } from '../../../src/ports/history-reader.ts';
import type { TickInput } from '../../../src/ports/index.ts';
import {
  at,
  epoch,
  poolPolicy,
  poolSeen,
  replicasSeen,
  samples,
  targetPolicy,
  targetSeen,
} from '../../support/builders.ts';
import { StepClock } from '../../support/step-clock.ts';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const pool = 'team-a/chat';
const { stepSeconds, offsetSeconds } = pastWanted(pool);

/** Three hours up to the epoch of the tests, in minutes of the pool. */
const past: DemandPast = {
  stepSeconds,
  bins: Array.from({ length: 180 }, (_, n) => {
    const end = Math.floor(epoch / 60_000) * 60_000 - 60_000 * (180 - n) + 1000 * offsetSeconds;
    return { at: instant(end), requestsPerSecond: 5, promptTokensPerSecond: 5000, outputTokensPerSecond: 1000 };
  }),
};

function inputAt(now = epoch): TickInput {
  const targets = [targetSeen({ replicas: replicasSeen(1, { samples: samples() }) })];
  return { now, pools: [{ seen: poolSeen({ pool, targets }), policy: poolPolicy() }], fleet: { nodes: [] } };
}
const fresh: FleetMemory = { pools: { [pool]: freshMemory(epoch) }, assignments: {} };

interface Scene {
  readonly priming: Priming;
  readonly clock: StepClock;
  readonly outcomes: PrimingOutcome[];
  readonly asked: number[];
  readonly stop: AbortController;
  task: PastTask | undefined;
}
function scene(read: () => Promise<PastReading>): Scene {
  const clock = new StepClock();
  const outcomes: PrimingOutcome[] = [];
  const asked: number[] = [];
  const readPast: PastTask['reader']['readPast'] = (_replicas, _wanted, now) => (asked.push(now), read());
  const replicas = { namespace: 'team-a', podPatterns: ['chat-[0-9]+'], engine: 'Auto' };
  const one: Scene = {
    clock,
    outcomes,
    asked,
    stop: new AbortController(),
    task: { source: 'http://prometheus.example', reader: { readPast }, replicas },
    priming: new Priming({
      clock,
      breathe: () => undefined,
      taskOf: () => one.task,
      onEnd: (_, outcome) => outcomes.push(outcome),
    }),
  };
  return one;
}
/** Until all that was wanted has ended. */
async function run({ priming, clock, stop }: Scene): Promise<void> {
  const running = priming.run(stop.signal);
  await clock.asleep();
  stop.abort(new Error('over'));
  await running;
}

test('a pool with separate prefill and decode is not: both halves counted each request', async () => {
  const one = scene(() => Promise.resolve({ past }));
  const { pools, ...rest } = inputAt();
  const targets = [targetPolicy({ target: 'prefill', role: 'Prefill' }), targetPolicy({ role: 'Decode' })];
  one.priming.look({ ...rest, pools: pools.map(({ seen }) => ({ seen, policy: poolPolicy({ targets }) })) }, fresh);
  await run(one);
  expect(one.asked).toStrictEqual([]);
});

test('a pool that knows no past is primed, once', async () => {
  const one = scene(() => Promise.resolve({ past }));
  one.priming.look(inputAt(), fresh);
  one.priming.look(inputAt(), fresh);
  await run(one);
  expect(one.asked).toStrictEqual([epoch]);
  expect(one.outcomes).toStrictEqual([{ bins: 180 }]);
  const memory = one.priming.applied(fresh);
  expect(memory.pools[pool]?.learned.long?.open.work).toBeGreaterThan(0);
  expect(memory.pools[pool]?.safety).toBe(fresh.pools[pool]?.safety);
  expect(one.priming.applied(memory)).toBe(memory);
});

test('a pool that has learned is not asked about', async () => {
  const one = scene(() => Promise.resolve({ past }));
  one.priming.look(inputAt(), fresh);
  await run(one);
  const learned = one.priming.applied(fresh);
  const other = scene(() => Promise.resolve({ past }));
  other.priming.look(inputAt(), learned);
  await run(other);
  expect(other.asked).toStrictEqual([]);
});

test('the past ends where the memory of the pool begins', async () => {
  const one = scene(() => Promise.resolve({ past }));
  const before = freshMemory(epoch);
  const demand = [{ at: at(-90), requestsPerSecond: 1, promptTokensPerSecond: 1, outputTokensPerSecond: 1 }];
  const memory = { ...fresh, pools: { [pool]: { ...before, learned: { ...before.learned, demand } } } };
  one.priming.look(inputAt(), memory);
  await run(one);
  expect(one.asked).toStrictEqual([at(-90)]);
});

const failures: Readonly<Record<string, [() => Promise<PastReading>, PrimingOutcome]>> = {
  'a source that fails': [
    () => Promise.resolve({ past: { stepSeconds, bins: [] }, problem: 'HTTP 503' }),
    { bins: 0, problem: 'HTTP 503' },
  ],
  'a source that knows nothing': [() => Promise.resolve({ past: { stepSeconds, bins: [] } }), { bins: 0 }],
  'a reader that breaks its promise': [() => Promise.reject(new Error('broken')), { bins: 0, problem: 'broken' }],
};
for (const [name, [read, want]] of Object.entries(failures)) {
  test(`${name} primes nothing, is told once and not asked again; another one is`, async () => {
    const one = scene(read);
    one.priming.look(inputAt(), fresh);
    await run(one);
    one.priming.look(inputAt(at(15)), fresh);
    expect(one.outcomes).toStrictEqual([want]);
    expect(one.priming.applied(fresh)).toBe(fresh);
    if (one.task !== undefined) one.task = { ...one.task, source: 'http://other.example' };
    one.priming.look(inputAt(at(30)), fresh);
    const again = { ...one, stop: new AbortController() };
    await run(again);
    expect(one.outcomes).toStrictEqual([want, want]);
  });
}

test('without anybody to ask nothing is asked, until there is', async () => {
  const one = scene(() => Promise.resolve({ past }));
  const { task } = one;
  one.task = undefined;
  one.priming.look(inputAt(), fresh);
  one.task = task;
  one.priming.look(inputAt(at(15)), fresh);
  await run(one);
  expect(one.asked).toStrictEqual([at(15)]);
});

test('passes do not wait for the past; the log of a primed pool replays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-priming-'));
  const answer = Promise.withResolvers<PastReading>();
  const one = scene(() => answer.promise);
  const log = new DecisionLog(join(folder, 'log.jsonl'));
  const knows: boolean[] = [];
  const options = {
    clock: one.clock,
    nudge: new Nudge(one.clock),
    sensors: { observe: () => Promise.resolve(inputAt(one.clock.now())) },
    memory: { load: () => Promise.resolve(fresh), save: () => Promise.resolve() },
    actuators: { perform: () => Promise.resolve() },
    publishers: [],
    recorder: {
      record: (...[input, output, before]: Parameters<DecisionLog['record']>) => {
        knows.push(before.pools[pool]?.learned.long !== undefined);
        log.record(input, output, before);
        return Promise.resolve();
      },
    },
    priming: one.priming,
    isKnown: () => false,
    onAction: () => undefined,
    onUntold: (err: unknown) => expect.fail(String(err)),
    onPass: () => undefined,
    onFailure: (err: unknown) => expect.fail(String(err)),
  };
  const passes = runPasses(options, one.stop.signal).catch(() => undefined);
  await one.clock.run(2);
  const reading = one.priming.run(one.stop.signal);
  await one.clock.run(30);
  expect(knows.length).toBeGreaterThan(1);
  expect(knows).not.toContain(true);
  answer.resolve({ past });
  await one.clock.run(30, 2);
  expect(knows.at(-1)).toBe(true);
  one.stop.abort(new Error('over'));
  await Promise.all([passes, reading]);
  log.close();
  const lines = readFileSync(log.path, 'utf8').trim().split('\n');
  rmSync(folder, { recursive: true });
  expect(lines.filter((line) => line.startsWith('{"schema"'))).toHaveLength(2);
  expect(replay(lines)).toStrictEqual({ kind: 'identical', passes: knows.length });
});
