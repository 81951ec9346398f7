import { expect, test } from 'vitest';
import { freshMemory } from '../../../src/core/propose.ts';
import { emptyMemory } from '../../../src/core/tick.ts';
import type { Action } from '../../../src/core/model/decision.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { ForewarmError, isForewarmError } from '../../../src/errors.ts';
import { Nudge } from '../../../src/loop/nudge.ts';
import { pass, type PassPorts } from '../../../src/loop/pass.ts';
import { runPasses, type PassesOptions } from '../../../src/loop/passes.ts';
import { together } from '../../../src/loop/together.ts';
import { serveTerm } from '../../../src/loop/term.ts';
import type { TickInput, TickOutput } from '../../../src/ports/index.ts';
import {
  epoch,
  poolPolicy,
  poolSeen,
  replicasSeen,
  samples,
  targetPolicy,
  targetSeen,
} from '../../support/builders.ts';
import { StepClock } from '../../support/step-clock.ts';

const signal = new AbortController().signal;

/** Two pools under their minimum: whatever is known of their load, each is raised. */
function input(): TickInput {
  const pools = ['team-a/chat', 'team-a/code'].map((pool) => ({
    seen: poolSeen({ pool, targets: [targetSeen({ replicas: replicasSeen(1, { samples: samples() }) })] }),
    policy: poolPolicy({ targets: [targetPolicy({ minReplicas: replicas(3) })] }),
  }));
  return { now: epoch, pools, fleet: { nodes: [] } };
}

interface Traced {
  readonly trace: string[];
  readonly ports: PassPorts;
}

function traced(over: Partial<PassPorts> = {}): Traced {
  const trace: string[] = [];
  const told = (name: string) => (): Promise<void> => {
    trace.push(name);
    return Promise.resolve();
  };
  const ports: PassPorts = {
    sensors: { observe: () => (trace.push('look'), Promise.resolve(input())) },
    memory: { load: () => Promise.resolve(emptyMemory), save: told('remember') },
    actuators: { perform: (action) => (trace.push(`act ${action.pool}`), Promise.resolve()) },
    publishers: [{ publish: told('tell 1') }, { publish: told('tell 2') }],
    recorder: { record: told('record') },
    onAction: () => undefined,
    onUntold: () => undefined,
    ...over,
  };
  return { trace, ports };
}

test('a pass looks, remembers before it acts, acts, tells and records', async () => {
  const { trace, ports } = traced();
  await pass(emptyMemory, ports, signal);
  expect(trace).toStrictEqual(['look', 'remember', 'act team-a/chat', 'act team-a/code', 'tell 1', 'tell 2', 'record']);
});

test('an action that fails does not stop the next one, and is told', async () => {
  const outcomes: [string | undefined, unknown][] = [];
  const refused = new ForewarmError('SCALE_CONFLICT', 'changed');
  const perform = (action: Action): Promise<void> =>
    action.pool === 'team-a/chat' ? Promise.reject(refused) : Promise.resolve();
  const { trace, ports } = traced({
    actuators: { perform },
    onAction: (action, err) => outcomes.push([action.pool, err]),
  });
  expect((await pass(emptyMemory, ports, signal)).failures).toBe(1);
  expect(outcomes).toStrictEqual([
    ['team-a/chat', refused],
    ['team-a/code', undefined],
  ]);
  expect(trace.at(-1)).toBe('record');
});

test('memory that cannot be saved at all means no action', async () => {
  const { trace, ports } = traced({
    memory: { load: () => Promise.resolve(emptyMemory), save: () => Promise.reject(new Error('no server')) },
  });
  await expect(pass(emptyMemory, ports, signal)).rejects.toThrow('no server');
  expect(trace).toStrictEqual(['look']);
});

test('what cannot be told costs neither the other tellings nor the memory of what was done', async () => {
  const untold: unknown[] = [];
  const full = new Error('disk full');
  const { trace, ports } = traced({ onUntold: (err) => untold.push(err) });
  const publishers = [{ publish: () => Promise.reject(full) }, ...ports.publishers];
  const { output } = await pass(emptyMemory, { ...ports, publishers }, signal);
  expect(untold).toStrictEqual([full]);
  expect(trace.slice(-3)).toStrictEqual(['tell 1', 'tell 2', 'record']);
  expect(Object.keys(output.memory.pools)).toHaveLength(2);
});

test('a write that was sent is waited for when the process is told to end; the next one is not begun', async () => {
  const stop = new AbortController();
  const performed: string[] = [];
  const perform = async (action: Action, given: AbortSignal): Promise<void> => {
    stop.abort(new Error('SIGTERM'));
    await Promise.resolve();
    performed.push(`${action.pool} ${given.aborted ? 'cut off' : 'answered'}`);
  };
  const { ports } = traced({ actuators: { perform } });
  await expect(pass(emptyMemory, ports, stop.signal)).rejects.toThrow('SIGTERM');
  expect(performed).toStrictEqual(['team-a/chat answered']);
});

test('works that live together end together, and the first failure is theirs', async () => {
  const trace: string[] = [];
  const patient = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        trace.push('last write answered');
        resolve();
      });
    });
  const failing = (): Promise<void> => Promise.reject(new Error('first'));
  await expect(together([patient, failing], signal)).rejects.toThrow('first');
  expect(trace).toStrictEqual(['last write answered']);
});

interface Turning {
  readonly clock: StepClock;
  readonly nudge: Nudge;
  readonly stop: AbortController;
  readonly passes: number[];
  readonly failures: unknown[];
  readonly running: Promise<unknown>;
}

/** Passes on a clock that the test moves; each `cadence` seconds. */
function turning(over: Partial<PassesOptions> = {}, cadence = 15): Turning {
  const clock = new StepClock();
  const nudge = new Nudge(clock);
  const stop = new AbortController();
  const passes: number[] = [];
  const failures: unknown[] = [];
  const look = (): Promise<TickInput> => {
    const { pools, fleet } = input();
    const policy = poolPolicy({ tunables: { ...poolPolicy().tunables, tickSeconds: cadence } });
    return Promise.resolve({ now: clock.now(), pools: pools.map((one) => ({ ...one, policy })), fleet });
  };
  const { ports } = traced({ sensors: { observe: look } });
  const options: PassesOptions = {
    ...ports,
    clock,
    nudge,
    isKnown: () => true,
    onPass: () => passes.push(clock.monotonic()),
    onFailure: (err) => failures.push(err),
    ...over,
  };
  const running = runPasses(options, stop.signal).then(
    () => undefined,
    (err: unknown) => err,
  );
  return { clock, nudge, stop, passes, failures, running };
}

async function ended({ stop, running }: Turning): Promise<void> {
  stop.abort(new Error('over'));
  await running;
}

test('passes follow the cadence of the fastest pool', async () => {
  const turns = turning({}, 5);
  await turns.clock.run(16);
  expect(turns.passes).toStrictEqual([0, 5000, 10_000, 15_000]);
  await ended(turns);
});

test('what happens wakes the next pass early, and many things at once wake one', async () => {
  const turns = turning();
  await turns.clock.run(3);
  for (let i = 0; i < 10; i++) turns.nudge.call();
  await turns.clock.asleep();
  turns.clock.pass(200);
  await turns.clock.run(5);
  expect(turns.passes).toStrictEqual([0, 3200]);
  await ended(turns);
});

test('passes never come closer than a second', async () => {
  const turns = turning();
  await turns.clock.asleep();
  for (let tenth = 0; tenth < 30; tenth++) {
    turns.nudge.call();
    await turns.clock.asleep();
    turns.clock.pass(100);
  }
  await turns.clock.asleep();
  expect(turns.passes).toStrictEqual([0, 1000, 2000, 3000]);
  await ended(turns);
});

test('a pass that throws is counted, and the next one comes', async () => {
  let looks = 0;
  const turns = turning({
    sensors: { observe: () => (looks++ === 0 ? Promise.reject(new Error('odd')) : Promise.resolve(input())) },
  });
  await turns.clock.run(16);
  expect(turns.failures).toHaveLength(1);
  expect(turns.passes).toStrictEqual([15_000]);
  await ended(turns);
});

test('a lost lease ends the passes', async () => {
  const turns = turning({ sensors: { observe: () => Promise.reject(new ForewarmError('NOT_LEADER', 'gone')) } });
  expect(isForewarmError(await turns.running, 'NOT_LEADER')).toBe(true);
});

test('an action that failed is looked at again soon', async () => {
  let isFirst = true;
  const perform = (): Promise<void> => {
    const fails = isFirst;
    isFirst = false;
    return fails ? Promise.reject(new ForewarmError('SCALE_CONFLICT', 'changed')) : Promise.resolve();
  };
  const turns = turning({ sensors: { observe: () => Promise.resolve(input()) }, actuators: { perform } });
  await turns.clock.run(3);
  expect(turns.passes.slice(0, 2)).toStrictEqual([0, 2000]);
  await ended(turns);
});

test('learned memory that makes deciding fail is forgotten at the third time; sizes and windows are kept', async () => {
  const good = freshMemory(epoch);
  const spoilt = JSON.parse(JSON.stringify({ ...good, learned: { ...good.learned, leadTime: {} } })) as typeof good;
  const forgotten: string[] = [];
  const saved: unknown[] = [];
  const memory = {
    load: () => Promise.resolve({ pools: { 'team-a/chat': spoilt }, assignments: {} }),
    save: (output: TickOutput) => (
      saved.push(output.decisions.find(({ pool }) => pool === 'team-a/chat')?.because[0]?.reason), Promise.resolve()
    ),
  };
  const turns = turning({ memory, onForgotten: (pool) => forgotten.push(pool) }, 1);
  await turns.clock.run(4);
  expect(forgotten).toStrictEqual(['team-a/chat']);
  expect(saved.slice(0, 3)).toStrictEqual(['DecisionFailed', 'DecisionFailed', 'DecisionFailed']);
  expect(saved[3]).not.toBe('DecisionFailed');
  await ended(turns);
});

interface TermTrace {
  readonly trace: string[];
  readonly stop: AbortController;
  readonly lose: (err: unknown) => void;
  readonly elected: Promise<void>;
  readonly served: Promise<unknown>;
}

function term(fail?: Promise<void>): TermTrace {
  const trace: string[] = [];
  const stop = new AbortController();
  const lost = Promise.withResolvers<void>();
  const elected = Promise.withResolvers<void>();
  const until = (ended: AbortSignal, name: string): Promise<void> =>
    new Promise((resolve) => {
      ended.addEventListener('abort', () => {
        trace.push(name);
        resolve();
      });
    });
  const lease = {
    acquire: () => (trace.push('acquired'), Promise.resolve()),
    hold: (ended: AbortSignal) => Promise.race([lost.promise, until(ended, 'stopped holding')]),
    release: () => (trace.push('released'), Promise.resolve()),
  };
  const served = serveTerm(
    {
      lease,
      lead: (ended) => fail ?? until(ended, 'write in flight answered'),
      leave: () => (trace.push('last writes'), Promise.resolve()),
      onElected: () => elected.resolve(),
    },
    stop.signal,
  ).then(
    () => undefined,
    (err: unknown) => err,
  );
  return { trace, stop, lose: lost.reject, elected: elected.promise, served };
}

test('an orderly end: the write in flight, the last writes, and only then the lease', async () => {
  const one = term();
  await one.elected;
  one.stop.abort(new Error('SIGTERM'));
  expect(await one.served).toBeUndefined();
  expect(one.trace).toStrictEqual([
    'acquired',
    'write in flight answered',
    'last writes',
    'stopped holding',
    'released',
  ]);
});

test('a lost lease ends the term at once: nothing is written, nothing released', async () => {
  const one = term();
  await one.elected;
  one.lose(new ForewarmError('NOT_LEADER', 'gone'));
  expect(isForewarmError(await one.served, 'NOT_LEADER')).toBe(true);
  expect(one.trace).toStrictEqual(['acquired']);
});

test('work that fails ends the term with its error: nothing is held any more, and the lease is given back', async () => {
  const broken = new Error('memory cannot be read');
  const one = term(Promise.reject(broken));
  expect(await one.served).toBe(broken);
  expect(one.trace).toStrictEqual(['acquired', 'stopped holding', 'released']);
});
