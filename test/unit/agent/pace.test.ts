import { expect, test } from 'vitest';
import { TransferError } from '../../../src/agent/failure.ts';
import { Pace, RateMeter } from '../../../src/agent/pace.ts';
import { backOffSeconds, slowRetrySeconds } from '../../../src/agent/retry.ts';
import { Singleflight } from '../../../src/agent/singleflight.ts';
import { HurriedClock } from '../../support/agent.ts';

const live = new AbortController().signal;

test('a bandwidth cap makes who spends wait for what was spent', async () => {
  const clock = new HurriedClock();
  const pace = new Pace(clock, 1000);
  const start = clock.monotonic();
  for (let i = 0; i < 10; i += 1) await pace.spend(500, live);
  expect(clock.monotonic() - start).toBe(5000);
});

test('without a cap nobody waits', async () => {
  const clock = new HurriedClock();
  await new Pace(clock, undefined).spend(1e12, live);
  expect(clock.slept).toStrictEqual([]);
});

test('a rate follows what comes and forgets what was', () => {
  const meter = new RateMeter();
  expect(meter.observe(0, 0)).toBe(0);
  expect(meter.observe(1000, 500)).toBe(500);
  for (let s = 2; s <= 60; s += 1) meter.observe(s * 1000, 500 + (s - 1) * 100);
  const steady = meter.observe(61_000, 6500);
  expect(Math.abs(steady - 100)).toBeLessThan(2);
  expect(meter.observe(62_000, 0), 'a count that falls starts anew').toBe(steady);
});

test('a pause grows with the failures, stays under a minute, and is never shorter than asked for', () => {
  const asked = new TransferError('DOWNLOAD_FAILED', 'busy', { retryAfterSeconds: 77 });
  expect([1, 2, 3, 4, 10, 1000].map((n) => backOffSeconds(n, () => 1, undefined))).toStrictEqual([1, 2, 4, 8, 60, 60]);
  expect(backOffSeconds(5, () => 0, undefined)).toBe(0);
  expect(backOffSeconds(1, () => 0, asked)).toBe(77);
  expect([slowRetrySeconds(() => 0), slowRetrySeconds(() => 1)]).toStrictEqual([300, 450]);
});

test('one key runs once at a time for all who ask', async () => {
  const flights = new Singleflight();
  const { promise, resolve } = Promise.withResolvers<void>();
  let runs = 0;
  const run = async (): Promise<void> => {
    runs += 1;
    await promise;
  };
  const riders = [1, 2, 3].map(() => flights.ride('k', run, live));
  await settle();
  resolve();
  await Promise.all(riders);
  expect(runs).toBe(1);
  await flights.ride('k', run, live);
  expect(runs).toBe(2);
});

test('a shared run goes on while anybody waits and is aborted when nobody does', async () => {
  const flights = new Singleflight();
  let seen: AbortSignal | undefined;
  const run = (signal: AbortSignal): Promise<void> => {
    seen = signal;
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const [one, two] = [new AbortController(), new AbortController()];
  const first = flights.ride('k', run, one.signal);
  const second = flights.ride('k', run, two.signal);
  await settle();
  one.abort(new Error('first left'));
  await expect(first).rejects.toThrow('first left');
  expect(seen?.aborted).toBe(false);
  two.abort(new Error('second left'));
  await expect(second).rejects.toThrow('second left');
  expect(seen?.aborted).toBe(true);
});

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
