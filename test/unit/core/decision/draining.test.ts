import { describe, expect, test } from 'vitest';
import { drainingOf } from '../../../../src/core/decision/draining.ts';
import type { ReplicaSeen, TargetSeen } from '../../../../src/core/model/pool.ts';
import { settle } from '../../../../src/core/settle.ts';
import { observe } from '../../../../src/core/signals/observe.ts';
import { at as later, missingSamples, poolSeen, replicaSeen, samples, targetSeen } from '../../../support/builders.ts';
import { at, atOnce, fleetMemory, recommendation, settleInput, target } from '../../../support/settle-builders.ts';

const busy = (id: string, running: number, kvUse: number, more: Partial<ReplicaSeen> = {}): ReplicaSeen =>
  replicaSeen(id, { samples: samples({ running, kvUse }), ...more });

describe('who goes first', () => {
  const all = [
    busy('a', 9, 0.1),
    busy('b', 2, 0.5),
    busy('c', 2, 0.2),
    replicaSeen('d', { samples: missingSamples() }),
    busy('e', 7, 0.3, { isMarked: true }),
    busy('f', 0, 0, { phase: 'Unready' }),
    busy('g', 0, 0, { phase: 'Draining', isMarked: true }),
  ];
  const seen = (over: Partial<TargetSeen> = {}): TargetSeen => targetSeen({ replicas: all, readsMarks: true, ...over });
  const of = (one: TargetSeen, mayShrink = true): ReturnType<typeof drainingOf> => {
    const pool = poolSeen({ targets: [one] });
    return drainingOf(
      one,
      observe(pool, { baselines: {}, watchedSince: later(-60), now: later(0) }).readings,
      mayShrink,
    );
  };

  test('marked ones, then the least in flight, then the least in cache; the unknown last', () => {
    expect(of(seen())?.order).toStrictEqual(['chat-e', 'chat-c', 'chat-b', 'chat-a', 'chat-d']);
    expect(of(seen())?.marked).toStrictEqual(['chat-e']);
  });
  test('nobody where no marks are read', () => {
    expect(of(targetSeen({ replicas: all }))).toBeUndefined();
  });
  test('nobody is ordered where nothing may shrink and none is marked', () => {
    expect(of(seen({ replicas: all.slice(0, 3) }), false)).toBeUndefined();
    expect(of(seen(), false)?.marked).toStrictEqual(['chat-e']);
  });
});

interface Look {
  readonly seconds: number;
  readonly spec: number;
  readonly wanted: number;
  readonly marked?: readonly string[];
  readonly ready?: number;
}

/** Size and marks of each look, without a window. */
function looks(list: readonly Look[], more: Parameters<typeof recommendation>[0] = {}): readonly unknown[] {
  let memory = fleetMemory();
  return list.map(({ seconds, spec, wanted, marked = [], ready = spec }) => {
    const order = Array.from({ length: ready }, (_, i) => `r${i}`);
    const one = target({ specReplicas: spec, wanted, draining: { order, marked } });
    const now = at(seconds);
    const output = settle(
      settleInput({
        memory,
        now,
        recommendations: [recommendation({ at: now, targets: [one], behavior: atOnce, ...more })],
      }),
    );
    ({ memory } = output);
    const marks = output.actions.flatMap((action) =>
      action.kind === 'ProtectPods' ? [{ victims: action.victims, freed: action.freed }] : [],
    );
    return [Number(output.decisions[0]?.replicas), ...marks];
  });
}

describe('a smaller size', () => {
  test('comes with the look after the marks', () => {
    expect(
      looks([
        { seconds: 0, spec: 6, wanted: 4 },
        { seconds: 15, spec: 6, wanted: 4, marked: ['r0', 'r1'] },
        { seconds: 30, spec: 4, wanted: 4 },
      ]),
    ).toStrictEqual([[6, { victims: ['r0', 'r1'], freed: [] }], [4], [4]]);
  });
  test('waits two seconds, however often we look', () => {
    expect(looks([0, 1, 1.9, 2].map((seconds) => ({ seconds, spec: 6, wanted: 5 })))).toStrictEqual([
      [6, { victims: ['r0'], freed: [] }],
      [6],
      [6],
      [5],
    ]);
  });
  test('takes what was marked and marks the rest when still less is wanted', () => {
    expect(
      looks([
        { seconds: 0, spec: 6, wanted: 5 },
        { seconds: 15, spec: 6, wanted: 3, marked: ['r0'] },
        { seconds: 30, spec: 5, wanted: 3, marked: ['r0', 'r1'] },
      ]),
    ).toStrictEqual([[6, { victims: ['r0'], freed: [] }], [5, { victims: ['r0', 'r1', 'r2'], freed: [] }], [3]]);
  });
  test('is not prepared by the marks of an earlier one', () => {
    const [first, second, third] = looks([
      { seconds: 0, spec: 6, wanted: 5 },
      { seconds: 15, spec: 6, wanted: 5, marked: ['r0'] },
      { seconds: 30, spec: 5, wanted: 4 },
    ]);
    expect([first, second, third]).toStrictEqual([
      [6, { victims: ['r0'], freed: [] }],
      [5],
      [5, { victims: ['r0'], freed: [] }],
    ]);
  });
  test('that is no longer wanted frees those that were marked', () => {
    expect(
      looks([
        { seconds: 0, spec: 6, wanted: 5 },
        { seconds: 15, spec: 6, wanted: 6, marked: ['r0'] },
      ]),
    ).toStrictEqual([
      [6, { victims: ['r0'], freed: [] }],
      [6, { victims: [], freed: ['r0'] }],
    ]);
  });
  test('takes replicas that are not ready without a mark', () => {
    expect(looks([{ seconds: 0, spec: 6, wanted: 4, ready: 4 }])).toStrictEqual([[4]]);
  });
  test('marks nothing in Observe, nor while paused', () => {
    const wish = [{ seconds: 0, spec: 6, wanted: 4 }];
    expect(looks(wish, { mode: 'Observe' })).toStrictEqual([[4]]);
    expect(looks(wish, { paused: true })).toStrictEqual([[6]]);
  });
  test('says which', () => {
    const one = target({ specReplicas: 6, wanted: 4, draining: { order: ['a', 'b', 'c', 'd', 'e', 'f'], marked: [] } });
    const { decisions } = settle(settleInput({ recommendations: [recommendation({ targets: [one] })] }));
    expect(decisions[0]?.because[0]).toStrictEqual({
      reason: 'MarkedFirst',
      message: 'Lowered to 4 with the next look: the 2 replicas with the least to do are marked to go first',
    });
  });
});
