import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { liveState } from '../../../src/cli/live-state.ts';
import { changeLine, liveLine, liveScreen } from '../../../src/cli/live-view.ts';
import { watch } from '../../../src/cli/terminal.ts';
import type { SimTick } from '../../../src/sim/simulation.ts';
import {
  at,
  fleetSeen,
  missingSamples,
  nodeSeen,
  nodeWithCache,
  poolSeen,
  replicaSeen,
  samples,
  targetSeen,
} from '../../support/builders.ts';

const busy = samples({ waiting: 3, running: 20, kvUse: 0.5 });

/** Two ready replicas, of which one was never read, and one that starts. */
function tickAt(seconds: number, arrivals: number): SimTick {
  const replicas = [
    replicaSeen('a', { samples: busy }),
    replicaSeen('b', { samples: missingSamples() }),
    replicaSeen('c', { phase: 'StartingEngine', samples: missingSamples('NotScraped') }),
  ];
  return {
    view: {
      now: at(seconds),
      seen: poolSeen({ targets: [targetSeen({ replicas })] }),
      fleet: fleetSeen([nodeWithCache('n1', 'c0ffee000001'), nodeSeen('n2')]),
    },
    progress: { seconds, durationSeconds: 86_400, arrivals, completed: arrivals - 30, shed: 1, lost: 0 },
  };
}

const hold = { actions: [], because: 'demand is met' };
const raise = { actions: [], because: 'queue of 300', replicas: 5 };
const before = liveState(tickAt(43_185, 1000), hold, undefined);
const state = liveState(tickAt(43_200, 1300), raise, before);

test('a state sums what was read and counts every phase', () => {
  expect(state).toMatchObject({
    arrivalRate: 20,
    phases: { Ready: 2, StartingEngine: 1 },
    wanted: 5,
    waiting: 3,
    running: 20,
    kvUse: 0.5,
    nodes: 2,
    warmNodes: 1,
    lastChange: { seconds: 43_200, from: 3, to: 5, because: 'queue of 300' },
  });
});

test('a pool that nobody could read has no queue, not an empty one', () => {
  const tick = tickAt(15, 0);
  const blind = poolSeen({ targets: [targetSeen({ replicas: [replicaSeen('a', { samples: missingSamples() })] })] });
  const seen = liveState({ ...tick, view: { ...tick.view, seen: blind } }, hold, undefined);
  expect([seen.waiting, seen.running, seen.kvUse]).toStrictEqual([undefined, undefined, undefined]);
  expect(liveLine(seen)).toContain('waiting     -  KV    -');
});

test('a line says where the day stands', () => {
  expect(liveLine(state)).toBe(
    '12:00:00  20.0 req/s  ready  2  arriving  1  wanted  5  waiting     3  KV  50%  shed 1  lost 0',
  );
});

test('a change is said with its time and reason', () => {
  expect(state.lastChange === undefined ? '' : changeLine(state.lastChange)).toBe('12:00:00  3 → 5  queue of 300');
});

test('the screen keeps its height and fits the width of a small terminal', () => {
  const screens = [before, state].map((one) => liveScreen(one, 'title', 60).map(stripVTControlCharacters));
  expect(new Set(screens.map((screen) => screen.length)).size).toBe(1);
  expect(Math.max(...screens.flat().map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(screens[1]).toContain('            2 ready, 1 starting the engine, 5 wanted');
});

test('a pipe gets a line for each change and each half hour, and no control characters', () => {
  const written: string[] = [];
  const shown = watch({ isTTY: false, columns: 80, write: (text) => written.push(text) }, 'title');
  for (const one of [before, state, liveState(tickAt(43_215, 1400), hold, state)]) shown.show(one);
  shown.end();
  expect(written).toStrictEqual([
    'title\n',
    `${liveLine(before)}\n`,
    '12:00:00  3 → 5  queue of 300\n',
    `${liveLine(state)}\n`,
  ]);
});

test('a terminal is drawn over in place and gets its cursor back', () => {
  const written: string[] = [];
  const shown = watch({ isTTY: true, columns: 80, write: (text) => written.push(text) }, 'title');
  shown.show(before);
  shown.show(state);
  shown.end();
  const height = liveScreen(state, 'title', 80).length;
  expect(written[2]?.startsWith(`\u001b[${height}A\u001b[0J`)).toBe(true);
  expect([written[0], written.at(-1)]).toStrictEqual(['\u001b[?25l', '\u001b[?25h']);
});
