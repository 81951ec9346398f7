import { describe, expect, test } from 'vitest';
import type { Decision, Recommendation } from '../../../src/core/model/decision.ts';
import { defaultBehavior } from '../../../src/core/model/policy.ts';
import { bytes, replicas, seconds } from '../../../src/core/model/units.ts';
import { settle } from '../../../src/core/settle.ts';
import type { TickOutput } from '../../../src/core/tick.ts';
import {
  at,
  blindTarget,
  fleetMemory,
  node,
  recommendation,
  report,
  settleInput,
  target,
  type TargetGiven,
} from '../../support/settle-builders.ts';

const settled = (pool: Partial<Recommendation>, given: TargetGiven = {}): TickOutput =>
  settle(settleInput({ recommendations: [recommendation({ targets: [target(given)], ...pool })] }));
const only = (output: TickOutput): Decision | undefined => output.decisions[0];

describe('what leaves a pass', () => {
  test('a recommendation in mode Scale becomes one Scale action and a decision with its reason', () => {
    const output = settled({}, { specReplicas: 2, wanted: 4 });
    expect(output.actions).toStrictEqual([{ kind: 'Scale', pool: 'team-a/chat', target: 'chat', from: 2, to: 4 }]);
    expect(only(output)).toMatchObject({ replicas: 4, from: 2, isHeld: false, because: [{ reason: 'DemandMet' }] });
  });
  test('a size that has followed leads to no action', () => {
    const first = settled({}, { specReplicas: 2, wanted: 4 });
    const again = settle(
      settleInput({
        memory: first.memory,
        recommendations: [recommendation({ targets: [target({ specReplicas: 4, wanted: 4 })] })],
      }),
    );
    expect(again.actions).toStrictEqual([]);
  });
  test('mode Recommend decides and writes nothing', () => {
    const output = settled({ mode: 'Recommend' }, { specReplicas: 2, wanted: 4 });
    expect(output.actions).toStrictEqual([]);
    expect(only(output)?.replicas).toBe(4);
  });
  test('mode Observe decides and writes nothing', () => {
    const output = settled({ mode: 'Observe' }, { specReplicas: 2, wanted: 4 });
    expect(output.actions).toStrictEqual([]);
    expect(only(output)?.replicas).toBe(4);
  });
  test('a target that could not be read has no decision, and its memory is kept', () => {
    const memory = fleetMemory({
      targets: {
        chat: {
          raw: [{ at: at(-15), replicas: replicas(7) }],
          specChanges: [],
          lastDecision: { at: at(-15), replicas: replicas(7) },
        },
      },
    });
    const output = settle(
      settleInput({
        memory,
        recommendations: [recommendation({ targets: [blindTarget({ specReplicas: undefined })] })],
      }),
    );
    expect(only(output)).toMatchObject({ isHeld: true, because: [{ reason: 'TargetUnreadable' }] });
    expect(only(output)).not.toHaveProperty('replicas');
    expect(output.actions).toStrictEqual([]);
    expect(output.memory.pools['team-a/chat']?.safety.targets['chat']).toMatchObject({
      raw: [{ replicas: 7 }],
      lastDecision: { replicas: 7 },
    });
  });
  test('before anything was ever known nothing is said', () => {
    const output = settle(
      settleInput({
        recommendations: [recommendation({ mode: 'Recommend', targets: [blindTarget({ specReplicas: 3 })] })],
      }),
    );
    expect(only(output)).not.toHaveProperty('replicas');
    expect(only(output)).toMatchObject({ isHeld: true, from: 3, because: [{ reason: 'AllSignalsMissing' }] });
  });
  test('once something was known a hold is said as the present size', () => {
    const first = settled({ mode: 'Recommend' }, { specReplicas: 3, wanted: 3 });
    const output = settle(
      settleInput({
        now: at(15),
        memory: first.memory,
        recommendations: [
          recommendation({ at: at(15), mode: 'Recommend', targets: [blindTarget({ specReplicas: 3 })] }),
        ],
      }),
    );
    expect(only(output)).toMatchObject({ replicas: 3, isHeld: true });
  });
  test('a reactive raise is said to be one only when it raises', () => {
    expect(only(settled({}, { specReplicas: 2, wanted: 4, isReactiveRaise: true }))?.isReactiveRaise).toBe(true);
    expect(only(settled({}, { specReplicas: 4, wanted: 4, isReactiveRaise: true }))?.isReactiveRaise).toBe(false);
  });
  test('what was learnt and the memory of other pools go through untouched', () => {
    const memory = fleetMemory({}, ['team-a/chat', 'team-z/elsewhere']);
    const output = settle(settleInput({ memory }));
    expect(output.memory.pools['team-z/elsewhere']).toBe(memory.pools['team-z/elsewhere']);
    expect(output.memory.pools['team-a/chat']?.learned).toBe(memory.pools['team-a/chat']?.learned);
  });
  test('a pool that memory does not know begins to be remembered', () => {
    const output = settle(
      settleInput({
        memory: { pools: {}, assignments: {} },
        recommendations: [recommendation({ targets: [target({ specReplicas: 6, wanted: 2 })] })],
      }),
    );
    expect(only(output)).toMatchObject({ replicas: 6, because: [{ reason: 'WarmingUp' }, {}] });
    expect(output.memory.pools['team-a/chat']?.safety.since).toBe(at(0));
  });
  test('a target that is gone is forgotten', () => {
    const memory = fleetMemory({ targets: { old: { raw: [], specChanges: [] } } });
    expect(
      Object.keys(settle(settleInput({ memory })).memory.pools['team-a/chat']?.safety.targets ?? {}),
    ).toStrictEqual(['chat']);
  });
  test('the whole output survives JSON', () => {
    const output = settled(
      { fallback: { replicas: replicas(2), afterSeconds: seconds(60) } },
      { specReplicas: 2, wanted: 9 },
    );
    expect(JSON.parse(JSON.stringify(output))).toStrictEqual(output);
  });
});

describe('several targets', () => {
  test('are decided each by its own bounds, with one reason each', () => {
    const output = settled({
      targets: [
        target({ target: 'a', specReplicas: 2, wanted: 9, maxReplicas: 3 }),
        target({ target: 'b', specReplicas: 2, wanted: 3 }),
      ],
    });
    expect(
      output.decisions.map(({ target: name, replicas: n, because }) => [name, n, because[0]?.reason]),
    ).toStrictEqual([
      ['a', 3, 'AtMaximum'],
      ['b', 3, 'DemandMet'],
    ]);
    expect(output.actions.map((action) => ('target' in action ? action.target : ''))).toStrictEqual(['a', 'b']);
  });
});

describe('a person', () => {
  test('who orders a size has it until the time is up, within the bounds', () => {
    const override = { replicas: replicas(20), until: at(60) };
    expect(only(settled({ override }, { specReplicas: 8, wanted: 2 }))).toMatchObject({
      replicas: 10,
      because: [{ reason: 'AtMaximum' }, { reason: 'Overridden' }, {}],
    });
    const over = settle(
      settleInput({
        now: at(60),
        recommendations: [recommendation({ at: at(60), override, targets: [target({ specReplicas: 8, wanted: 8 })] })],
      }),
    );
    expect(only(over)?.because[0]?.reason).toBe('DemandMet');
  });
  test('who orders a size has it also while nothing is known', () => {
    const output = settle(
      settleInput({
        recommendations: [
          recommendation({
            override: { replicas: replicas(4), until: at(60) },
            targets: [blindTarget({ specReplicas: 2 })],
          }),
        ],
      }),
    );
    expect(only(output)).toMatchObject({
      replicas: 4,
      because: [{ reason: 'Overridden' }, { reason: 'AllSignalsMissing' }],
    });
  });
  test('who pauses stops every action, copies included', () => {
    const warmth = {
      mode: 'Act' as const,
      floorCopies: 1,
      artifact: { hash: 'abcdefabcdef', name: 'x', bytes: bytes(1) },
    };
    const given = {
      recommendations: [
        recommendation({ warmth, targets: [target({ specReplicas: 2, wanted: 4, eligibleNodes: ['a'] })] }),
      ],
      fleet: { nodes: [node('a')] },
    };
    expect(settle(settleInput(given)).actions.map(({ kind }) => kind)).toStrictEqual(['Scale', 'Assign']);
    const paused = given.recommendations.map((one) => ({ ...one, paused: true }));
    expect(settle(settleInput({ ...given, recommendations: paused })).actions).toStrictEqual([]);
  });
});

describe('the report', () => {
  const conditionsOf = (output: TickOutput, type: string): unknown =>
    output.reports[0]?.conditions.find((condition) => condition.type === type);
  test('is completed with what was decided and why', () => {
    const output = settled({}, { specReplicas: 2, wanted: 12 });
    expect(output.reports[0]?.targets[0]).toMatchObject({
      decided: 6,
      because: [{ reason: 'RateLimited' }, { reason: 'AtMaximum' }, { reason: 'DemandMet' }],
    });
  });
  test('says that a bound or a rate limits the pool', () => {
    expect(conditionsOf(settled({}, { specReplicas: 2, wanted: 12 }), 'ScalingLimited')).toMatchObject({
      status: 'True',
      reason: 'RateLimited',
    });
    expect(conditionsOf(settled({}, { specReplicas: 2, wanted: 2 }), 'ScalingLimited')).toMatchObject({
      status: 'False',
      reason: 'DesiredWithinRange',
    });
  });
  test('says why the pool cannot be scaled', () => {
    expect(conditionsOf(settled({ paused: true }), 'AbleToScale')).toMatchObject({ status: 'False', reason: 'Paused' });
    expect(conditionsOf(settled({}), 'AbleToScale')).toMatchObject({ status: 'True' });
  });
  test('names the target where there are several', () => {
    const output = settled({
      targets: [target({ target: 'a', specReplicas: 2, wanted: 9, maxReplicas: 3 }), target({ target: 'b' })],
    });
    expect(conditionsOf(output, 'ScalingLimited')).toMatchObject({ message: expect.stringMatching(/^a: /) });
  });
  test('keeps a condition that was set against the pool before', () => {
    const quota = {
      type: 'ScalingLimited',
      status: 'True',
      reason: 'QuotaExceeded',
      message: '4 of 10 created',
    } as const;
    const output = settle(settleInput({ reports: [{ ...report(), conditions: [quota] }] }));
    expect(output.reports[0]?.conditions.filter(({ type }) => type === 'ScalingLimited')).toStrictEqual([quota]);
  });
  test('shows the copies that are wanted, in mode Plan too', () => {
    const warmth = {
      mode: 'Plan' as const,
      floorCopies: 1,
      artifact: { hash: 'abcdefabcdef', name: 'team-a/chat@1', bytes: bytes(1) },
    };
    const output = settle(
      settleInput({
        recommendations: [recommendation({ warmth, targets: [target({ eligibleNodes: ['a'] })] })],
        fleet: { nodes: [node('a')] },
      }),
    );
    expect(output.reports[0]?.warmth).toMatchObject({ artifact: 'team-a/chat@1', wanted: 1, warming: ['a'] });
    expect(conditionsOf(output, 'Warm')).toMatchObject({ status: 'False', reason: 'CopiesMissing' });
    expect(output.actions).toStrictEqual([]);
  });
  test('stays small with the longest reasons', () => {
    const because = Array.from({ length: 30 }, () => ({ reason: 'DemandMet' as const, message: 'x'.repeat(200) }));
    const output = settled({ behavior: defaultBehavior }, { specReplicas: 2, wanted: 12, because });
    expect(output.decisions[0]?.because.length).toBe(6);
    expect(settled({}, { because }).decisions[0]?.because.length).toBe(6);
  });
});
