import { type GuardRule, guardRules } from '../../src/core/decision/guard.ts';
import { drainedFirst } from '../../src/core/decision/draining.ts';
import type { Action } from '../../src/core/model/decision.ts';
import type { SafetyMemory } from '../../src/core/model/memory.ts';
import { defaultBehavior } from '../../src/core/model/policy.ts';
import { type Replicas, replicas } from '../../src/core/model/units.ts';
import { type SettleRules, settleRules } from '../../src/core/settle.ts';
import { guarded, guardedAsIs, guardedFrom, type Guarding, type World } from './guard-worlds.ts';
import { isSame } from './properties.ts';
import { at, atOnce, blindEvidence, recommendation, type TargetGiven } from './settle-builders.ts';

/** One invariant of docs/invariants.md as a question about any world, and the fault that must make it answer no. */
export interface Law {
  readonly invariant: string;
  readonly states: string;
  readonly holds: (world: World, rules: SettleRules) => boolean;
  /** Passes that one world is taken through; a pass is a case. @default 1 */
  readonly passes?: number;
  /** The guard with the rule taken out that the law rests on, or, where it rests on all of them, with a wrong one put in. */
  readonly broken: SettleRules;
}

export const guardLaws: readonly Law[] = [
  {
    invariant: 'I1',
    states: 'out of bounds only ever moves towards them, and inside them stays inside',
    holds: staysInside,
    broken: without('maximum'),
  },
  {
    invariant: 'I2',
    states: 'without enough fresh signals nothing is lowered, save towards a maximum that lies below',
    holds: needsEvidence,
    broken: without('evident'),
  },
  {
    invariant: 'I3',
    states: 'with nothing known the size holds until the fallback is due, and the fallback never lowers',
    holds: failsStatic,
    broken: without('blind'),
  },
  {
    invariant: 'I4',
    states: 'never more than the rate policies allow over the observed changes',
    holds: keepsTheRate,
    broken: without('rate'),
  },
  {
    invariant: 'I5',
    states: 'nothing is lowered below a raw recommendation inside the down window, nor before one window was watched',
    holds: keepsTheWindow,
    broken: without('stable'),
  },
  {
    invariant: 'I6',
    states: 'nothing goes to zero without fresh samples that say idle',
    holds: zeroNeedsIdleness,
    broken: without('idle'),
  },
  {
    invariant: 'I7',
    states: 'paused means the size that is and no action, and only mode Scale writes a size',
    holds: pausedIsStill,
    broken: without('paused'),
  },
  {
    invariant: 'I9',
    states: 'wanting more, now or inside a window, never decides fewer',
    holds: isMonotone,
    broken: withRule(({ replicas: wanted }) => (wanted > 40 ? 1 : undefined)),
  },
  {
    invariant: 'I10',
    states: 'the same input gives the same output, and one instant sees one write',
    holds: isIdempotent,
    broken: withRule(({ replicas: wanted }) => wanted + 1),
  },
  {
    invariant: 'I11',
    states: 'a constant wish turns no size back, and any wishes at most once in a down window',
    holds: doesNotOscillate,
    passes: 5,
    broken: without('stable'),
  },
  {
    invariant: 'I13',
    states: 'no Ready replica is taken away before those that shall go were marked, two seconds earlier',
    holds: marksFirst,
    passes: 5,
    broken: { ...settleRules, fleet: settleRules.fleet.filter((rule) => rule !== drainedFirst) },
  },
  {
    invariant: 'I14',
    states: 'whatever numbers come in, a decision is a whole number from 0 to 2^31 - 1 or none; an odd wish is none',
    holds: isWhole,
    broken: without('whole'),
  },
  {
    invariant: 'I15',
    states: 'what failed to be thought about, or throws in the guard, holds the size',
    holds: failureHolds,
    broken: without('failed'),
  },
  {
    invariant: 'I16',
    states: 'a zero that somebody else made stays, whatever is wanted',
    holds: foreignZeroStays,
    broken: without('disabled'),
  },
  {
    invariant: 'I17',
    states: 'nothing is written beside another owner, and nothing lowered while somebody else sets the size',
    holds: oneWriter,
    broken: without('unshared'),
  },
  {
    invariant: 'I18',
    states: "a person's order is followed inside the bounds, whatever is missing",
    holds: orderIsFollowed,
    broken: without('overridden'),
  },
];

function without(name: string): SettleRules {
  const target = guardRules.filter((rule) => rule.name !== name);
  if (target.length === guardRules.length) throw new RangeError(`a rule to take out must exist, was '${name}'`);
  return { ...settleRules, target };
}

/** A last rule that should not be there. */
function withRule(wrong: (draft: { readonly replicas: number }) => number | undefined): SettleRules {
  const apply: GuardRule['apply'] = (draft) => {
    const changed = wrong(draft);
    return changed === undefined ? undefined : { replicas: changed, message: 'a rule that should not be there' };
  };
  return {
    ...settleRules,
    target: [...guardRules, { name: 'wrong', invariant: 'none', reason: 'AtMinimum', apply }],
  };
}

/** The world with another target. (An absent number may stand as `undefined` here: the builder that leaves it out would take most of the time.) */
function changed(world: World, given: TargetGiven): World {
  return { ...world, given: { ...world.given, ...given } as World['given'] };
}

const known = { allowsDecrease: true, isAnythingKnown: true, showsIdle: true } as const;

interface Sizes {
  readonly spec: number;
  readonly min: number;
  readonly max: number;
}
function sizesOf({ given }: World): Sizes {
  return { spec: given.specReplicas ?? 0, min: given.minReplicas ?? 0, max: given.maxReplicas ?? 0 };
}

function staysInside(world: World, rules: SettleRules): boolean {
  const { out } = guardedAsIs(world, rules);
  const { spec, min, max } = sizesOf(world);
  const isNoFurtherOut = out >= Math.min(spec, min) && out <= Math.max(spec, max);
  return isNoFurtherOut && (spec <= max || out <= spec) && (spec >= min || out >= spec);
}

function needsEvidence(world: World, rules: SettleRules): boolean {
  const { spec, max } = sizesOf(world);
  const partly = changed(world, { evidence: { ...blindEvidence, isAnythingKnown: true } });
  return guarded(partly, {}, rules).out >= Math.min(spec, max);
}

function failsStatic(world: World, rules: SettleRules): boolean {
  const { spec, min, max } = sizesOf(world);
  const { out } = guarded(changed(world, { evidence: blindEvidence, floor: undefined }), {}, rules);
  const blindFor = world.safety.blindSince === undefined ? 0 : (at(0) - world.safety.blindSince) / 1000;
  const { fallback } = world.pool;
  const isDue = fallback !== undefined && blindFor >= fallback.afterSeconds;
  const isInside = spec >= min && spec <= max;
  return isDue ? out >= Math.min(spec, max) : !isInside || out === spec;
}

function keepsTheRate(world: World, rules: SettleRules): boolean {
  const { spec } = sizesOf(world);
  const pods = 1 + (world.more % 20);
  const limit = {
    ...defaultBehavior.scaleUp,
    policies: [{ type: 'Pods' as const, value: pods, periodSeconds: 300 }],
  };
  const behavior = { scaleUp: limit, scaleDown: { ...limit, stabilizationWindowSeconds: 0 } };
  const { out, safety } = guarded(world, { behavior }, rules);
  const kept = safety.targets['chat']?.specChanges ?? [];
  const net = kept.filter((one) => one.at > at(-300)).reduce((sum, { from, to }) => sum + to - from, 0);
  const mostUp = spec === 0 ? Math.max(1, spec - net + pods) : spec - net + pods;
  return out <= Math.max(spec, mostUp) && out >= Math.min(spec, spec - net - pods);
}

function keepsTheWindow(world: World, rules: SettleRules): boolean {
  const { spec, max } = sizesOf(world);
  const { out } = guardedAsIs(world, rules);
  const window = (world.pool.behavior ?? defaultBehavior).scaleDown.stabilizationWindowSeconds;
  const young = world.safety.raw.filter((raw) => raw.at > at(-window)).map((raw) => Number(raw.replicas));
  const isWatched = -world.sinceSeconds >= window;
  const floor = Math.min(max, isWatched ? Math.max(0, ...young) : spec);
  return out >= Math.min(spec, max) || out >= floor;
}

function zeroNeedsIdleness(world: World, rules: SettleRules): boolean {
  const { spec } = sizesOf(world);
  const unsure = { allowsDecrease: true, isAnythingKnown: true, showsIdle: false };
  const wanting = changed(world, { evidence: unsure, wanted: 0, minReplicas: 0 });
  return spec === 0 || guarded(wanting, {}, rules).out > 0;
}

function pausedIsStill(world: World, rules: SettleRules): boolean {
  const still = guarded(world, { paused: true }, rules);
  const mode = world.more % 2 === 0 ? 'Observe' : 'Recommend';
  return (
    still.out === sizesOf(world).spec &&
    still.actions.length === 0 &&
    guarded(world, { mode }, rules).actions.length === 0
  );
}

function isMonotone(world: World, rules: SettleRules): boolean {
  const wanted = world.given.wanted ?? 0;
  const low = world.given.wanted === undefined ? changed(world, { wanted }) : world;
  const before = guardedAsIs(low, rules).out;
  const raised = world.safety.raw.map((raw) => ({ ...raw, replicas: replicas(raw.replicas + world.more) }));
  return (
    guarded(changed(world, { wanted: wanted + world.more }), {}, rules).out >= before &&
    guarded({ ...low, safety: { ...low.safety, raw: raised } }, {}, rules).out >= before
  );
}

function isIdempotent(world: World, rules: SettleRules): boolean {
  const { spec } = sizesOf(world);
  const first = guardedAsIs(world, rules);
  const same = guarded(world, {}, rules);
  const { given } = changed(world, { specReplicas: first.out });
  const one = recommendation({ targets: [given], ...world.pool });
  const again = guardedFrom(one, first.safety, { rules, now: at(0) });
  return (
    isSame(allOf(same), allOf(first)) &&
    first.actions.length === (first.out === spec ? 0 : 1) &&
    again.actions.length === 0
  );
}

function allOf({ decision, actions, safety }: Guarding): Pick<Guarding, 'decision' | 'actions' | 'safety'> {
  return { decision, actions, safety };
}

/** Five passes with everything known. A wish repeated stands for constant load, others for noise. */
function doesNotOscillate(world: World, rules: SettleRules): boolean {
  const [first = 0] = world.wishes;
  const isConstant = world.more % 2 === 0;
  const moves = movesOf(world, isConstant ? world.wishes.map(() => first) : world.wishes, rules);
  const window = (world.pool.behavior ?? defaultBehavior).scaleDown.stabilizationWindowSeconds;
  const turned = (i: number): boolean => i > 0 && moves[i]?.sign !== moves[i - 1]?.sign;
  if (isConstant) return !moves.some((_, i) => turned(i));
  const beforeTurns = moves.flatMap((_, i) => (turned(i) ? [i - 1] : []));
  return beforeTurns.every((from, i) => {
    const next = beforeTurns[i + 1];
    return next === undefined || secondsOf(moves, next + 1) - secondsOf(moves, from) >= window;
  });
}

function secondsOf(moves: readonly Move[], i: number): number {
  return moves[i]?.seconds ?? 0;
}

interface Move {
  readonly seconds: number;
  readonly sign: number;
}

function movesOf(world: World, wishes: readonly number[], rules: SettleRules): readonly Move[] {
  let safety: SafetyMemory = { since: at(world.sinceSeconds), targets: { chat: world.safety } };
  let spec = sizesOf(world).spec;
  const moves: Move[] = [];
  for (const [pass, wanted] of wishes.entries()) {
    const seconds = pass * world.stepSeconds;
    const { given } = changed(world, { specReplicas: spec, wanted, evidence: known });
    const one = recommendation({ at: at(seconds), targets: [given], ...world.pool });
    const step = guardedFrom(one, safety, { rules, now: at(seconds) });
    if (step.out !== spec) moves.push({ seconds, sign: Math.sign(step.out - spec) });
    ({ safety } = step);
    spec = step.out;
  }
  return moves;
}

/** Pass after pass over replicas of which the marked ones are taken first, then the others, as a ReplicaSet would. */
function marksFirst(world: World, rules: SettleRules): boolean {
  let safety = { since: at(-9000), targets: { chat: { raw: [], specChanges: [] } } } as SafetyMemory;
  let standing: readonly string[] = Array.from({ length: sizesOf(world).spec }, (_, i) => `r${i}`);
  const marked = new Map<string, number>();
  for (const [pass, wanted] of world.wishes.entries()) {
    const seconds = pass * world.stepSeconds;
    const going = standing.filter((name) => marked.has(name));
    const staying = standing.filter((name) => !marked.has(name));
    const draining = { order: [...going, ...staying], marked: going };
    const { given } = changed(world, { specReplicas: standing.length, wanted, evidence: known, draining });
    const one = recommendation({ at: at(seconds), targets: [given], ...world.pool, behavior: atOnce });
    const step = guardedFrom(one, safety, { rules, now: at(seconds) });
    const ripe = [...marked.values()].filter((since) => seconds - since >= 2).length;
    if (step.out > 0 && standing.length - step.out > ripe) return false;
    for (const action of step.actions) mark(action, marked, seconds);
    safety = step.safety;
    standing = resized(standing, step.out, marked);
  }
  return true;
}

function mark(action: Action, marked: Map<string, number>, seconds: number): void {
  if (action.kind !== 'ProtectPods') return;
  for (const name of action.freed) marked.delete(name);
  for (const name of action.victims) if (!marked.has(name)) marked.set(name, seconds);
}

function resized(standing: readonly string[], size: number, marked: Map<string, number>): readonly string[] {
  const isMarked = (name: string): boolean => marked.has(name);
  const inOrder = [...standing.filter((name) => !isMarked(name)), ...standing.filter(isMarked)];
  for (const gone of inOrder.slice(size)) marked.delete(gone);
  const born = Array.from({ length: Math.max(0, size - standing.length) }, (_, i) => `s${standing.length + i}`);
  return [...inOrder.slice(0, size), ...born];
}

const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 2.5, 2 ** 31, 2 ** 53, -0, 7];

function isWhole(world: World, rules: SettleRules): boolean {
  const pick = (i: number): number => odd[(world.more + 7 * (world.wishes[i] ?? 0)) % odd.length] ?? 0;
  const strange = changed(world, {
    wanted: pick(0),
    minReplicas: pick(1),
    maxReplicas: pick(2),
    specReplicas: pick(3),
    floor: pick(4),
  });
  const order = { replicas: pick(0) as Replicas, until: at(60) };
  const { decision, safety } = guarded(strange, world.more % 3 === 0 ? { override: order } : {}, rules);
  const isCount = (n: number): boolean => Number.isInteger(n) && n >= 0 && n < 2 ** 31;
  const raws = safety.targets['chat']?.raw ?? [];
  return (
    (decision.replicas === undefined || isCount(decision.replicas)) &&
    raws.every((raw) => isCount(raw.replicas)) &&
    oddWishHolds(world, rules)
  );
}

function oddWishHolds(world: World, rules: SettleRules): boolean {
  const { spec, min, max } = sizesOf(world);
  const wanted = odd[world.more % 7];
  const evidence = { allowsDecrease: true, isAnythingKnown: true, showsIdle: false };
  const odds = changed(world, { wanted, evidence, floor: undefined });
  return spec < min || spec > max || guarded(odds, {}, rules).out === spec;
}

const failure = { reason: 'DecisionFailed' as const, message: 'Deciding failed, held: thrown' };
/** One error for all worlds: to note where it was made takes longer than to throw it. */
const thrown = new Error('a rule that throws');
const thrower: GuardRule = {
  name: 'thrower',
  invariant: 'none',
  reason: 'DecisionFailed',
  apply: () => {
    throw thrown;
  },
};

function failureHolds(world: World, rules: SettleRules): boolean {
  const { spec } = sizesOf(world);
  return guarded(world, { failure }, rules).out === spec && guarded(world, {}, throwing(rules)).out === spec;
}

function throwing(rules: SettleRules): SettleRules {
  return { ...rules, target: [...rules.target, thrower] };
}

function foreignZeroStays(world: World, rules: SettleRules): boolean {
  const taken = [{ at: at(-5000), from: replicas(1 + world.more), to: replicas(0) }];
  const { zeroedAt: _, ...foreign } = { ...world.safety, specChanges: taken };
  const zero = { ...changed(world, { specReplicas: 0 }), safety: foreign };
  return guarded(zero, {}, rules).actions.length === 0;
}

function oneWriter(world: World, rules: SettleRules): boolean {
  const { spec, max } = sizesOf(world);
  const otherOwner = { ref: 'HorizontalPodAutoscaler/chat', followsUs: world.more % 2 === 0 };
  const shared = guarded(changed(world, { otherOwner }), {}, rules);
  const disputed = { ...world, safety: { ...world.safety, foreignWrites: [at(-200), at(-100)] } };
  return shared.actions.length === 0 && guarded(disputed, {}, rules).out >= Math.min(spec, max);
}

function orderIsFollowed(world: World, rules: SettleRules): boolean {
  const { spec, min, max } = sizesOf(world);
  if (spec === 0) return true;
  const override = { replicas: replicas(world.more), until: at(60) };
  const { out } = guarded(world, { behavior: atOnce, override }, rules);
  return out === Math.max(min, Math.min(max, Math.max(world.more, world.given.floor ?? 0)));
}
