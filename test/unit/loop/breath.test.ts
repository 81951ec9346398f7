import { expect, test } from 'vitest';
import { emptyMemory, tick, tickSteps } from '../../../src/core/tick.ts';
import { breather, paced } from '../../../src/loop/breath.ts';
import {
  at,
  epoch,
  fleetSeen,
  poolPolicy,
  poolSeen,
  replicasSeen,
  samples,
  targetSeen,
} from '../../support/builders.ts';

/** A clock that moves by so much each time it is read. */
function ticking(milliseconds: number): { readonly monotonic: () => number } {
  let now = 0;
  return { monotonic: () => (now += milliseconds) };
}
const input = {
  now: epoch,
  fleet: fleetSeen(),
  pools: Array.from({ length: 40 }, (_, i) => ({
    policy: poolPolicy(),
    seen: poolSeen({
      pool: `team-a/pool-${String(i).padStart(2, '0')}`,
      targets: [targetSeen({ replicas: replicasSeen(2, { samples: samples({ waiting: i, running: 3 }, at(0)) }) })],
    }),
  })),
};
const steady = new AbortController().signal;

test('a breath is due once a turn has lasted long enough, and not before', async () => {
  const breathe = breather(ticking(1), 3);
  expect([breathe(), breathe()]).toStrictEqual([undefined, undefined]);
  await breathe();
  expect([breathe(), breathe()]).toStrictEqual([undefined, undefined]);
  expect(breathe()).toBeInstanceOf(Promise);
});

test('a pass in steps decides what it decides in one', async () => {
  const whole = tick(emptyMemory, input);
  expect(await paced(tickSteps(emptyMemory, input), breather(ticking(10)), steady)).toStrictEqual(whole);
});

test('others get their turn while a pass thinks about many pools', async () => {
  let turns = 0;
  let isOver = false;
  const other = (): void => {
    turns += 1;
    if (!isOver) setImmediate(other);
  };
  setImmediate(other);
  await paced(tickSteps(emptyMemory, input), breather(ticking(10)), steady);
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(input.pools.length);
});

test('a pass that is told to end does not think on', async () => {
  const stop = new AbortController();
  const thinking = paced(tickSteps(emptyMemory, input), breather(ticking(10)), stop.signal);
  stop.abort(new Error('SIGTERM'));
  await expect(thinking).rejects.toThrow('SIGTERM');
});
