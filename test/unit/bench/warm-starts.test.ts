import { expect, test } from 'vitest';
import { type WarmLook, warmCounts } from '../../../bench/warm-starts.ts';
import type { PoolReport } from '../../../src/core/model/report.ts';
import { at, epoch, missingSamples, nodeSeen, replicaSeen } from '../../support/builders.ts';

const begin = epoch / 1000;
const leadTime = { warmSeconds: 50, coldSeconds: 120, warmStarts: 4, coldStarts: 2 };
const report = { leadTime } as PoolReport;

/** A look `t` seconds after the epoch, with so many free GPUs on each node. */
function look(t: number, free: readonly number[], more: Partial<WarmLook> = {}): WarmLook {
  const nodes = free.map((freeGpus, i) => nodeSeen(`n${i}`, { gpus: 8, freeGpus }));
  return { seconds: begin + t, fleet: { nodes }, replicas: [], ordered: 0, report, ...more };
}
const started = (id: string, ordered: number, ready: number, startedWarm: boolean): WarmLook['replicas'][number] =>
  replicaSeen(id, {
    startedWarm,
    samples: missingSamples(),
    milestones: { orderedAt: at(ordered), createdAt: at(ordered), readyAt: at(ready) },
  });
const setting = { gpusPerReplica: 2, enoughSeconds: 60 };

test('an order of three onto room for one warm replica expects one', () => {
  const looks = [
    look(0, [2, 0]),
    look(45, [2, 4]),
    look(90, [2, 4], { ordered: 3 }),
    look(300, [0, 0], {
      replicas: [started('a', 90, 135, true), started('b', 90, 200, false), started('c', 90, 230, false)],
    }),
  ];
  expect(warmCounts(looks, setting)).toStrictEqual({
    expectedWarm: 1,
    warm: 1,
    starts: [
      { isWarm: true, seconds: 45, predicted: 50, measured: 4 },
      { isWarm: false, seconds: 110, predicted: 120, measured: 2 },
      { isWarm: false, seconds: 140, predicted: 120, measured: 2 },
    ],
  });
});

test('a node that was taken in between has not been free for long enough', () => {
  const looks = [
    look(0, [2]),
    look(45, [0]),
    look(60, [2]),
    look(90, [2], { ordered: 1 }),
    look(200, [0], { replicas: [started('a', 90, 180, false)] }),
  ];
  expect(warmCounts(looks, setting)).toMatchObject({ expectedWarm: 0, warm: 0 });
});

test('a start that does not end is in no figure, and what nobody ordered neither', () => {
  const looks = [
    look(0, [8]),
    look(90, [8], { ordered: 1 }),
    look(120, [8], { replicas: [started('first', 0, 0, true), replicaSeen('young', { phase: 'LoadingWeights' })] }),
  ];
  expect(warmCounts(looks, setting)).toStrictEqual({ expectedWarm: 0, warm: 0, starts: [] });
});
