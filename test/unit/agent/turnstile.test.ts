import { expect, test } from 'vitest';
import { Turnstile } from '../../../src/agent/turnstile.ts';

const live = new AbortController().signal;

test('a turnstile lets in no more than its places, first come first served', async () => {
  const turnstile = new Turnstile(2);
  const order: string[] = [];
  const gates = new Map<string, () => void>();
  const enter = (name: string): Promise<void> =>
    turnstile.pass(async () => {
      order.push(name);
      await new Promise<void>((resolve) => gates.set(name, resolve));
    }, live);
  const all = Promise.all(['a', 'b', 'c', 'd'].map(enter));
  await settle();
  expect(order).toStrictEqual(['a', 'b']);
  for (const name of ['a', 'b', 'c', 'd']) {
    gates.get(name)?.();
    await settle();
  }
  await all;
  expect(order).toStrictEqual(['a', 'b', 'c', 'd']);
});

test('who gives up in front of a turnstile frees its place in the queue', async () => {
  const turnstile = new Turnstile(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = turnstile.pass(() => promise, live);
  const stop = new AbortController();
  const second = turnstile.pass(() => Promise.resolve(), stop.signal);
  const third = turnstile.pass(() => Promise.resolve('in'), live);
  stop.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  resolve();
  await first;
  expect(await third).toBe('in');
});

interface Passage {
  readonly order: readonly string[];
  readonly start: (name: string) => Promise<void>;
  readonly finish: (name: string) => Promise<void>;
  readonly urgent: Set<string>;
}

/** Who passes until it is finished, by name; `-name`: stepped aside. */
function passage(turnstile: Turnstile): Passage {
  const order: string[] = [];
  const gates = new Map<string, () => void>();
  const urgent = new Set<string>();
  const run = async (name: string, signal: AbortSignal): Promise<void> => {
    order.push(name);
    await new Promise<void>((resolve, reject) => {
      gates.set(name, resolve);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    }).catch((err: unknown) => {
      order.push(`-${name}`);
      throw err;
    });
  };
  return {
    order,
    urgent,
    start: async (name) => {
      void turnstile.pass(
        async (signal) => await run(name, signal),
        live,
        () => urgent.has(name),
      );
      await settle();
    },
    finish: async (name) => {
      gates.get(name)?.();
      urgent.delete(name);
      await settle();
    },
  };
}

test('what is urgent passes alone: the others step aside, and begin again behind it', async () => {
  const { order, start, finish, urgent } = passage(new Turnstile(2));
  urgent.add('now');
  await start('a');
  await start('b');
  await start('c');
  await start('now');
  expect(order).toStrictEqual(['a', 'b', '-a', '-b', 'now']);
  await finish('now');
  expect(order.slice(5)).toStrictEqual(['c', 'a']);
});

test('what becomes urgent while it waits goes first, and no longer when it no longer is', async () => {
  const turnstile = new Turnstile(1);
  const { order, start, finish, urgent } = passage(turnstile);
  await start('a');
  await start('b');
  await start('c');
  urgent.add('c');
  turnstile.review();
  await settle();
  expect(order).toStrictEqual(['a', '-a', 'c']);
  urgent.delete('c');
  turnstile.review();
  await finish('c');
  expect(order.slice(3)).toStrictEqual(['b']);
});

test('what is urgent shares its way with what is urgent too', async () => {
  const { order, start, urgent } = passage(new Turnstile(2));
  for (const name of ['x', 'y', 'z']) urgent.add(name);
  for (const name of ['x', 'y', 'z', 'a']) await start(name);
  expect(order).toStrictEqual(['x', 'y']);
});

test('who gives up being urgent lets the others pass', async () => {
  const turnstile = new Turnstile(1);
  const { order, start, finish } = passage(turnstile);
  const stop = new AbortController();
  await start('a');
  const urgent = turnstile.pass(
    async (signal) =>
      await new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    stop.signal,
    () => true,
  );
  await settle();
  expect(order).toStrictEqual(['a', '-a']);
  stop.abort(new Error('enough'));
  await expect(urgent).rejects.toThrow('enough');
  await settle();
  expect(order.slice(2)).toStrictEqual(['a']);
  await finish('a');
});

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
