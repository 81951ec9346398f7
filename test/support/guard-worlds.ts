import fc from 'fast-check';
import { markActions } from '../../src/core/decision/draining.ts';
import {
  decisionOf,
  judge,
  type PoolOutcome,
  safetyOf,
  scaleActions,
  type TargetOutcome,
} from '../../src/core/decision/outcome.ts';
import type { Action, Decision, Recommendation, TargetRecommendation } from '../../src/core/model/decision.ts';
import type { SafetyMemory, TargetSafety } from '../../src/core/model/memory.ts';
import type { FleetSeen } from '../../src/core/model/pool.ts';
import { type Instant, replicas, seconds } from '../../src/core/model/units.ts';
import type { SettleRules } from '../../src/core/settle.ts';
import { behaviorOf, changeOf, type Made, size } from './arbitraries.ts';
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
const plain = target();

export const worlds: fc.Arbitrary<World> = worldsOf({ noNullPrototype: false });
/** The same worlds, of records that all have a prototype: the laws are answered faster while none without one was seen. */
export const plainWorlds: fc.Arbitrary<World> = worldsOf({ noNullPrototype: true });

function worldsOf(made: Made): fc.Arbitrary<World> {
  return fc.record(
    {
      given: givenOf(made),
      pool: poolOf(made),
      safety: keptOf(made),
      sinceSeconds: fc.constantFrom(-3600, -100, 0),
      more: fc.integer({ min: 0, max: 60 }),
      wishes: fc.array(size, { minLength: 5, maxLength: 5 }),
      stepSeconds: fc.integer({ min: 1, max: 240 }),
    },
    made,
  );
}

function givenOf(made: Made): fc.Arbitrary<TargetRecommendation> {
  const evidence = fc.record(
    { allowsDecrease: fc.boolean(), isAnythingKnown: fc.boolean(), showsIdle: fc.boolean() },
    made,
  );
  return fc
    .record({ bounds, specReplicas: size, wanted: optional(size), evidence, floor: optional(size) }, made)
    .map(({ bounds: both, ...rest }) => ({ ...plain, ...both, ...rest }) as TargetRecommendation);
}

function poolOf(made: Made): fc.Arbitrary<Partial<Recommendation>> {
  const afterSeconds = fc.integer({ min: 1, max: 900 }).map(seconds);
  const fallback = fc.record({ replicas: size.map(replicas), afterSeconds }, made);
  return fc.record({ behavior: behaviorOf(made), fallback: optional(fallback) }, made).map((pool) => present(pool));
}

function keptOf(made: Made): fc.Arbitrary<TargetSafety> {
  const raw = fc
    .uniqueArray(fc.record({ at: fc.integer({ min: -700, max: -1 }).map(at), replicas: size.map(replicas) }, made), {
      selector: (entry) => entry.at,
      maxLength: 6,
    })
    .map((list) => list.toSorted((a, b) => a.at - b.at));
  const specChanges = fc.array(changeOf(made), { maxLength: 4 }).map((list) => list.toSorted((a, b) => a.at - b.at));
  return fc
    .record(
      {
        raw,
        specChanges,
        lastDecision: optional(fc.record({ at: fc.constant(at(-15)), replicas: size.map(replicas) }, made)),
        blindSince: optional(fc.integer({ min: -900, max: -1 }).map(at)),
        zeroedAt: optional(fc.constant(at(-900))),
      },
      made,
    )
    .map((safety) => present(safety));
}

/** Leaves out what is `undefined`: absent is absent. */
function present<T extends object>(given: T): { readonly [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** What was decided in one world. Most laws look at the size only, so what follows from it is worked out when it is asked for. */
export class Guarding {
  readonly outcome: PoolOutcome;
  readonly decision: Decision;
  readonly #only: TargetOutcome;

  constructor(outcome: PoolOutcome) {
    const [only] = outcome.targets;
    if (only === undefined) throw new RangeError('a recommendation of one target must have one outcome, had none');
    this.outcome = outcome;
    this.#only = only;
    this.decision = decisionOf(outcome, only);
  }

  /** What is decided; where nothing is said, the size as it is. */
  get out(): number {
    return this.decision.replicas ?? this.#only.recommendation.specReplicas ?? 0;
  }

  get actions(): readonly Action[] {
    return [...markActions(this.outcome, this.#only), ...scaleActions(this.outcome, this.decision)];
  }

  get safety(): SafetyMemory {
    return safetyOf(this.outcome, [this.decision]);
  }
}

/** What several laws ask of the same world. */
let asked: { readonly world: World; readonly rules: SettleRules; readonly answer: Guarding } | undefined;

/** The world as it is. */
export function guardedAsIs(world: World, rules: SettleRules): Guarding {
  if (asked?.world !== world || asked.rules !== rules) asked = { world, rules, answer: guarded(world, {}, rules) };
  return asked.answer;
}

const noNodes: FleetSeen = { nodes: [] };

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
    (all, rule) => rule(all, now, noNodes),
    [judged],
  );
  return new Guarding(outcome);
}
