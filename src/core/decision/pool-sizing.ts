import { capacityOf } from '../capacity/capacity.ts';
import type { Capacity } from '../capacity/from-profile.ts';
import type { Lengths } from '../signals/mix.ts';
import { slotsOf, type Slots } from '../capacity/slots.ts';
import type { Outlook } from '../forecast/outlook.ts';
import type { Evidence } from '../model/decision.ts';
import type { LearnedMemory } from '../model/memory.ts';
import { lacks, type PoolPolicy, type TargetPolicy } from '../model/policy.ts';
import type { FleetSeen, PoolSeen, TargetSeen } from '../model/pool.ts';
import type { Instant } from '../model/units.ts';
import type { Observation } from '../signals/observe.ts';
import { blockedOf, type Lead, leadOf, positionOf, type Position } from './position.ts';
import { ceil, type Stock } from './need.ts';
import type { Supply } from './projection.ts';
import { plannedShare, sizeTarget, type Sizing, type SizingInput } from './sizing.ts';

export interface PoolSizingInput {
  readonly seen: PoolSeen;
  readonly fleet: FleetSeen;
  readonly policy: PoolPolicy;
  readonly learned: LearnedMemory;
  readonly lengths: Lengths;
  readonly observation: Observation;
  readonly evidence: Evidence;
  readonly outlook: Outlook;
  readonly now: Instant;
}

/** One target with all that led to its size; `sizing` is absent when its spec could not be read. */
export interface SizedTarget {
  readonly seen: TargetSeen;
  readonly policy: TargetPolicy;
  readonly position: Position;
  readonly capacity: Capacity;
  readonly slots: Slots;
  readonly lead: Lead;
  readonly sizing?: Sizing;
  /** What `sizing` was computed from: the explanation asks it what would change the answer. */
  readonly input?: SizingInput;
  readonly warm: WarmNeed;
}

/** Copies beyond spec that the far quantile of demand asks for over the warm horizon, and in how many seconds it may ask for the first. */
export interface WarmNeed {
  readonly copies: number;
  readonly neededInSeconds: number;
}

/** Warm copies are for peaks: this quantile of demand over the lead time and the payback. */
const warmQuantile = 0.99;

/**
 * Sizes the pool's targets, the one that serves cheapest first: each takes what its maximum and its blocked starts allow of the need, the next one the
 * rest. What the dear ones no longer carry is given back by them alone.
 */
export function sizePool(input: PoolSizingInput): readonly SizedTarget[] {
  const { policy } = input;
  const drafts = input.seen.targets.flatMap((seen) => {
    const own = policy.targets.find((target) => target.target === seen.target);
    return own === undefined ? [] : [draftOf(input, seen, own)];
  });
  const supply = lacks(policy.tunables, 'Pending') ? { ...supplyOf(drafts), arrivals: [] } : supplyOf(drafts);
  const stock = { up: stockOf(input.observation, 'sum'), down: stockOf(input.observation, 'sumFilled') };
  let share = 1;
  const sized = cheapestFirst(drafts).map((draft, i): SizedTarget => {
    const sizingInput = sizingInputOf(input, draft, { supply, stock, share });
    if (sizingInput === undefined) return { ...draft, warm: { copies: 0, neededInSeconds: 0 } };
    const alone = sizeTarget(sizingInput);
    const isLast = i === drafts.length - 1;
    const sizing = isLast ? alone : withinMaximum(alone, draft.policy);
    share -= shareTaken(sizing, draft.position, { share, isLast });
    return {
      ...draft,
      sizing,
      input: sizingInput,
      warm: warmNeedOf(input, sizingInput, { leadSeconds: sizing.leadSeconds, policy: draft.policy }),
    };
  });
  return drafts.flatMap(({ seen }) => sized.find((one) => one.seen === seen) ?? []);
}

/** By cost of what a replica serves; in the order that was written where a cost is not known. */
function cheapestFirst(drafts: readonly Draft[]): readonly Draft[] {
  const price = ({ policy, capacity }: Draft): number =>
    (policy.costPerReplicaHour ?? Number.NaN) / capacity.requestsPerSecond;
  if (drafts.some((draft) => Number.isNaN(price(draft)))) return drafts;
  return drafts.toSorted((a, b) => price(a) - price(b));
}

type Draft = Omit<SizedTarget, 'warm' | 'sizing' | 'input'>;

function draftOf(input: PoolSizingInput, seen: TargetSeen, policy: TargetPolicy): Draft {
  const slots = slotsOf(seen, policy, { fleet: input.fleet, warmth: input.policy.warmth });
  const { learned, lengths, observation, now } = input;
  const { leadTime } = learned;
  const context = { readings: observation.readings, leadTime, tunables: input.policy.tunables, slots, now };
  const position = positionOf(seen, context);
  const capacity = capacityOf({ target: policy, policy: input.policy, learned, lengths, observation, now });
  return { seen, policy, position, capacity, slots, lead: leadOf(seen, context) };
}

function supplyOf(drafts: readonly Draft[]): Supply {
  const arrivals = drafts
    .flatMap(({ position, capacity }) =>
      position.arriving.map((a) => ({ inSeconds: a.inSeconds, adds: capacity.requestsPerSecond })),
    )
    .toSorted((a, b) => a.inSeconds - b.inSeconds);
  const now = drafts.reduce((sum, d) => sum + d.position.serving * d.capacity.requestsPerSecond, 0);
  return { now, arrivals };
}

function stockOf({ signals, gatewayQueue }: Observation, fill: 'sum' | 'sumFilled'): Stock {
  return {
    waiting: signals.waiting[fill],
    running: signals.running[fill],
    queued: gatewayQueue.kind === 'known' ? gatewayQueue.value : 0,
    kvSum: signals.kvUse[fill],
    kvReplicas: fill === 'sum' ? signals.kvUse.fresh : signals.kvUse.of,
  };
}

interface PoolParts {
  readonly supply: Supply;
  readonly stock: SizingInput['stock'];
  readonly share: number;
}

function sizingInputOf(input: PoolSizingInput, draft: Draft, parts: PoolParts): SizingInput | undefined {
  const spec = draft.seen.specReplicas;
  if (spec === undefined) return undefined;
  const { tunables } = input.policy;
  return {
    ...parts,
    spec,
    position: draft.position,
    capacity: draft.capacity,
    slots: draft.slots,
    lead: draft.lead,
    outlook: (horizon, quantile) => input.outlook.within(horizon, quantile),
    tunables,
    evidence: input.evidence,
    mayBeZero: mayBeZero(input, draft),
  };
}

/** Bins are remembered for two hours. */
const longestIdleSeconds = 6000;

/**
 * Zero needs a room in which requests wait for the replica that they wake: a gateway whose queue is read. It pays when keeping one has cost as much as
 * the wait that it spares (the break-even rule: never twice the best in hindsight, whatever comes): a missing replica is q / (1 - q) times as dear as an
 * idle one, for one lead time. Not when days known before say that somebody is about to come.
 */
function mayBeZero(input: PoolSizingInput, { seen, policy, lead }: Draft): boolean {
  const { gatewayQueue } = input.observation;
  if (policy.minReplicas > 0 || gatewayQueue.kind !== 'known') return false;
  const { provisioningQuantile: q, paybackSeconds, tickSeconds } = input.policy.tunables;
  const idleSeconds = Math.max(paybackSeconds, Math.min(longestIdleSeconds, (q / (1 - q)) * lead.cold));
  // Where nobody serves, all that arrives waits at the gateway.
  if (seen.specReplicas !== 0 && !isIdleFor(input, idleSeconds)) return false;
  const ahead = input.outlook.within(lead.cold + tickSeconds, q);
  const isForeseen = ahead?.knowsDays === true && ahead.upper * (lead.cold + tickSeconds) >= 1;
  return !isForeseen;
}

/** Nothing arrived for so long, and that was seen: bins cover most of it and all say 0. */
function isIdleFor({ outlook }: PoolSizingInput, wantedSeconds: number): boolean {
  const { t, known, length } = outlook.series;
  let first = length;
  while (first > 0 && (t[first - 1] ?? 0) > -wantedSeconds) first--;
  const seconds = (known[length] ?? 0) - (known[first] ?? 0);
  return seconds >= 0.8 * wantedSeconds && outlook.peak(wantedSeconds) === 0;
}

function withinMaximum(sizing: Sizing, policy: TargetPolicy): Sizing {
  return sizing.wanted <= policy.maxReplicas ? sizing : { ...sizing, wanted: policy.maxReplicas };
}

/** The part of the pool's need that this target's usable replicas carry. */
function shareTaken(
  sizing: Sizing,
  position: Position,
  { share, isLast }: { readonly share: number; readonly isLast: boolean },
): number {
  if (isLast || sizing.need.replicas === 0) return share;
  const usable = Math.max(0, sizing.wanted - blockedOf(position));
  return Math.min(share, (share * usable) / sizing.need.replicas);
}

function warmNeedOf(
  input: PoolSizingInput,
  sizing: SizingInput,
  { leadSeconds, policy }: { readonly leadSeconds: number; readonly policy: TargetPolicy },
): WarmNeed {
  const { tunables } = input.policy;
  const horizonSeconds = leadSeconds + tunables.paybackSeconds;
  const far = input.outlook.within(horizonSeconds, warmQuantile);
  const each = sizing.capacity.requestsPerSecond * plannedShare(tunables.targetUtilization, sizing.capacity);
  const peak = Math.min(policy.maxReplicas, ceil((far?.upper ?? 0) / each));
  const { level = 0, upper = 0 } = far ?? {};
  const grows = upper - level;
  // As if the bound were reached on a straight line: it says which pool is the next, not when.
  const share = grows > 0 ? Math.max(0, Math.min(1, (sizing.spec * each - level) / grows)) : 0;
  return { copies: Math.max(0, peak - sizing.spec), neededInSeconds: Math.round(share * horizonSeconds) };
}
