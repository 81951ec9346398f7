import fc from 'fast-check';
import { markActions } from '../../src/core/decision/draining.ts';
import { decisionOf, judge, type PoolOutcome, safetyOf, scaleActions } from '../../src/core/decision/outcome.ts';
import type { Action, Decision, Recommendation, TargetRecommendation } from '../../src/core/model/decision.ts';
import type { SafetyMemory, TargetSafety } from '../../src/core/model/memory.ts';
import { type Instant, replicas, seconds } from '../../src/core/model/units.ts';
import type { SettleRules } from '../../src/core/settle.ts';
import { behavior as behaviors, change, size } from './arbitraries.ts';
import { at, epoch, recommendation, target } from './settle-builders.ts';

/** One target of one pool with everything the guard looks at, and a few numbers that laws may use as they like. */
export interface World {
  readonly given: TargetRecommendation;
  readonly pool: Partial<Recommendation>;
  readonly safety: TargetSafety;
  /** How long ago its memory began, as a negative number. */
  readonly sinceSeconds: number;
  readonly more: number;
  /** What is wanted pass after pass, and the seconds between two passes. */
  readonly wishes: readonly number[];
  readonly stepSeconds: number;
}

const optional = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
const bounds = fc.tuple(size, size).map(([a, b]) => ({ minReplicas: Math.min(a, b), maxReplicas: Math.max(a, b, 1) }));
const evidences = fc.record({ allowsDecrease: fc.boolean(), isAnythingKnown: fc.boolean(), showsIdle: fc.boolean() });
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

const plain = target();

export const worlds: fc.Arbitrary<World> = fc.record({
  given: fc
    .record({ bounds, specReplicas: size, wanted: optional(size), evidence: evidences, floor: optional(size) })
    .map(({ bounds: both, ...rest }) => ({ ...plain, ...both, ...rest }) as TargetRecommendation),
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
  more: fc.integer({ min: 0, max: 60 }),
  wishes: fc.array(size, { minLength: 5, maxLength: 5 }),
  stepSeconds: fc.integer({ min: 1, max: 240 }),
});

/** Leaves out what is `undefined`: absent is absent. */
function present<T extends object>(given: T): { readonly [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]: Exclude<T[K], undefined>;
  };
}

export interface Guarding {
  /** What is decided; where nothing is said, the size as it is. */
  readonly out: number;
  readonly decision: Decision;
  readonly actions: readonly Action[];
  readonly safety: SafetyMemory;
}

/** What several laws ask of the same world. */
let asked: { readonly world: World; readonly rules: SettleRules; readonly answer: Guarding } | undefined;

/** The world as it is. */
export function guardedAsIs(world: World, rules: SettleRules): Guarding {
  if (asked?.world !== world || asked.rules !== rules) asked = { world, rules, answer: guarded(world, {}, rules) };
  return asked.answer;
}

/** One pool through every rule of the guard, as `settle` takes it there. */
export function guarded(
  { given, pool, safety, sinceSeconds }: World,
  more: Partial<Recommendation>,
  rules: SettleRules,
): Guarding {
  const one = recommendation({ targets: [given], ...pool, ...more });
  return guardedFrom(one, { since: at(sinceSeconds), targets: { chat: safety } }, { rules, now: epoch });
}

export function guardedFrom(
  one: Recommendation,
  safety: SafetyMemory,
  { rules, now }: { readonly rules: SettleRules; readonly now: Instant },
): Guarding {
  const judged = judge({ recommendation: one, safety, rules: rules.target, now });
  const [outcome = judged] = rules.fleet.reduce<readonly PoolOutcome[]>(
    (all, rule) => rule(all, now, { nodes: [] }),
    [judged],
  );
  const [only] = outcome.targets;
  if (only === undefined) throw new RangeError('a recommendation of one target must have one outcome, had none');
  const decision = decisionOf(outcome, only);
  return {
    out: decision.replicas ?? one.targets[0]?.specReplicas ?? 0,
    decision,
    actions: [...markActions(outcome, only), ...scaleActions(outcome, decision)],
    safety: safetyOf(outcome, [decision]),
  };
}
