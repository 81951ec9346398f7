import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Decision, Recommendation } from '../../../src/core/model/decision.ts';
import type { FleetMemory } from '../../../src/core/model/memory.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { settle, settleBy, settleRules } from '../../../src/core/settle.ts';
import { emptyMemory, tick } from '../../../src/core/tick.ts';
import { poolPolicy, poolSeen, replicasSeen, targetSeen } from '../../support/builders.ts';
import { fleetLaws, fleetWorlds } from '../../support/fleet-laws.ts';
import { counterexample, runs } from '../../support/properties.ts';
import { at, fleetMemory, recommendation, settleInput, target } from '../../support/settle-builders.ts';

describe('I15: what is thrown in one pool', () => {
  const broken: Recommendation = {
    ...recommendation({ pool: 'team-a/broken', targets: [target({ specReplicas: 3, wanted: 9 })] }),
    get behavior(): never {
      throw new Error('this pool cannot be decided');
    },
  };
  const sound = recommendation({ pool: 'team-b/sound', targets: [target({ specReplicas: 2, wanted: 4 })] });

  test('holds that pool with its reason and leaves the others as they would be alone', () => {
    const output = settle(settleInput({ recommendations: [broken, sound] }));
    const alone = settle(settleInput({ recommendations: [sound] }));
    expect(output.decisions[0]).toMatchObject({
      pool: 'team-a/broken',
      replicas: 3,
      isHeld: true,
      because: [{ reason: 'DecisionFailed' }],
    });
    expect(output.decisions[0]?.because[0]?.message).toContain('this pool cannot be decided');
    expect(output.decisions.slice(1)).toStrictEqual(alone.decisions);
    expect(output.actions).toStrictEqual(alone.actions);
  });

  test('is held also when it is thrown before anything was proposed', () => {
    const sick = {
      ...poolSeen({ pool: 'team-a/sick', targets: [targetSeen({ replicas: replicasSeen(3) })] }),
      get floors(): never {
        throw new Error('its schedule cannot be read');
      },
    };
    const well = poolSeen({ pool: 'team-b/well', targets: [targetSeen({ replicas: replicasSeen(2) })] });
    const policy = poolPolicy();
    const output = tick(emptyMemory, {
      now: at(0),
      pools: [
        { seen: sick, policy },
        { seen: well, policy },
      ],
      fleet: { nodes: [] },
    });
    expect(output.decisions[0]).toMatchObject({
      pool: 'team-a/sick',
      replicas: 3,
      because: [{ reason: 'DecisionFailed' }],
    });
    expect(output.decisions[0]?.because[0]?.message).toContain('its schedule cannot be read');
    expect(output.reports.map(({ pool }) => pool)).toStrictEqual(['team-a/sick', 'team-b/well']);
    expect(output.decisions[1]?.because[0]?.reason).not.toBe('DecisionFailed');
  });

  test('while copies are planned costs no pool its decision, keeps every copy and is said', () => {
    const unplannable: Recommendation = {
      ...sound,
      get warmth(): never {
        throw new Error('no plan for this one');
      },
    };
    const memory = { ...fleetMemory({}, ['team-b/sound']), assignments: { 'n1/abcdefabcdef': at(-9000) } };
    const output = settle(settleInput({ memory, recommendations: [unplannable] }));
    expect(output.decisions[0]?.replicas).toBe(4);
    expect(output.memory.assignments).toStrictEqual(memory.assignments);
    const warm = output.reports[0]?.conditions.find(({ type }) => type === 'Warm');
    expect(warm).toMatchObject({
      status: 'Unknown',
      reason: 'DecisionFailed',
      message: expect.stringContaining('no plan for this one'),
    });
  });

  test('says so in its conditions', () => {
    const { reports } = settle(settleInput({ recommendations: [broken, sound] }));
    expect(reports[0]?.conditions).toContainEqual(
      expect.objectContaining({ type: 'AbleToScale', status: 'False', reason: 'DecisionFailed' }),
    );
    expect(reports[1]?.conditions).toContainEqual(expect.objectContaining({ type: 'AbleToScale', status: 'True' }));
  });
});

const lowered = ({ from, replicas: out }: Decision): number => Math.max(0, (from ?? 0) - (out ?? from ?? 0));

describe('I8: when several pools shrink', () => {
  const shrink = (pool: string, from: number, to: number, more: Partial<Recommendation> = {}): Recommendation =>
    recommendation({ pool, targets: [target({ specReplicas: from, wanted: to, maxReplicas: 100 })], ...more });
  const total = (recommendations: readonly Recommendation[], rules = settleRules, memory?: FleetMemory): number => {
    const { decisions } = settleBy(
      settleInput({ recommendations, ...(memory === undefined ? {} : { memory }) }),
      rules,
    );
    return decisions.reduce((sum, decision) => sum + lowered(decision), 0);
  };
  const three = [shrink('x/1', 30, 10), shrink('x/2', 20, 10), shrink('x/3', 10, 5)];

  test('together they give back a fifth of the managed GPUs, round by round', () => {
    const { decisions } = settle(settleInput({ recommendations: three }));
    expect(decisions.map((decision) => decision.replicas)).toStrictEqual([26, 16, 6]);
    expect(decisions[0]?.because[0]?.reason).toBe('RateLimited');
  });
  test('without the rule they give back everything at once', () => {
    expect(total(three, { ...settleRules, fleet: [] })).toBe(35);
  });
  test('each may give back one where a fifth is less', () => {
    expect(total([shrink('x/1', 2, 1), shrink('x/2', 2, 1), shrink('x/3', 2, 1)])).toBe(3);
  });
  test('one alone is bounded by its behavior only', () => {
    expect(total([shrink('x/1', 30, 10), shrink('x/2', 20, 20)])).toBe(20);
  });
  test('what was given back in the last ten minutes counts', () => {
    const changes = [{ at: at(-300), from: replicas(35), to: replicas(20) }];
    const memory = fleetMemory({ targets: { chat: { raw: [], specChanges: changes } } }, ['x/1', 'x/2']);
    expect(total([shrink('x/1', 20, 10), shrink('x/2', 20, 10)], settleRules, memory)).toBe(0);
  });
  test('a pool that only observes neither counts nor is counted', () => {
    expect(total([shrink('x/1', 30, 10), shrink('x/2', 20, 10, { mode: 'Observe' })])).toBe(30);
  });
});

describe.each(fleetLaws)('$invariant: $states', ({ holds, broken }) => {
  test('in any fleet', () => {
    const law = fc.property(fleetWorlds, (world) => holds(world, settleRules));
    expect(counterexample(law, runs(21))).toBeUndefined();
  });
  test('not with a broken guard', () => {
    const law = fc.property(fleetWorlds, (world) => holds(world, broken));
    expect(fc.check(law, { ...runs(21), endOnFailure: true }).failed).toBe(true);
  });
});
