import type { TargetRecommendation } from '../model/decision.ts';
import type { FleetMemory, RawRecommendation, SafetyMemory, TargetSafety } from '../model/memory.ts';
import type { Behavior, Mode } from '../model/policy.ts';
import type { SpecChange } from '../model/pool.ts';
import { instant, type Instant, type Replicas } from '../model/units.ts';
import { longestPeriodSeconds } from './behavior.ts';

/** The disruption budget looks back this far (I8), so changes are kept at least as long. */
export const budgetWindowSeconds = 600;
/** A conflict or our own zero is believed this long after it was last seen. */
export const quietSeconds = 600;
/** Two foreign writes closer than this are a dispute. */
export const disputeGapSeconds = 300;
/** How long a foreign write is remembered: the older of two must outlive the quiet time after the younger. */
const disputeSeconds = quietSeconds + disputeGapSeconds;
/** A size that we wrote and that has not shown itself for so long never will: the write failed, or another one came before anybody looked. */
const unseenSeconds = 60;
/** Of writes that were not seen yet; one a second and no watch for as long is no longer late. */
const mostUnseen = 4;
/** Not knowing for longer than this is a break, however long the window. */
const longestGapSeconds = 60;
const emptySafety: TargetSafety = { raw: [], specChanges: [] };

export interface Remembering {
  readonly target: TargetRecommendation;
  readonly mode: Mode;
  readonly behavior: Behavior;
  readonly safety: SafetyMemory;
  /** Targets that share the pool's 4 kB. */
  readonly sharers: number;
  readonly now: Instant;
}

/** Call once when memory is taken over from another process: windows survive, but nothing is lowered before one full window of own samples. */
export function takeOver(memory: FleetMemory, now: Instant): FleetMemory {
  const pools = Object.entries(memory.pools).map(([pool, kept]) => [
    pool,
    { ...kept, safety: { ...kept.safety, since: now } },
  ]);
  return { ...memory, pools: Object.fromEntries(pools) };
}

/** What this pass has learnt about a target before anything is decided: its raw recommendation, changes of spec, blindness, conflict. */
export function observe(about: Remembering): TargetSafety {
  const { target, behavior, safety, now } = about;
  const before = safety.targets[target.target] ?? emptySafety;
  const chain = recordChanges(before, about);
  const blindSince = isBlind(target) ? (before.blindSince ?? now) : undefined;
  const zeroedAt = target.specReplicas === 0 ? before.zeroedAt : recent(before.zeroedAt, quietSeconds, now);
  return {
    raw: recordRaw(before.raw, about),
    specChanges: bounded(chain, behavior, about),
    ...(before.lastDecision === undefined ? {} : { lastDecision: before.lastDecision }),
    ...(blindSince === undefined ? {} : { blindSince }),
    ...(zeroedAt === undefined ? {} : { zeroedAt }),
    ...(before.draining === undefined ? {} : { draining: before.draining }),
    ...(about.mode === 'Scale' ? disputes(before, chain.slice(before.specChanges.length), about) : {}),
  };
}

/** Signs of somebody else who sets the size that we write: an object that owns replicas, or changes that are not ours. */
function disputes(
  before: TargetSafety,
  changes: readonly SpecChange[],
  { target, now }: Remembering,
): Pick<TargetSafety, 'conflictSince' | 'foreignWrites' | 'unseenWrites'> {
  const conflictSince = target.otherOwner === undefined ? recent(before.conflictSince, quietSeconds, now) : now;
  const { foreign, unseen } = toldApart(before, changes, now);
  const writes = [...(before.foreignWrites ?? []), ...foreign.map(({ at }) => at)].slice(-2);
  const young = writes.filter((at) => recent(at, disputeSeconds, now) !== undefined);
  return {
    ...(conflictSince === undefined ? {} : { conflictSince }),
    ...(young.length === 0 ? {} : { foreignWrites: young }),
    ...(unseen.length === 0 ? {} : { unseenWrites: unseen }),
  };
}

/** Changes that are not ours, and our writes that none of the changes was. A write that shows itself ends the waiting for those before it. */
function toldApart(
  { lastDecision, unseenWrites = [] }: TargetSafety,
  changes: readonly SpecChange[],
  now: Instant,
): { readonly foreign: readonly SpecChange[]; readonly unseen: readonly RawRecommendation[] } {
  let unseen = unseenWrites.filter(({ at }) => recent(at, unseenSeconds, now) !== undefined);
  const foreign: SpecChange[] = [];
  for (const change of changes.filter(({ from, to }) => from !== to)) {
    const shown = unseen.findIndex(({ replicas }) => replicas === change.to);
    unseen = unseen.slice(shown + 1);
    if (shown < 0 && lastDecision !== undefined && change.to !== lastDecision.replicas) foreign.push(change);
  }
  return { foreign, unseen };
}

/** Adds what was decided. Taking a target to zero is remembered, so that the zero is never taken for a person's, nor a person's for ours. */
export function remember(
  safety: TargetSafety,
  { from, replicas }: { readonly from?: Replicas; readonly replicas?: Replicas },
  mode: Mode,
  now: Instant,
): TargetSafety {
  if (replicas === undefined) return safety;
  const isOurZero = replicas === 0 && from !== undefined && from > 0 && mode !== 'Observe';
  const written = { at: now, replicas };
  const { unseenWrites = [] } = safety;
  const isWritten = mode === 'Scale' && from !== undefined && from !== replicas;
  const isNew = isWritten && unseenWrites.at(-1)?.replicas !== replicas;
  return {
    ...safety,
    lastDecision: written,
    ...(isOurZero ? { zeroedAt: now } : {}),
    ...(isNew ? { unseenWrites: [...unseenWrites, written].slice(-mostUnseen) } : {}),
  };
}

/** When the memory of this pool began to be kept without a break: now, after a time without passes or when a target comes back from not knowing. */
export function since(
  safety: SafetyMemory,
  { targets, behavior }: { readonly targets: readonly TargetRecommendation[]; readonly behavior: Behavior },
  now: Instant,
): Instant {
  const decidedAt = Math.max(...Object.values(safety.targets).map(({ lastDecision }) => lastDecision?.at ?? -Infinity));
  if (decidedAt > -Infinity && now - decidedAt > quietSeconds * 1000) return now;
  const isBack = targets.some((target) => {
    const blindSince = safety.targets[target.target]?.blindSince;
    return blindSince !== undefined && !isBlind(target) && now - blindSince > toleratedGapSeconds(behavior) * 1000;
  });
  return isBack ? now : safety.since;
}

/**
 * A window in which nothing was known says nothing. A gap of half the window leaves the other half to judge by; beginning anew costs one
 * window, so that a few lost readings cost little where windows are short, and nothing where they are long.
 */
function toleratedGapSeconds({ scaleDown }: Behavior): number {
  return Math.min(longestGapSeconds, scaleDown.stabilizationWindowSeconds / 2);
}

/** Nothing is known of the target, or nothing can be said from what is known. */
export function isBlind({ evidence, wanted }: TargetRecommendation): boolean {
  return !evidence.isAnythingKnown || wanted === undefined;
}

/** Integers from 0 to 2^31 - 1 (I14). */
export function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0 && n <= 2_147_483_647;
}

function recent(at: Instant | undefined, seconds: number, now: Instant): Instant | undefined {
  return at !== undefined && now - at < seconds * 1000 ? at : undefined;
}

/**
 * The history behind both windows, this pass included. An entry that a later one at least as high and a later one at most as low make
 * irrelevant to every window is dropped; that loses nothing.
 */
function recordRaw(raw: readonly RawRecommendation[], about: Remembering): readonly RawRecommendation[] {
  const { target, behavior, now, sharers } = about;
  const window = Math.max(behavior.scaleUp.stabilizationWindowSeconds, behavior.scaleDown.stabilizationWindowSeconds);
  const kept = raw.filter(({ at }) => at > now - window * 1000 && at < now);
  const { wanted } = target;
  const all = wanted === undefined || !isCount(wanted) ? kept : [...kept, { at: now, replicas: wanted }];
  const each = Math.max(2, Math.floor(20 / sharers));
  const highs = thinned(
    lasting(all, (later, earlier) => later >= earlier),
    each,
  );
  const lows = thinned(
    lasting(all, (later, earlier) => later <= earlier),
    each,
  );
  return merged(highs, lows);
}

/** Entries that no later entry replaces; oldest first. */
function lasting(
  raw: readonly RawRecommendation[],
  replaces: (later: number, earlier: number) => boolean,
): readonly RawRecommendation[] {
  const kept: RawRecommendation[] = [];
  for (const entry of raw.toReversed()) {
    const later = kept.at(-1);
    if (later === undefined || !replaces(later.replicas, entry.replicas)) kept.push(entry);
  }
  return kept.reverse();
}

/** At most `limit` entries: of the two closest in time the older value lives on until the younger time, which holds longer, never shorter. */
function thinned(raw: readonly RawRecommendation[], limit: number): readonly RawRecommendation[] {
  const kept = [...raw];
  while (kept.length > limit) {
    const gaps = kept.slice(1).map((entry, i) => entry.at - (kept[i]?.at ?? entry.at));
    const i = gaps.indexOf(Math.min(...gaps));
    const [older, younger] = [kept[i], kept[i + 1]];
    if (older === undefined || younger === undefined) return kept;
    kept.splice(i, 2, { at: younger.at, replicas: older.replicas });
  }
  return kept;
}

function merged(a: readonly RawRecommendation[], b: readonly RawRecommendation[]): readonly RawRecommendation[] {
  const others = b.filter((entry) => !a.some(({ at, replicas: n }) => at === entry.at && n === entry.replicas));
  return [...a, ...others].sort((x, y) => x.at - y.at || x.replicas - y.replicas);
}

/**
 * Stored and observed changes as one chain whose last `to` is the spec seen last. A spec that the chain does not explain changed now; after
 * a takeover so did one that differs from the last decision. The first look at a target begins the chain with a change of nothing.
 */
function recordChanges(before: TargetSafety, { target, safety, mode, now }: Remembering): readonly SpecChange[] {
  const spec = target.specReplicas;
  const chain = joined(before.specChanges, target.specChanges, now);
  if (spec === undefined) return chain;
  const last = chain.at(-1);
  const decided = before.lastDecision;
  const isTakenOver = mode === 'Scale' && decided !== undefined && decided.at < safety.since;
  const expected = last?.to ?? (isTakenOver ? decided.replicas : spec);
  const isExplained = last !== undefined && expected === spec;
  return isExplained ? chain : [...chain, { at: now, from: expected, to: spec }];
}

/** The stored chain is right up to its last entry; of what was observed since, each change of size is appended where the chain stands. */
function joined(stored: readonly SpecChange[], observed: readonly SpecChange[], now: Instant): readonly SpecChange[] {
  const chain = [...stored];
  const usable = observed.filter(({ from, to }) => isCount(from) && isCount(to));
  for (const { at, from, to } of usable.toSorted((a, b) => a.at - b.at)) {
    const last = chain.at(-1);
    if (last === undefined || (at > last.at && to !== last.to)) {
      chain.push({ at: instant(Math.min(at, now)), from: last?.to ?? from, to });
    }
  }
  return chain;
}

/** Changes that any window still looks at, and always the last one. Beyond the limit the two oldest become one at the younger time. */
function bounded(changes: readonly SpecChange[], behavior: Behavior, about: Remembering): readonly SpecChange[] {
  const reach = Math.max(longestPeriodSeconds(behavior), budgetWindowSeconds) * 1000;
  const kept = changes.filter(({ at }, i) => i === changes.length - 1 || at > about.now - reach);
  const limit = Math.max(2, Math.floor(16 / about.sharers));
  while (kept.length > limit) {
    const [first, second] = kept;
    if (first === undefined || second === undefined) break;
    kept.splice(0, 2, { at: second.at, from: first.from, to: second.to });
  }
  return kept;
}
