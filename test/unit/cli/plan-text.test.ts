import { expect, test } from 'vitest';
import { planJson, planText, type PlanView } from '../../../src/cli/plan-text.ts';
import { emptyMemory, tick } from '../../../src/core/tick.ts';
import { replicas } from '../../../src/core/model/units.ts';
import {
  epoch,
  fleetSeen,
  poolPolicy,
  poolSeen,
  replicasSeen,
  samples,
  targetPolicy,
  targetSeen,
} from '../../support/builders.ts';

function view(minimum: number): PlanView {
  const seen = poolSeen({
    pool: 'team-a/chat',
    targets: [targetSeen({ replicas: replicasSeen(1, { samples: samples() }) })],
  });
  const policy = poolPolicy({ targets: [targetPolicy({ minReplicas: replicas(minimum) })] });
  const input = { now: epoch, pools: [{ seen, policy }], fleet: fleetSeen() };
  const conditions = [
    { type: 'Ready', status: 'True', reason: 'Decided', message: 'fine' },
    {
      type: 'ConflictDetected',
      status: 'True',
      reason: 'OtherOwner',
      message: 'HorizontalPodAutoscaler/x also sets replicas',
    },
  ];
  return {
    input,
    output: tick(emptyMemory, input),
    statuses: new Map([['team-a/chat', { conditions }]]),
    problems: new Map([
      ['team-a/wrong', { field: 'spec.targets', seen: '[]', allowed: 'a list of at least one target' }],
    ]),
  };
}

test('a plan says what would change and why, what wants attention, and counts at the end', () => {
  const text = planText(view(3));
  expect(text).toContain('~ team-a/chat  mode Scale');
  expect(text).toContain('target chat: 1 -> 3 (ready 1');
  expect(text).toContain('AtMinimum');
  expect(text).toContain('would scale chat from 1 to 3');
  expect(text).toContain('ConflictDetected=True OtherOwner: HorizontalPodAutoscaler/x also sets replicas');
  expect(text).not.toContain('Ready=True');
  expect(text).toContain(
    '! team-a/wrong  cannot be used: `spec.targets` must be a list of at least one target, was []',
  );
  expect(text.trimEnd().split('\n').at(-1)).toBe('Plan: 1 of 1 pool would change, 1 action. Nothing was written.');
});

test('a plan without a change says so', () => {
  const text = planText(view(1));
  expect(text).toContain('  team-a/chat  mode Scale');
  expect(text.trimEnd().split('\n').at(-1)).toBe('Plan: 0 of 1 pool would change, 0 actions. Nothing was written.');
});

test('a copy that no pool wants any more is let go, on a line of its own', () => {
  const quiet = view(1);
  const letGo = { kind: 'Unassign', node: 'gpu-7', artifact: '394721b56053' } as const;
  const given = { ...quiet, output: { ...quiet.output, actions: [letGo] } };
  expect(planText(given)).toContain('~ of no pool: would let 394721b56053 go from node gpu-7');
  expect(planText(given)).toContain('Plan: 0 of 1 pool would change, 1 action.');
  expect(planJson(given)['actions']).toStrictEqual([letGo]);
});

test('as JSON it has the decisions, actions and reports of the same pass', () => {
  const json = planJson(view(3));
  expect(JSON.parse(JSON.stringify(json))).toMatchObject({
    schema: 'forewarm.dev/plan/v1',
    actions: [{ kind: 'Scale', pool: 'team-a/chat', target: 'chat', from: 1, to: 3 }],
    decisions: [{ pool: 'team-a/chat', replicas: 3 }],
    invalid: [{ pool: 'team-a/wrong' }],
  });
});
