import fc from 'fast-check';
import { expect, test } from 'vitest';
import { conditionsOf, type PoolState } from '../../../src/adapters/kube/conditions.ts';
import { isJson, list, text } from '../../../src/adapters/kube/fields.ts';
import { parseSafety } from '../../../src/adapters/kube/safety.ts';
import { statusFor, statusKeys, trimmed, type StatusInput } from '../../../src/adapters/kube/status.ts';
import type { Decision } from '../../../src/core/model/decision.ts';
import type { SafetyMemory, TargetSafety } from '../../../src/core/model/memory.ts';
import type { PoolReport } from '../../../src/core/model/report.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { at, epoch, poolPolicy, poolSeen, replicasSeen, targetSeen } from '../../support/builders.ts';

const decision: Decision = {
  pool: 'team-a/chat',
  target: 'chat',
  at: epoch,
  replicas: replicas(3),
  from: replicas(1),
  because: [{ reason: 'BacklogRaises', message: '12 waiting' }],
  isHeld: false,
  isReactiveRaise: true,
  isRollingOut: false,
};

function input(over: Partial<StatusInput> = {}): StatusInput {
  return {
    generation: 2,
    now: epoch,
    policy: poolPolicy(),
    seen: poolSeen(),
    decisions: [decision],
    past: [],
    conditions: [{ type: 'Ready', status: 'True', reason: 'Decided', message: 'm' }],
    before: {},
    ...over,
  };
}

test('a status says sizes, reasons and the memory behind them', () => {
  expect(statusFor(input())).toMatchObject({
    observedGeneration: 2,
    minReplicas: 1,
    maxReplicas: 10,
    currentReplicas: 1,
    readyReplicas: 1,
    desiredReplicas: 3,
    targets: [
      {
        name: 'chat',
        currentReplicas: 1,
        desiredReplicas: 3,
        pendingReplicas: 0,
        reasons: [{ reason: 'BacklogRaises', message: '12 waiting' }],
      },
    ],
  });
});

test('warm copies are counted over all nodes, also where the report names only the first of them', () => {
  const named = Array.from({ length: 128 }, (_, i) => `gpu-${i}`);
  const warmth = { artifact: 'llama', wanted: 900, ready: named, warming: named, because: 'because' };
  const leadTime = { warmSeconds: 1, coldSeconds: 2, warmStarts: 0, coldStarts: 0, usedSeconds: 1, phases: {} };
  const about = (counts: object): unknown => {
    const report = { pool: 'team-a/chat', at: epoch, inputs: {}, leadTime, targets: [], conditions: [] };
    return statusFor(input({ report: { ...report, warmth: { ...warmth, ...counts } } }))['warmth'];
  };
  expect(about({ readyCopies: 500, warmingCopies: 400 })).toMatchObject({ readyCopies: 500, warmingCopies: 400 });
  expect(about({})).toMatchObject({ readyCopies: 128, warmingCopies: 128 });
});

test('the size of a target that cannot be read is left out, and with it the sum over targets', () => {
  const { specReplicas: _, ...unread } = targetSeen({ replicas: [] });
  const status = statusFor(input({ seen: poolSeen({ targets: [targetSeen({ target: 'other' }), unread] }) }));
  expect(status).not.toHaveProperty('currentReplicas');
  expect(list(status, 'targets')[0]).toHaveProperty('currentReplicas', 1);
  expect(list(status, 'targets')[1]).not.toHaveProperty('currentReplicas');
});

test('what may not be said is left out, never 0', () => {
  const { replicas: _, ...silent } = decision;
  const status = statusFor(input({ decisions: [silent] }));
  expect(status).not.toHaveProperty('desiredReplicas');
  expect(list(status, 'targets')[0]).not.toHaveProperty('desiredReplicas');
});

test('the time of a condition moves with its status alone', () => {
  const before = statusFor(input());
  const same = statusFor(
    input({ now: at(60), before, conditions: [{ type: 'Ready', status: 'True', reason: 'Other', message: 'x' }] }),
  );
  expect(text(list(same, 'conditions')[0], 'lastTransitionTime')).toBe('2027-01-15T08:00:00Z');
  const changed = statusFor(
    input({ now: at(60), before, conditions: [{ type: 'Ready', status: 'False', reason: 'Other', message: 'x' }] }),
  );
  expect(text(list(changed, 'conditions')[0], 'lastTransitionTime')).toBe('2027-01-15T08:01:00Z');
});

const quiet: Readonly<
  Record<string, { readonly change: Partial<StatusInput>; readonly urgent: boolean; readonly lazy: boolean }>
> = {
  'time alone': { change: { now: at(600) }, urgent: false, lazy: false },
  'a message with other numbers': {
    change: { conditions: [{ type: 'Ready', status: 'True', reason: 'Decided', message: 'other' }] },
    urgent: false,
    lazy: false,
  },
  'a replica that became ready': {
    change: { seen: poolSeen({ targets: [targetSeen({ specReplicas: replicas(1), replicas: [] })] }) },
    urgent: false,
    lazy: true,
  },
  'another decision': { change: { decisions: [{ ...decision, replicas: replicas(4) }] }, urgent: true, lazy: false },
  'another size': {
    change: { seen: poolSeen({ targets: [targetSeen({ specReplicas: replicas(2), replicas: replicasSeen(1) })] }) },
    urgent: true,
    lazy: false,
  },
  'another generation': { change: { generation: 3 }, urgent: true, lazy: false },
  'a condition with another status': {
    change: { conditions: [{ type: 'Ready', status: 'False', reason: 'Decided', message: 'm' }] },
    urgent: true,
    lazy: false,
  },
};
for (const [name, { change, urgent, lazy }] of Object.entries(quiet)) {
  test(`${name} is ${urgent ? 'written at once' : lazy ? 'written a little later' : 'not worth a write'}`, () => {
    const [before, after] = [statusKeys(statusFor(input())), statusKeys(statusFor(input(change)))];
    expect({ urgent: before.urgent !== after.urgent, lazy: before.lazy !== after.lazy }).toStrictEqual({
      urgent,
      lazy,
    });
  });
}

/** As long as everything may be: 16 targets of 200 pods, 16 long reasons each. */
function enormous(): StatusInput {
  const because = Array.from({ length: 30 }, () => ({ reason: 'BacklogRaises' as const, message: 'x'.repeat(400) }));
  const targets = Array.from({ length: 16 }, (_, i) => targetSeen({ target: `t${i}`, replicas: replicasSeen(200) }));
  const decisions = targets.map(({ target }) => ({ ...decision, target, because }));
  const past = Array.from({ length: 10 }, () => ({
    time: '2027-01-15T08:00:00Z',
    target: 't0',
    to: 3,
    reason: 'BacklogRaises',
    message: 'y'.repeat(256),
  }));
  const safety: SafetyMemory = {
    since: epoch,
    targets: { t0: { raw: [{ at: epoch, replicas: replicas(3) }], specChanges: [] } },
  };
  return input({ seen: poolSeen({ targets }), decisions, past, safety });
}

test('a gap in the metrics is told anew when it is of another kind, not when its count or the words of a server change', () => {
  const lazyOf = (message: string): string => {
    const gap = { type: 'MetricsAvailable', status: 'False', reason: 'SignalsMissing', message } as const;
    return statusKeys(statusFor(input({ conditions: [gap] }))).lazy;
  };
  const first = lazyOf('waiting on 2 of 4 replicas (NoSeries); chat-1: no series of pod a/chat-1');
  expect(lazyOf('waiting on 3 of 4 replicas (NoSeries); chat-2 (and 2 more): no series of pod a/chat-2')).toBe(first);
  expect(lazyOf('waiting on 4 of 4 replicas (QueryFailed); chat-1: connect ECONNREFUSED')).not.toBe(first);
});

test('a status is never larger than 64 KiB, and keeps memory and conditions to the last', () => {
  const status = statusFor(enormous());
  expect(Buffer.byteLength(JSON.stringify(status))).toBeLessThanOrEqual(64 * 1024);
  const least = trimmed(status);
  expect(Buffer.byteLength(JSON.stringify(least))).toBeLessThan(16 * 1024);
  for (const kept of [status, least]) {
    expect(parseSafety(kept)).toBeDefined();
    expect(list(kept, 'conditions')).toHaveLength(1);
    expect(
      list(kept, 'targets')
        .filter(isJson)
        .map((one) => one['desiredReplicas']),
    ).toStrictEqual(Array.from({ length: 16 }, () => 3));
  }
});

const time = fc.integer({ min: 1, max: 4_000_000_000_000 }).map((ms) => at((ms - epoch) / 1000));
const size = fc.integer({ min: 0, max: 2_147_483_647 }).map(replicas);
const plain = { noNullPrototype: true } as const;
const safetyMemories: fc.Arbitrary<SafetyMemory> = fc.record(
  {
    since: time,
    targets: fc.dictionary(
      fc.stringMatching(/^[a-z0-9]{1,8}$/),
      fc.record(
        {
          raw: fc.array(fc.record({ at: time, replicas: size }, plain), { maxLength: 5 }),
          specChanges: fc.array(fc.record({ at: time, from: size, to: size }, plain), { maxLength: 5 }),
          lastDecision: fc.record({ at: time, replicas: size }, plain),
          blindSince: time,
          conflictSince: time,
          foreignWrites: fc.array(time, { minLength: 1, maxLength: 2 }),
          unseenWrites: fc.array(fc.record({ at: time, replicas: size }, plain), { minLength: 1, maxLength: 4 }),
          draining: fc.record({ at: time, replicas: size }, plain),
          zeroedAt: time,
        } satisfies Record<keyof TargetSafety, unknown>,
        { requiredKeys: ['raw', 'specChanges'], noNullPrototype: true },
      ),
      { maxKeys: 4, noNullPrototype: true },
    ),
  },
  plain,
);

test('safety memory comes back from a status as it went in', () => {
  fc.assert(
    fc.property(safetyMemories, (safety) => {
      const stored: unknown = JSON.parse(JSON.stringify(statusFor(input({ safety }))));
      expect(parseSafety(stored)).toStrictEqual(safety);
    }),
    { numRuns: 300 },
  );
});

test('memory that somebody spoiled is dropped piece by piece, and never throws', () => {
  const good = { at: epoch, replicas: 3 };
  const memory = {
    since: epoch,
    targets: {
      chat: {
        raw: [good, { at: 'x', replicas: 1 }, { at: epoch, replicas: -1 }, 7],
        specChanges: 'x',
        lastDecision: { at: epoch, replicas: 1.5 },
      },
    },
  };
  expect(parseSafety({ safety: { formatVersion: 1, memory } })).toStrictEqual({
    since: epoch,
    targets: { chat: { raw: [good], specChanges: [] } },
  });
  expect(parseSafety({ safety: { formatVersion: 2, memory } })).toBeUndefined();
  fc.assert(
    fc.property(fc.jsonValue(), (junk) => void parseSafety({ safety: { formatVersion: 1, memory: junk } })),
    { numRuns: 500 },
  );
});

function state(over: Partial<PoolState>): PoolState {
  return { mode: 'Scale', targets: [targetSeen()], decisions: [decision], damps: [], dangling: [], ...over };
}
const hpa = { ref: 'HorizontalPodAutoscaler/h', followsUs: true };

const conditions: Readonly<Record<string, { readonly state: Partial<PoolState>; readonly want: string }>> = {
  'nothing in the way': { state: {}, want: 'ConflictDetected=False NoOtherOwner' },
  'a rival in mode Scale': {
    state: { targets: [targetSeen({ otherOwner: { ...hpa, followsUs: false } })] },
    want: 'ConflictDetected=True OtherOwner',
  },
  'our follower in mode Scale still writes against us': {
    state: { targets: [targetSeen({ otherOwner: hpa })] },
    want: 'ConflictDetected=True OtherOwner',
  },
  'a rival in mode Observe is ignored': {
    state: { mode: 'Observe', targets: [targetSeen({ otherOwner: { ...hpa, followsUs: false } })] },
    want: 'ConflictDetected=False NoOtherOwner',
  },
  'our follower in mode Recommend is wished for': {
    state: { mode: 'Recommend', targets: [targetSeen({ otherOwner: hpa })] },
    want: 'Followed=True Followed',
  },
  'nobody in mode Recommend': { state: { mode: 'Recommend' }, want: 'Followed=False NotFollowed' },
  'a follower that cannot read us': {
    state: { mode: 'Recommend', targets: [targetSeen({ otherOwner: { ...hpa, problem: 'no such API' } })] },
    want: 'Followed=False NotFollowed',
  },
  'a follower with windows': {
    state: { mode: 'Recommend', damps: ['scaleUp.tolerance is 0.1'] },
    want: 'FollowerDamps=True FollowerAddsDelay',
  },
  'an action that failed': { state: { failure: 'PATCH /scale: 500' }, want: 'AbleToScale=False ActionFailed' },
  'a target that is not there': {
    state: { targets: [{ target: 'chat', specChanges: [], replicas: [], eligibleNodes: [], isRollingOut: false }] },
    want: 'Ready=False TargetUnreadable',
  },
  'nothing may be said': { state: { decisions: [] }, want: 'Ready=Unknown Undecided' },
  'a name that leads nowhere': {
    state: {
      dangling: [{ field: 'spec.policyRef.name', seen: '"x"', allowed: 'the name of an existing ScalingPolicy' }],
    },
    want: 'Ready=True ReferenceNotFound',
  },
};
for (const [name, { state: given, want }] of Object.entries(conditions)) {
  test(`the conditions for ${name} have ${want}`, () => {
    expect(conditionsOf(state(given)).map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toContain(want);
  });
}

test('a gap in the metrics names what stood in the way of reading, and a pool that is whole names nothing', () => {
  const report = (status: 'True' | 'False'): PoolReport => ({
    pool: 'team-a/chat',
    at: epoch,
    inputs: {},
    leadTime: { warmSeconds: 1, coldSeconds: 2, warmStarts: 0, coldStarts: 0, usedSeconds: 2, phases: {} },
    targets: [],
    conditions: [{ type: 'MetricsAvailable', status, reason: 'SignalsMissing', message: 'waiting on 1 of 1 replicas' }],
  });
  const said = (given: Partial<PoolState>): string | undefined =>
    conditionsOf(state(given)).find(({ type }) => type === 'MetricsAvailable')?.message;
  const readingProblem = 'chat-1: age of the samples: querying http://prometheus:9090: connect ECONNREFUSED';
  expect(said({ report: report('False'), readingProblem })).toBe(`waiting on 1 of 1 replicas; ${readingProblem}`);
  expect(said({ report: report('True') })).toBe('waiting on 1 of 1 replicas');
});

test('a follower that does not act is named with its own words and whoever serves the metrics', () => {
  const targets = [targetSeen({ otherOwner: { ...hpa, problem: 'FailedGetExternalMetric: no such metric' } })];
  const all = conditionsOf(state({ mode: 'Recommend', targets, metricsOwner: 'Service keda/keda-metrics-apiserver' }));
  expect(all.find(({ type }) => type === 'Followed')?.message).toBe(
    'HorizontalPodAutoscaler/h does not act on target chat: FailedGetExternalMetric: no such metric; external.metrics.k8s.io is served by Service keda/keda-metrics-apiserver',
  );
});
