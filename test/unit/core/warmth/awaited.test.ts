import { describe, expect, test } from 'vitest';
import type { Action } from '../../../../src/core/model/decision.ts';
import type { NodeCacheSeen, NodeSeen } from '../../../../src/core/model/pool.ts';
import { bytes } from '../../../../src/core/model/units.ts';
import type { Assignments } from '../../../../src/core/warmth/ground.ts';
import { keepSeconds } from '../../../../src/core/warmth/orphans.ts';
import { planWarmth } from '../../../../src/core/warmth/plan.ts';
import { at, node, recommendation, target, type TargetGiven } from '../../../support/settle-builders.ts';

const hash = 'abcdefabcdef';
const artifact = { hash, name: 'team-a/chat@1', bytes: bytes(40) };

function cache(given: Partial<NodeCacheSeen>): NodeCacheSeen {
  return { phases: {}, assigned: [], budgetBytes: bytes(100), usedBytes: bytes(0), ...given };
}

function plan(nodes: readonly NodeSeen[], of: TargetGiven, assignments: Assignments = {}): readonly Action[] {
  const warmth = { mode: 'Act', artifact, floorCopies: 0 } as const;
  const targets = [target({ eligibleNodes: nodes.map((one) => one.node), ...of })];
  return planWarmth({
    assignments,
    recommendations: [recommendation({ warmth, targets })],
    fleet: { nodes },
    now: at(0),
  }).actions;
}

describe('a copy that a replica waits for', () => {
  const waiting: TargetGiven = { warmCopiesWanted: 0, occupiedNodes: ['a'], waitingNodes: ['a'] };
  const found: TargetGiven = { ...waiting, waitingNodes: [] };
  const gone: TargetGiven = { ...found, occupiedNodes: [], eligibleNodes: [] };
  const awaited = { kind: 'Assign', node: 'a', artifact: hash, pool: 'team-a/chat', isAwaited: true };
  const on = (given: Partial<NodeCacheSeen>, of: TargetGiven, now = node('a', { cache: cache(given) })): unknown =>
    plan([now], of);

  test('is said to be, also when it was assigned before', () => {
    expect(on({}, waiting)).toStrictEqual([awaited]);
    expect(on({ assigned: [hash] }, waiting)).toStrictEqual([awaited]);
  });
  test('is said once', () => expect(on({ assigned: [hash], awaited: [hash] }, waiting)).toStrictEqual([]));
  test('no longer is when the replica is gone', () => {
    expect(on({ assigned: [hash], awaited: [hash] }, found)).toStrictEqual([
      { kind: 'Assign', node: 'a', artifact: hash, pool: 'team-a/chat' },
    ]);
  });
  test('is of no more interest once it is there', () => {
    const ready: Partial<NodeCacheSeen> = { assigned: [hash], phases: { [hash]: 'Ready' } };
    expect(on(ready, waiting)).toStrictEqual([]);
    expect(on({ ...ready, awaited: [hash] }, found)).toStrictEqual([]);
  });
  test('is taken back like any other', () => {
    const held = node('a', { cache: cache({ assigned: [hash], awaited: [hash] }) });
    expect(plan([held], gone, { [`a/${hash}`]: at(-keepSeconds) })).toStrictEqual([
      { kind: 'Unassign', node: 'a', artifact: hash, pool: 'team-a/chat' },
    ]);
  });
});
