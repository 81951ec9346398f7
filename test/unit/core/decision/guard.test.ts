import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { guardRules } from '../../../../src/core/decision/guard.ts';
import type { Decision, Recommendation } from '../../../../src/core/model/decision.ts';
import type { SafetyMemory, TargetSafety } from '../../../../src/core/model/memory.ts';
import { defaultBehavior } from '../../../../src/core/model/policy.ts';
import { replicas, seconds } from '../../../../src/core/model/units.ts';
import { settleBy, settleRules } from '../../../../src/core/settle.ts';
import { at, blindTarget, fleetMemory, recommendation, settleInput, target } from '../../../support/settle-builders.ts';

interface Scene {
  readonly given: Partial<Recommendation>;
  readonly safety?: Partial<TargetSafety>;
  readonly since?: SafetyMemory['since'];
  readonly want: number;
  /** What comes out when the rule is taken away. */
  readonly without: number;
}
const targets = (...given: Parameters<typeof target>): Pick<Recommendation, 'targets'> => ({
  targets: [target(...given)],
});
const safetyOf = (given: Partial<TargetSafety>): TargetSafety => ({ raw: [], specChanges: [], ...given });
const raw = (secondsAgo: number, n: number): TargetSafety['raw'][number] => ({
  at: at(-secondsAgo),
  replicas: replicas(n),
});
const change = (secondsAgo: number, from: number, to: number): TargetSafety['specChanges'][number] => ({
  at: at(-secondsAgo),
  from: replicas(from),
  to: replicas(to),
});
const seenIdle = { allowsDecrease: true, isAnythingKnown: true, showsIdle: true } as const;
const partly = { allowsDecrease: false, isAnythingKnown: true, showsIdle: false } as const;

/** One scene a rule: it decides `want` with the rule and `without` when only that rule is missing. */
const scenes: Readonly<Record<string, Scene>> = {
  whole: { given: targets({ specReplicas: 8, wanted: Number.NaN }), want: 8, without: 1 },
  stable: { given: targets({ specReplicas: 6, wanted: 3 }), safety: { raw: [raw(100, 5)] }, want: 5, without: 3 },
  warmedUp: { given: targets({ specReplicas: 6, wanted: 3 }), since: at(-299), want: 6, without: 3 },
  evident: { given: targets({ specReplicas: 6, wanted: 3, evidence: partly }), want: 6, without: 3 },
  blind: { given: { targets: [blindTarget({ specReplicas: 4, wanted: 7 })] }, want: 4, without: 7 },
  fallback: {
    given: {
      targets: [blindTarget({ specReplicas: 2 })],
      fallback: { replicas: replicas(5), afterSeconds: seconds(180) },
    },
    safety: { blindSince: at(-180), lastDecision: { at: at(-15), replicas: replicas(2) } },
    want: 5,
    without: 2,
  },
  undisputed: {
    given: targets({ specReplicas: 6, wanted: 3 }),
    safety: { foreignWrites: [at(-200), at(-100)], specChanges: [change(100, 8, 6)] },
    want: 6,
    without: 3,
  },
  idle: { given: targets({ specReplicas: 2, wanted: 0, minReplicas: 0 }), want: 1, without: 0 },
  overridden: {
    given: { ...targets({ specReplicas: 2, wanted: 2 }), override: { replicas: replicas(5), until: at(60) } },
    want: 5,
    without: 2,
  },
  floor: { given: targets({ specReplicas: 2, wanted: 2, floor: 4 }), want: 4, without: 2 },
  maximum: { given: targets({ specReplicas: 8, wanted: 12, maxReplicas: 10 }), want: 10, without: 12 },
  minimum: { given: targets({ specReplicas: 3, wanted: 1, minReplicas: 3 }), want: 3, without: 1 },
  rate: { given: targets({ specReplicas: 2, wanted: 9 }), want: 6, without: 9 },
  disabled: {
    given: targets({ specReplicas: 0, wanted: 3 }),
    safety: { specChanges: [change(4000, 3, 0)] },
    want: 0,
    without: 3,
  },
  unshared: {
    given: targets({
      specReplicas: 2,
      wanted: 4,
      otherOwner: { ref: 'HorizontalPodAutoscaler/chat', followsUs: false },
    }),
    want: 2,
    without: 4,
  },
  paused: { given: { ...targets({ specReplicas: 2, wanted: 4 }), paused: true }, want: 2, without: 4 },
  failed: {
    given: {
      ...targets({ specReplicas: 2, wanted: 4 }),
      failure: { reason: 'DecisionFailed', message: 'Deciding failed, held: thrown' },
    },
    want: 2,
    without: 4,
  },
};

function decide(scene: Scene, rules = guardRules): Decision | undefined {
  const memory = fleetMemory({
    ...(scene.since === undefined ? {} : { since: scene.since }),
    targets: { chat: safetyOf(scene.safety ?? {}) },
  });
  const input = settleInput({ recommendations: [recommendation(scene.given)], memory });
  return settleBy(input, { ...settleRules, target: rules }).decisions[0];
}

describe('each rule of the guard', () => {
  test('has a scene of its own', () => {
    expect(Object.keys(scenes)).toStrictEqual(guardRules.map(({ name }) => name));
  });

  test('stands in docs/invariants.md, in the order in which it is applied', async () => {
    const page = await readFile(new URL('../../../../docs/invariants.md', import.meta.url), 'utf8');
    const order = page.slice(page.indexOf('## Order of the rules')).split('\n\n')[1] ?? '';
    const names = [...order.slice(0, order.indexOf(';')).matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(names).toStrictEqual(guardRules.map(({ name }) => name));
    for (const { name, invariant, reason } of guardRules) {
      expect(page).toMatch(new RegExp(`\\| ${invariant} \\|.*\`${name}\`.*${reason}`));
    }
  });

  for (const rule of guardRules) {
    const scene = scenes[rule.name];
    if (scene === undefined) continue;
    test(`${rule.name} (${rule.invariant}) decides its scene and gives its reason`, () => {
      const decision = decide(scene);
      expect(decision?.replicas).toBe(scene.want);
      expect(decision?.because[0]?.reason).toBe(rule.reason);
      expect(decision?.because[0]?.message).toMatch(/^[^\n]{10,200}$/);
    });
    test(`${rule.name} taken out of the list changes its scene`, () => {
      const decision = decide(
        scene,
        guardRules.filter(({ name }) => name !== rule.name),
      );
      expect(decision?.replicas).toBe(scene.without);
      expect(decision?.because).not.toStrictEqual(decide(scene)?.because);
    });
  }
});

interface Pass {
  readonly seconds: number;
  readonly given: Partial<Recommendation>;
}
/** Folds passes through one memory, as a controller would. */
function fold(passes: readonly Pass[], since = at(-3600)): readonly (Decision | undefined)[] {
  let memory = fleetMemory({ since });
  return passes.map(({ seconds: s, given }) => {
    const output = settleBy(
      settleInput({ recommendations: [recommendation({ at: at(s), ...given })], memory, now: at(s) }),
      settleRules,
    );
    memory = output.memory;
    return output.decisions[0];
  });
}
const every15s = (until: number): readonly number[] => Array.from({ length: until / 15 + 1 }, (_, i) => i * 15);

describe('a stabilisation window that must not feed on itself (DEC-01)', () => {
  test('holds 20 until the raw 20 has left the window and then decides 4', () => {
    const passes = every15s(345).map((s) => ({
      seconds: s,
      given: targets({ specReplicas: 20, wanted: s === 0 ? 20 : 4, maxReplicas: 30 }),
    }));
    const decided = fold(passes).map((decision) => decision?.replicas);
    const first = decided.indexOf(replicas(4));
    expect(decided.slice(0, first).every((n) => n === 20)).toBe(true);
    expect(first * 15).toBeGreaterThanOrEqual(300);
    expect(first * 15).toBeLessThanOrEqual(315);
    expect(decided.slice(first).every((n) => n === 4)).toBe(true);
  });

  test('does so also when the history comes back from a stored status', () => {
    const first = settleBy(
      settleInput({ recommendations: [recommendation(targets({ specReplicas: 20, wanted: 20, maxReplicas: 30 }))] }),
      settleRules,
    );
    const stored = JSON.parse(JSON.stringify(first.memory)) as typeof first.memory;
    const later = (s: number): number | undefined =>
      settleBy(
        settleInput({
          memory: stored,
          now: at(s),
          recommendations: [
            recommendation({ at: at(s), ...targets({ specReplicas: 20, wanted: 4, maxReplicas: 30 }) }),
          ],
        }),
        settleRules,
      ).decisions[0]?.replicas;
    expect(later(299)).toBe(20);
    expect(later(300)).toBe(4);
  });
});

describe('no data must not lift the floor (DEC-04): every signal is missing from the first pass', () => {
  const fallback = { replicas: replicas(2), afterSeconds: seconds(180) };
  test('a a raised minimum holds at the next pass', () => {
    const [first, second] = fold([
      { seconds: 0, given: { targets: [blindTarget({ specReplicas: 1, minReplicas: 1 })] } },
      { seconds: 15, given: { targets: [blindTarget({ specReplicas: 1, minReplicas: 3 })] } },
    ]);
    expect(first?.replicas).toBeUndefined();
    expect(second).toMatchObject({ replicas: 3, because: [{ reason: 'AtMinimum' }, { reason: 'AllSignalsMissing' }] });
  });

  test('b a target at zero is lifted to its minimum', () => {
    const [first] = fold([{ seconds: 0, given: { targets: [blindTarget({ specReplicas: 0, minReplicas: 1 })] } }]);
    expect(first?.replicas).toBe(1);
  });

  test('c a target above its maximum goes down as fast as the rate allows', () => {
    const slow = {
      ...defaultBehavior,
      scaleDown: { ...defaultBehavior.scaleDown, policies: [{ type: 'Pods' as const, value: 3, periodSeconds: 60 }] },
    };
    const at12 = { targets: [blindTarget({ specReplicas: 12, maxReplicas: 8 })] };
    expect(fold([{ seconds: 0, given: at12 }])[0]).toMatchObject({
      replicas: 8,
      because: [{ reason: 'AtMaximum' }, {}],
    });
    const decided = fold([
      { seconds: 0, given: { ...at12, behavior: slow } },
      { seconds: 15, given: { targets: [blindTarget({ specReplicas: 9, maxReplicas: 8 })], behavior: slow } },
      { seconds: 75, given: { targets: [blindTarget({ specReplicas: 9, maxReplicas: 8 })], behavior: slow } },
    ]);
    expect(decided.map((decision) => decision?.replicas)).toStrictEqual([9, 9, 8]);
  });

  test('d a paused target is left alone', () => {
    const output = settleBy(
      settleInput({
        recommendations: [
          recommendation({ paused: true, targets: [blindTarget({ specReplicas: 1, minReplicas: 3 })] }),
        ],
      }),
      settleRules,
    );
    expect(output.actions).toStrictEqual([]);
    expect(output.decisions[0]).toMatchObject({ replicas: 1, because: [{ reason: 'Paused' }, {}, {}] });
  });

  test('e a target at zero gets its fallback exactly when the time is up', () => {
    const given = { targets: [blindTarget({ specReplicas: 0, minReplicas: 0 })], fallback };
    const decided = fold([0, 90, 179, 180].map((s) => ({ seconds: s, given })));
    expect(decided.map((decision) => decision?.replicas)).toStrictEqual([undefined, undefined, undefined, 2]);
    expect(decided[3]?.because[0]?.reason).toBe('FallbackReplicas');
  });
});

describe('fallback', () => {
  const given = (spec: number): Partial<Recommendation> => ({
    targets: [blindTarget({ specReplicas: spec })],
    fallback: { replicas: replicas(4), afterSeconds: seconds(60) },
  });
  test('never lowers a target that is larger', () => {
    const decided = fold([
      { seconds: 0, given: given(7) },
      { seconds: 60, given: given(7) },
    ]);
    expect(decided[1]?.replicas ?? 7).toBe(7);
  });
  test('begins anew after a signal came back', () => {
    const back = { seconds: 30, given: targets({ specReplicas: 2, wanted: 2 }) };
    const decided = fold([
      { seconds: 0, given: given(2) },
      back,
      { seconds: 45, given: given(2) },
      { seconds: 90, given: given(2) },
      { seconds: 105, given: given(2) },
    ]);
    expect(decided.map((decision) => decision?.replicas)).toStrictEqual([undefined, 2, 2, 2, 4]);
  });
});

describe('a target at zero', () => {
  const lifted = targets({ specReplicas: 0, wanted: 3, minReplicas: 0 });
  test('that we put there wakes as soon as something is wanted', () => {
    const idle = targets({ specReplicas: 1, wanted: 0, minReplicas: 0, evidence: seenIdle });
    const asleep = targets({
      specReplicas: 0,
      wanted: 0,
      minReplicas: 0,
      specChanges: [change(-5, 1, 0)],
      evidence: seenIdle,
    });
    const decided = fold([
      { seconds: 0, given: idle },
      { seconds: 15, given: asleep },
      { seconds: 4000, given: asleep },
      { seconds: 4015, given: lifted },
    ]);
    expect(decided.map((decision) => decision?.replicas)).toStrictEqual([0, 0, 0, 3]);
  });

  test('that a person put there stays, however long ago, until replicas are given', () => {
    const taken = targets({ specReplicas: 0, wanted: 3, specChanges: [change(-5, 2, 0)] });
    const decided = fold([
      { seconds: 0, given: targets({ specReplicas: 2, wanted: 3 }) },
      { seconds: 15, given: taken },
      { seconds: 9000, given: targets({ specReplicas: 0, wanted: 3 }) },
      { seconds: 9015, given: targets({ specReplicas: 1, wanted: 3, specChanges: [change(-9010, 0, 1)] }) },
    ]);
    expect(decided.map((decision) => decision?.replicas)).toStrictEqual([3, 0, 0, 3]);
    expect(decided[2]?.because[0]?.reason).toBe('ScalingDisabled');
  });

  test('wakes by one even where only percentages are allowed', () => {
    const percent = {
      ...defaultBehavior,
      scaleUp: { ...defaultBehavior.scaleUp, policies: [{ type: 'Percent' as const, value: 100, periodSeconds: 15 }] },
    };
    expect(fold([{ seconds: 0, given: { ...lifted, behavior: percent } }])[0]?.replicas).toBe(1);
  });
});

describe('another owner of replicas', () => {
  const owner = { ref: 'ScaledObject/chat', followsUs: false };
  test('is refused until ten quiet minutes have passed', () => {
    const shared = targets({ specReplicas: 2, wanted: 4, otherOwner: owner });
    const alone = targets({ specReplicas: 2, wanted: 4 });
    const decided = fold([
      { seconds: 0, given: shared },
      { seconds: 15, given: alone },
      { seconds: 599, given: alone },
      { seconds: 600, given: alone },
    ]);
    expect(decided.map((decision) => decision?.replicas)).toStrictEqual([2, 2, 2, 4]);
    expect(decided[0]?.because[0]).toMatchObject({
      reason: 'ConflictDetected',
      message: expect.stringContaining('ScaledObject/chat'),
    });
  });

  test('is expected in mode Recommend and ignored in mode Observe', () => {
    for (const mode of ['Recommend', 'Observe'] as const) {
      const output = settleBy(
        settleInput({
          recommendations: [recommendation({ mode, ...targets({ specReplicas: 2, wanted: 4, otherOwner: owner }) })],
        }),
        settleRules,
      );
      expect(output.decisions[0]?.replicas).toBe(4);
      expect(output.actions).toStrictEqual([]);
    }
  });

  test('who writes twice within five minutes stops lowering for ten minutes, never raising', () => {
    const spec = (
      specReplicas: number,
      wanted: number,
      ...changes: TargetSafety['specChanges']
    ): Partial<Recommendation> => targets({ specReplicas, wanted, specChanges: changes });
    const passes: readonly Pass[] = [
      { seconds: 0, given: spec(4, 4) },
      { seconds: 15, given: spec(7, 4, change(-10, 4, 7)) },
      { seconds: 30, given: spec(8, 4, change(-25, 7, 8)) },
      { seconds: 330, given: spec(8, 4) },
      { seconds: 345, given: spec(8, 10) },
      { seconds: 700, given: spec(8, 4) },
    ];
    const decided = fold(passes, at(-3600));
    expect(decided.map((decision) => decision?.replicas)).toStrictEqual([4, 4, 8, 8, 10, 4]);
    expect(decided[2]?.because[0]?.reason).toBe('ConflictDetected');
  });
});
