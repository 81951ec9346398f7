import { expect, test } from 'vitest';
import { Readings, type ReadingTask } from '../../../src/loop/reading.ts';
import type { ReplicaAddress, ReplicaReader, ReplicaReading } from '../../../src/ports/replica-reader.ts';
import { missingSamples, samples } from '../../support/builders.ts';
import { StepClock } from '../../support/step-clock.ts';

function address(id: string, pool = 'team-a/chat'): ReplicaAddress {
  return {
    id,
    pool,
    address: '10.0.0.1',
    port: 8000,
    path: '/metrics',
    scheme: 'http',
    engine: 'Auto',
    namespace: 'team-a',
    pod: id,
  };
}

/** Answers what it is told, or holds its answer back. */
class FakeReader implements ReplicaReader {
  readonly asked: (readonly string[])[] = [];
  reading: (id: string) => ReplicaReading = () => ({ samples: samples() });
  held: Promise<void> = Promise.resolve();
  async read(replicas: readonly ReplicaAddress[]): Promise<ReadonlyMap<string, ReplicaReading>> {
    this.asked.push(replicas.map(({ id }) => id));
    await this.held;
    return new Map(replicas.map(({ id }) => [id, this.reading(id)]));
  }
}

interface Scene {
  readonly clock: StepClock;
  readonly reader: FakeReader;
  readonly readings: Readings;
  readonly told: string[];
  tasks: readonly ReadingTask[];
  /** Quarter seconds, each with all that follows from it. */
  readonly quarters: (count: number) => Promise<void>;
  readonly end: () => Promise<void>;
}

function scene(): Scene {
  const clock = new StepClock();
  const reader = new FakeReader();
  const told: string[] = [];
  const stop = new AbortController();
  const all: { tasks: readonly ReadingTask[] } = {
    tasks: [
      { pool: 'team-a/chat', source: 'pods', reader, intervalSeconds: 1, replicas: [address('a'), address('b')] },
    ],
  };
  const readings = new Readings({
    clock,
    tasks: () => all.tasks,
    onReading: () => undefined,
    onProblem: ({ id }, { problem }) => told.push(`${id}: ${problem ?? ''}`),
    onSurge: (pool) => told.push(`surge in ${pool}`),
    onFailure: (source, err) => told.push(`${source} failed: ${String(err)}`),
  });
  const running = readings.run(stop.signal);
  const quarters = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await clock.asleep();
      clock.pass(250);
    }
    await clock.asleep();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const end = async (): Promise<void> => {
    stop.abort(new Error('over'));
    await running;
  };
  return Object.assign(all, { clock, reader, readings, told, quarters, end });
}

test('each pool is read at its own interval', async () => {
  const all = scene();
  all.tasks = [
    ...all.tasks,
    {
      pool: 'team-a/slow',
      source: 'pods',
      reader: all.reader,
      intervalSeconds: 3,
      replicas: [address('s', 'team-a/slow')],
    },
  ];
  await all.quarters(16);
  const times = (id: string): number => all.reader.asked.filter((ids) => ids.includes(id)).length;
  expect([times('a'), times('b'), times('s')]).toStrictEqual([5, 5, 2]);
  await all.end();
});

test('a pool is read from two sources, each at its own interval, and a queue that begins before nobody calls at once', async () => {
  const all = scene();
  const gateway = new FakeReader();
  gateway.reading = () => ({ samples: samples({ waiting: 0 }) });
  all.tasks = [
    { pool: 'team-a/chat', source: 'pods', reader: all.reader, intervalSeconds: 3, replicas: [] },
    {
      pool: 'team-a/chat',
      source: 'gateway',
      reader: gateway,
      intervalSeconds: 1,
      replicas: [address('epp')],
      isAsleep: true,
    },
  ];
  await all.quarters(13);
  expect([all.reader.asked.length, gateway.asked.length]).toStrictEqual([2, 4]);
  expect(all.told).toStrictEqual([]);
  gateway.reading = () => ({ samples: samples({ waiting: 1 }) });
  await all.quarters(4);
  expect(all.told).toStrictEqual(['surge in team-a/chat']);
  await all.end();
});

test('a reader that hangs is not asked again meanwhile, and holds up no other source', async () => {
  const all = scene();
  const other = new FakeReader();
  const held = Promise.withResolvers<void>();
  all.reader.held = held.promise;
  all.tasks = [
    ...all.tasks,
    {
      pool: 'team-a/far',
      source: 'http://prometheus',
      reader: other,
      intervalSeconds: 1,
      replicas: [address('p', 'team-a/far')],
    },
  ];
  await all.quarters(12);
  expect(all.reader.asked, 'the first before it hung, the second hangs').toHaveLength(2);
  expect(other.asked.length).toBeGreaterThanOrEqual(3);
  held.resolve();
  await all.quarters(8);
  expect(all.reader.asked.length).toBeGreaterThanOrEqual(3);
  await all.end();
});

test('readings of replicas that are gone are forgotten', async () => {
  const all = scene();
  await all.quarters(2);
  expect([...all.readings.latest().keys()].sort()).toStrictEqual(['a', 'b']);
  all.tasks = [
    { pool: 'team-a/chat', source: 'pods', reader: all.reader, intervalSeconds: 1, replicas: [address('b')] },
  ];
  await all.quarters(1);
  expect([...all.readings.latest().keys()]).toStrictEqual(['b']);
  await all.end();
});

test('a reason is told once, and again only when it is another one', async () => {
  const all = scene();
  const fail = (problem: string): void => {
    all.reader.reading = (id) => (id === 'a' ? { samples: missingSamples(), problem } : { samples: samples() });
  };
  fail('no answer');
  await all.quarters(12);
  fail('status 500');
  await all.quarters(8);
  expect(all.told).toStrictEqual(['a: no answer', 'a: status 500']);
  await all.end();
});

test('why replicas are not read is known by name until they are read again', async () => {
  const { reader, readings, quarters, end } = scene();
  const both = [
    { id: 'a', name: 'chat-a' },
    { id: 'b', name: 'chat-b' },
  ];
  expect(readings.problemOf(both)).toBeUndefined();
  reader.reading = () => ({ samples: missingSamples(), failure: 'QueryFailed', problem: 'no route to host' });
  await quarters(4);
  expect(readings.problemOf(both)).toBe('chat-a (and 1 more): no route to host');
  expect(readings.problemOf([{ id: 'b', name: 'chat-b' }])).toBe('chat-b: no route to host');
  reader.reading = () => ({ samples: samples() });
  await quarters(8);
  expect(readings.problemOf(both)).toBeUndefined();
  await end();
});

test('work that begins to queue is told at once; work that a pass has seen is no news', async () => {
  const all = scene();
  await all.quarters(2);
  all.readings.latest();
  all.reader.reading = () => ({ samples: samples({ waiting: 5 }) });
  await all.quarters(5);
  expect(all.told).toStrictEqual(['surge in team-a/chat']);
  all.readings.latest();
  await all.quarters(8);
  expect(all.told).toStrictEqual(['surge in team-a/chat']);
  await all.end();
});

test('a reader that breaks its promise and throws is told, and asked again', async () => {
  const all = scene();
  let isBroken = true;
  all.reader.reading = () => {
    if (isBroken) throw new TypeError('odd');
    return { samples: samples() };
  };
  await all.quarters(2);
  isBroken = false;
  await all.quarters(6);
  expect(all.told).toStrictEqual(['pods failed: TypeError: odd']);
  expect(all.readings.latest().size).toBe(2);
  await all.end();
});
