import fc from 'fast-check';
import { expect, test } from 'vitest';
import { guardRules } from '../../../src/core/decision/guard.ts';
import type { Recommendation } from '../../../src/core/model/decision.ts';
import type { TargetSafety } from '../../../src/core/model/memory.ts';
import { defaultBehavior } from '../../../src/core/model/policy.ts';
import { type Replicas, replicas, seconds } from '../../../src/core/model/units.ts';
import { settle } from '../../../src/core/settle.ts';
import type { TickOutput } from '../../../src/core/tick.ts';
import { behavior as behaviors, change, size } from '../../support/arbitraries.ts';
import { counterexample, runs } from '../../support/properties.ts';
import {
  at,
  blindEvidence,
  fleetMemory,
  recommendation,
  settleInput,
  target,
  type TargetGiven,
} from '../../support/settle-builders.ts';

/** docs/invariants.md names each of these with its rule. */

interface World {
  readonly given: TargetGiven;
  readonly pool: Partial<Recommendation>;
  readonly safety: TargetSafety;
  readonly sinceSeconds: number;
}
const bounds = fc.tuple(size, size).map(([a, b]) => ({ minReplicas: Math.min(a, b), maxReplicas: Math.max(a, b, 1) }));
const evidences = fc.record({ allowsDecrease: fc.boolean(), isAnythingKnown: fc.boolean(), showsIdle: fc.boolean() });
const optional = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
const raws = fc
  .uniqueArray(fc.record({ at: fc.integer({ min: -700, max: -1 }).map(at), replicas: size.map(replicas) }), {
    selector: (raw) => raw.at,
    maxLength: 6,
  })
  .map((list) => list.toSorted((a, b) => a.at - b.at));
const chains = fc.array(change, { maxLength: 4 }).map((list) => list.toSorted((a, b) => a.at - b.at));
const safeties: fc.Arbitrary<TargetSafety> = fc
  .record({
    raw: raws,
    specChanges: chains,
    lastDecision: optional(fc.record({ at: fc.constant(at(-15)), replicas: size.map(replicas) })),
    blindSince: optional(fc.integer({ min: -900, max: -1 }).map(at)),
    zeroedAt: optional(fc.constant(at(-900))),
  })
  .map((safety) => present(safety));
const worlds: fc.Arbitrary<World> = fc.record({
  given: fc
    .record({ bounds, specReplicas: size, wanted: optional(size), evidence: evidences, floor: optional(size) })
    .map(({ bounds: both, ...rest }) => ({ ...both, ...rest })),
  pool: fc
    .record({
      behavior: behaviors,
      fallback: optional(
        fc.record({ replicas: size.map(replicas), afterSeconds: fc.integer({ min: 1, max: 900 }).map(seconds) }),
      ),
    })
    .map((pool) => present(pool)),
  safety: safeties,
  sinceSeconds: fc.constantFrom(-3600, -100, 0),
});

/** Leaves out what is `undefined`: absent is absent. */
function present<T extends object>(given: T): { readonly [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function run({ given, pool, safety, sinceSeconds }: World, more: Partial<Recommendation> = {}): TickOutput {
  const memory = fleetMemory({ since: at(sinceSeconds), targets: { chat: safety } });
  return settle(
    settleInput({ memory, recommendations: [recommendation({ targets: [target(given)], ...pool, ...more })] }),
  );
}
/** What is decided; nothing said is a hold. */
const decided = (world: World, more: Partial<Recommendation> = {}): number =>
  run(world, more).decisions[0]?.replicas ?? world.given.specReplicas ?? 0;

test('I1: out of bounds only ever moves towards them, and inside them stays inside', () => {
  expect(
    counterexample(
      fc.property(worlds, (world) => {
        const out = decided(world);
        const { specReplicas: spec = 0, minReplicas: min = 0, maxReplicas: max = 0 } = world.given;
        const isNoFurtherOut = out >= Math.min(spec, min) && out <= Math.max(spec, max);
        return isNoFurtherOut && (spec <= max || out <= spec) && (spec >= min || out >= spec);
      }),
      runs(11),
    ),
  ).toBeUndefined();
});

test('I2: without enough fresh signals nothing is lowered, save towards a maximum that lies below', () => {
  expect(
    counterexample(
      fc.property(worlds, (world) => {
        const blind = { ...world, given: { ...world.given, evidence: { ...blindEvidence, isAnythingKnown: true } } };
        const { specReplicas: spec = 0, maxReplicas: max = 0 } = world.given;
        expect(decided(blind)).toBeGreaterThanOrEqual(Math.min(spec, max));
      }),
      runs(12),
    ),
  ).toBeUndefined();
});

test('I3: with nothing known the size holds until the fallback is due, and the fallback never lowers', () => {
  expect(
    counterexample(
      fc.property(worlds, (world) => {
        const blind = { ...world, given: { ...world.given, evidence: blindEvidence, floor: undefined } };
        const { specReplicas: spec = 0, minReplicas: min = 0, maxReplicas: max = 0 } = world.given;
        const out = decided(blind);
        const blindFor = world.safety.blindSince === undefined ? 0 : -(world.safety.blindSince - at(0)) / 1000;
        const { fallback } = world.pool;
        const isDue = fallback !== undefined && blindFor >= fallback.afterSeconds;
        const isInside = spec >= min && spec <= max;
        return isDue ? out >= Math.min(spec, max) : !isInside || out === spec;
      }),
      runs(13),
    ),
  ).toBeUndefined();
});

test('I4: never more than the rate policies allow over the observed changes', () => {
  expect(
    counterexample(
      fc.property(worlds, fc.integer({ min: 1, max: 20 }), (world, pods) => {
        const rules = {
          ...defaultBehavior.scaleUp,
          policies: [{ type: 'Pods' as const, value: pods, periodSeconds: 300 }],
        };
        const output = run(world, {
          behavior: { scaleUp: rules, scaleDown: { ...rules, stabilizationWindowSeconds: 0 } },
        });
        const spec = world.given.specReplicas ?? 0;
        const kept = output.memory.pools['team-a/chat']?.safety.targets['chat']?.specChanges ?? [];
        const net = kept.filter((one) => one.at > at(-300)).reduce((sum, { from, to }) => sum + to - from, 0);
        const out = output.decisions[0]?.replicas ?? spec;
        const allowedUp = spec === 0 ? Math.max(1, spec - net + pods) : spec - net + pods;
        expect(out).toBeLessThanOrEqual(Math.max(spec, allowedUp));
        expect(out).toBeGreaterThanOrEqual(Math.min(spec, spec - net - pods));
      }),
      runs(14),
    ),
  ).toBeUndefined();
});

test('I5: nothing is lowered below a raw recommendation inside the down window', () => {
  expect(
    counterexample(
      fc.property(worlds, (world) => {
        const out = decided(world);
        const { specReplicas: spec = 0, maxReplicas: max = 0 } = world.given;
        const window = (world.pool.behavior ?? defaultBehavior).scaleDown.stabilizationWindowSeconds;
        const young = world.safety.raw.filter((raw) => raw.at > at(-window)).map((raw) => Number(raw.replicas));
        return out >= Math.min(spec, max) || out >= Math.min(max, Math.max(0, ...young));
      }),
      runs(15),
    ),
  ).toBeUndefined();
});

test('I7: paused means no action of any kind, and only mode Scale writes a size', () => {
  expect(
    counterexample(
      fc.property(worlds, fc.constantFrom('Observe' as const, 'Recommend' as const), (world, mode) => {
        expect(run(world, { paused: true }).actions).toStrictEqual([]);
        expect(run(world, { mode }).actions.filter(({ kind }) => kind === 'Scale')).toStrictEqual([]);
      }),
      runs(16),
    ),
  ).toBeUndefined();
});

test('I9: wanting more never decides fewer, and a higher history never does either', () => {
  expect(
    counterexample(
      fc.property(worlds, size, (world, more) => {
        const wanted = world.given.wanted ?? 0;
        const low = { ...world, given: { ...world.given, wanted } };
        const high = { ...world, given: { ...world.given, wanted: wanted + more } };
        expect(decided(high)).toBeGreaterThanOrEqual(decided(low));
        const raised = {
          ...low,
          safety: {
            ...low.safety,
            raw: low.safety.raw.map((raw) => ({ ...raw, replicas: replicas(raw.replicas + more) })),
          },
        };
        expect(decided(raised)).toBeGreaterThanOrEqual(decided(low));
      }),
      runs(17),
    ),
  ).toBeUndefined();
});

test('I10: the same input gives the same output, an action only where the size differs, and one instant sees one write', () => {
  expect(
    counterexample(
      fc.property(worlds, (world) => {
        const output = run(world);
        expect(JSON.stringify(run(world))).toBe(JSON.stringify(output));
        const spec = world.given.specReplicas ?? 0;
        const out = output.decisions[0]?.replicas ?? spec;
        expect(output.actions).toStrictEqual(
          out === spec ? [] : [{ kind: 'Scale', pool: 'team-a/chat', target: 'chat', from: spec, to: out }],
        );
        const followed = target({ ...world.given, specReplicas: out });
        const again = settle(
          settleInput({
            memory: output.memory,
            recommendations: [recommendation({ targets: [followed], ...world.pool })],
          }),
        );
        expect(again.actions).toStrictEqual([]);
      }),
      runs(18),
    ),
  ).toBeUndefined();
});

const nonsense = fc.oneof(
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 2.5, 2 ** 31, 2 ** 53, -0),
  size,
);
test('I14: whatever numbers come in, a decision is a whole number from 0 to 2^31 - 1 or none, and nothing is thrown', () => {
  expect(
    counterexample(
      fc.property(
        worlds,
        fc.record({
          wanted: nonsense,
          minReplicas: nonsense,
          maxReplicas: nonsense,
          specReplicas: nonsense,
          floor: nonsense,
        }),
        nonsense,
        (world, odd, override) => {
          const output = run(
            { ...world, given: { ...world.given, ...odd } },
            { override: { replicas: override as Replicas, until: at(60) } },
          );
          for (const { replicas: out } of output.decisions) {
            expect(out === undefined || (Number.isInteger(out) && out >= 0 && out < 2 ** 31)).toBe(true);
          }
          for (const raw of output.memory.pools['team-a/chat']?.safety.targets['chat']?.raw ?? [])
            expect(Number.isInteger(raw.replicas)).toBe(true);
        },
      ),
      runs(19),
    ),
  ).toBeUndefined();
});

test('I16: a zero that somebody else made stays, whatever is wanted', () => {
  expect(
    counterexample(
      fc.property(worlds, fc.integer({ min: 1, max: 50 }), (world, before) => {
        const taken = { ...world.safety, specChanges: [{ at: at(-5000), from: replicas(before), to: replicas(0) }] };
        const { zeroedAt: _, ...foreign } = taken;
        expect(run({ ...world, given: { ...world.given, specReplicas: 0 }, safety: foreign }).actions).toStrictEqual(
          [],
        );
      }),
      runs(20),
    ),
  ).toBeUndefined();
});

test('every invariant of the guard has a rule', () => {
  const numbers = new Set(guardRules.map(({ invariant }) => invariant));
  for (const number of ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I14', 'I15', 'I16'])
    expect(numbers).toContain(number);
});
