import type { Capacity } from '../capacity/from-profile.ts';
import type { Slots } from '../capacity/slots.ts';
import { lacks, type Tunables } from '../model/policy.ts';
import type { Because } from '../model/reason.ts';
import type { CandidateReport } from '../model/report.ts';
import { blockedOf, type Lead, type Position } from './position.ts';
import { ceil, needOf, type Need, type NeedInput, type Stock } from './need.ts';
import type { Supply } from './projection.ts';

/** Bounds of demand over horizons; absent while no rate is known. */
export interface Outlook {
  readonly level: number;
  /** The newest bin, or the last minute where that was more: what a backlog grows by. */
  readonly recent: number;
  readonly upper: number;
}

export interface SizingInput {
  readonly spec: number;
  readonly position: Position;
  readonly capacity: Capacity;
  readonly supply: Supply;
  readonly slots: Slots;
  readonly lead: Lead;
  /** Stock with gaps as 0 (asking for more) and as the peers' maximum (asking for less). */
  readonly stock: { readonly up: Stock; readonly down: Stock };
  readonly outlook: (horizonSeconds: number, quantile: number) => Outlook | undefined;
  readonly tunables: Tunables;
  readonly evidence: { readonly allowsDecrease: boolean; readonly showsIdle: boolean; readonly because?: Because };
  /** Part of the pool's need that falls to this target, 0 to 1. */
  readonly share: number;
  /** May this target go to 0, and has nothing arrived for as long as that takes to pay? */
  readonly mayBeZero: boolean;
}

export interface Sizing {
  readonly wanted: number;
  readonly need: Need;
  readonly isReactiveRaise: boolean;
  readonly leadSeconds: number;
  readonly because: readonly Because[];
  readonly candidates: readonly CandidateReport[];
}

/**
 * Order up to the level that covers demand when the order arrives; give back only what need not be re-ordered. The order is counted against
 * spec, which holds everything already ordered: nothing is ordered twice.
 */
export function sizeTarget(input: SizingInput): Sizing {
  const { evidence } = input;
  if (input.mayBeZero && evidence.showsIdle && (input.spec === 0 || evidence.allowsDecrease)) return zero(input);
  const { need, leadSeconds } = needAtArrival(input);
  const wantedUp = Math.max(1, need.replicas);
  if (wantedUp > input.spec) return raise(input, { need, leadSeconds, wanted: wantedUp });
  return lower(input, { need, leadSeconds, wanted: wantedUp });
}

interface Draft {
  readonly need: Need;
  readonly leadSeconds: number;
  readonly wanted: number;
}

const nothing: Need = { forecast: 0, reactive: 0, backlog: 0, because: 'DemandMet', replicas: 0 };

/** What is known of demand says that nothing comes: a bound of it, which never fades to nothing, does not keep a replica. */
function zero(input: SizingInput): Sizing {
  const { spec } = input;
  const message = 'nothing arrived for so long that keeping a replica costs more than waiting for one';
  const candidates = spec === 0 ? [] : [idle(spec)];
  return {
    wanted: 0,
    need: nothing,
    isReactiveRaise: false,
    leadSeconds: firstLead(input),
    because: [{ reason: 'DemandMet', message }],
    candidates,
  };
}

/** The k-th replica ordered has the lead time of the k-th best free node: an order beyond the warm ones is sized for the cold lead time. */
function needAtArrival(input: SizingInput): AtArrival {
  return atArrival(input, (leadSeconds) => needOn(input, needInputAt(input, leadSeconds)));
}

interface AtArrival {
  readonly need: Need;
  readonly leadSeconds: number;
}

/** The same of any need that is told for a lead time. */
export function atArrival(
  input: Pick<SizingInput, 'slots' | 'lead' | 'spec'>,
  needAfter: (leadSeconds: number) => Need,
): AtArrival {
  const first = firstLead(input);
  const need = needAfter(first);
  const isAllWarm = need.replicas - input.spec <= input.slots.warm;
  if (isAllWarm || input.lead.cold <= first) return { need, leadSeconds: first };
  const later = needAfter(input.lead.cold);
  return later.replicas > need.replicas ? { need: later, leadSeconds: input.lead.cold } : { need, leadSeconds: first };
}

function firstLead({ slots, lead }: Pick<SizingInput, 'slots' | 'lead'>): number {
  return slots.warm > 0 ? lead.warm : lead.cold;
}

/** What falls to this target of a need. */
export function needOn({ share }: Pick<SizingInput, 'share'>, need: NeedInput): Need {
  return scaledTo(share, needOf(need));
}

/** Demand until the order of the next look would arrive. */
function ahead({ outlook, tunables }: SizingInput, leadSeconds: number): Outlook | undefined {
  return outlook(leadSeconds + tunables.tickSeconds, tunables.provisioningQuantile);
}

/** What the need of an order that arrives after `leadSeconds` is computed from. */
export function needInputAt(input: SizingInput, leadSeconds: number): NeedInput {
  const demand = ahead(input, leadSeconds);
  return needInput(input, { leadSeconds, demand, stock: input.stock.up });
}

function needInput(
  input: SizingInput,
  { leadSeconds, demand, stock }: { leadSeconds: number; demand: Outlook | undefined; stock: Stock },
): NeedInput {
  const { tunables } = input;
  return {
    capacity: input.capacity,
    stock,
    ...(demand === undefined ? {} : { demand }),
    supply: input.supply,
    leadSeconds,
    recoverySeconds: tunables.recoverySeconds ?? usualRecoverySeconds(leadSeconds),
    targetUtilization: plannedShare(tunables.targetUtilization, input.capacity),
    kvHighRatio: tunables.kvHighRatio,
    dead: input.position.dead,
    isLate: input.position.arriving.some((arriving) => arriving.isOverdue),
  };
}

/** A backlog that stands when help arrives is drained within half a start; nothing recovers faster than within half a minute. */
export function usualRecoverySeconds(leadSeconds: number): number {
  return Math.max(30, leadSeconds / 2);
}

/** The part of a policy's margin that stays when capacity is well measured: calibrated models are wrong by 3 to 5 %, others by 5 to 12 % (docs/policies.md). */
const leastMargin = 0.4;

/** Share of a capacity that is planned with: the policy's while the capacity is only computed; measuring it narrows the margin. */
export function plannedShare(share: number, { doubt }: Pick<Capacity, 'doubt'>): number {
  return 1 - (1 - share) * (leastMargin + (1 - leastMargin) * doubt);
}

function scaledTo(share: number, need: Need): Need {
  if (share === 1) return need;
  return {
    ...need,
    forecast: ceil(need.forecast * share),
    reactive: ceil(need.reactive * share),
    replicas: ceil(need.replicas * share),
  };
}

function raise(input: SizingInput, draft: Draft): Sizing {
  const { need, leadSeconds } = draft;
  const blocked = blockedOf(input.position);
  const isReactiveRaise = need.reactive > input.spec;
  const why: Because = { reason: need.because, message: needMessage(input, draft) };
  if (blocked === 0) {
    const candidates = [tooFew(input, draft), moreThanNeeded(draft.wanted)];
    return { wanted: draft.wanted, need, isReactiveRaise, leadSeconds, because: [why], candidates };
  }
  return {
    wanted: input.spec,
    need,
    isReactiveRaise: false,
    leadSeconds,
    because: [blockedReason(input.position), why],
    candidates: [{ replicas: draft.wanted, lost: `${blocked} ordered replicas cannot start` }],
  };
}

function needMessage(input: SizingInput, { need, leadSeconds, wanted }: Draft): string {
  const each = `${counted(wanted)} of ${figure(input.capacity.requestsPerSecond)} req/s`;
  const demand = ahead(input, leadSeconds);
  if (need.because === 'BacklogRaises') {
    return `${figure(need.backlog)} requests would still wait in ${figure(leadSeconds)} s: needs ${each}`;
  }
  if (need.because === 'ReactiveFloor' || demand === undefined) {
    const { running, waiting, queued } = input.stock.up;
    return `${figure(running)} running and ${figure(waiting + queued)} waiting need ${counted(wanted)}`;
  }
  return `up to ${figure(demand.upper)} req/s within ${figure(leadSeconds)} s needs ${each}`;
}

/** One replica fewer, and what it would leave undone. */
function tooFew(input: SizingInput, draft: Draft): CandidateReport {
  const { need, leadSeconds, wanted } = draft;
  const replicas = wanted - 1;
  if (replicas === 0 && need.replicas === 0) return { replicas, lost: 'something may still arrive' };
  if (need.because === 'BacklogRaises') {
    const seconds = figure(input.tunables.recoverySeconds ?? usualRecoverySeconds(leadSeconds));
    return { replicas, lost: `${figure(need.backlog)} waiting requests would take more than ${seconds} s` };
  }
  const demand = ahead(input, leadSeconds);
  if (need.because === 'ReactiveFloor' || demand === undefined)
    return { replicas, lost: 'what is here now would not fit' };
  const share = plannedShare(input.tunables.targetUtilization, input.capacity);
  const carried = replicas * input.capacity.requestsPerSecond * share;
  const asked = demand.upper * input.share;
  return { replicas, lost: `${figure(carried)} req/s with the margin kept, for up to ${figure(asked)}` };
}

function moreThanNeeded(wanted: number): CandidateReport {
  return { replicas: wanted + 1, lost: 'nothing asks for more' };
}

/** What there is, where fewer do. */
function idle(spec: number): CandidateReport {
  return { replicas: spec, lost: 'fewer carry it, and would be kept' };
}

function counted(n: number): string {
  return n === 1 ? '1 replica' : `${n} replicas`;
}

function blockedReason(position: Position): Because {
  if (position.refused > 0) {
    return { reason: position.refusedBy, message: `${position.refused} ordered replicas were refused at creation` };
  }
  const parts = [
    ['unschedulable', position.unschedulable],
    ['gated', position.gated],
    ['crash looping', position.crashLooping],
  ] as const;
  const named = parts.filter(([, n]) => n > 0).map(([name, n]) => `${n} ${name}`);
  return { reason: 'Unschedulable', message: `ordered replicas cannot start: ${named.join(', ')}` };
}

/** Need is at or below spec: hold, or give back what need not be re-ordered and what the survivors can do without. */
function lower(input: SizingInput, draft: Draft): Sizing {
  const { need, leadSeconds } = draft;
  const base = { need, isReactiveRaise: false, leadSeconds };
  const { spec } = input;
  const why: Because = { reason: 'DemandMet', message: needMessage(input, draft) };
  if (draft.wanted === spec) {
    const candidates = [...(spec === 0 ? [] : [tooFew(input, draft)]), moreThanNeeded(spec)];
    return { ...base, wanted: spec, because: [why], candidates };
  }
  const lost = (replicas: number, text: string): readonly CandidateReport[] => [
    { replicas, lost: text },
    moreThanNeeded(spec),
  ];
  if (!input.evidence.allowsDecrease) {
    const reason = input.evidence.because ?? { reason: 'NoPositiveEvidence' as const, message: 'demand is not known' };
    return { ...base, wanted: spec, because: [reason, why], candidates: lost(draft.wanted, reason.message) };
  }
  const floors = lacks(input.tunables, 'Consolidation') ? [] : downFloors(input, leadSeconds);
  const wanted = Math.min(spec, Math.max(draft.wanted, ...floors.map((f) => f.replicas)));
  const binding = floors.find((f) => f.replicas >= wanted && f.replicas > draft.wanted);
  const because = binding === undefined ? [why] : [binding.because, why];
  if (binding !== undefined)
    return { ...base, wanted, because, candidates: lost(draft.wanted, binding.because.message) };
  const under = wanted === 0 ? [] : [tooFew(input, { ...draft, wanted })];
  return { ...base, wanted, because, candidates: [...under, idle(spec)] };
}

interface DownFloor {
  readonly replicas: number;
  readonly because: Because;
}

/** Below these a scale-down does not go: the need over the payback time, and what the survivors can carry. */
function downFloors(input: SizingInput, leadSeconds: number): readonly DownFloor[] {
  const horizon = leadSeconds + input.tunables.paybackSeconds;
  const demand = input.outlook(horizon, paybackQuantile(input.tunables, leadSeconds));
  const again = scaledTo(
    input.share,
    needOf({ ...needInput(input, { leadSeconds, demand, stock: input.stock.down }), isLate: false }),
  ).replicas;
  const survivors = ceil(input.share * survivorsNeeded(input, demand));
  const upper = figure(demand?.upper ?? 0);
  return [
    {
      replicas: again,
      because: {
        reason: 'PaybackTooShort',
        message: `up to ${upper} req/s within ${figure(horizon)} s: fewer than ${again} would be ordered again`,
      },
    },
    {
      replicas: survivors,
      because: { reason: 'ConsolidationUnsafe', message: `fewer than ${survivors} survivors would be too full` },
    },
  ];
}

/**
 * A replica given back and needed again within the payback T is missed for one lead time L; kept, it idles for T. With missing as dear as the
 * provisioning quantile says (q : 1 - q), keeping pays where the chance of needing it exceeds (T / L) (1 - q) / q. For q = 0.95 and T = 300 s:
 * the p86 of demand at L = 110 s, the p95 at 300 s; never under the median.
 */
function paybackQuantile({ paybackSeconds, provisioningQuantile: q }: Tunables, leadSeconds: number): number {
  const chance = (paybackSeconds / leadSeconds) * ((1 - q) / q);
  return Math.max(0.5, Math.min(q, 1 - chance));
}

/**
 * N/(N-k) test: today's load on the survivors stays under the consolidation share of rate, concurrency and KV. A line through what was seen says
 * little about engines twice as full: on a learned capacity survivors are filled only as far as was nearly seen, step by step.
 */
function survivorsNeeded({ capacity, tunables, stock }: SizingInput, demand: Outlook | undefined): number {
  const { kvHighRatio } = tunables;
  const consolidationUtilization = plannedShare(tunables.consolidationUtilization, capacity);
  const byRate = (demand?.level ?? 0) / (capacity.requestsPerSecond * consolidationUtilization);
  const inFlight = capacity.provenInFlight ?? capacity.inFlight;
  const byFlight =
    (stock.down.running + stock.down.waiting + stock.down.queued) / (inFlight * consolidationUtilization);
  const byKv = stock.down.kvSum / kvHighRatio;
  return ceil(Math.max(byRate, byFlight, byKv));
}

/** Two or three digits for people. */
export function figure(n: number): string {
  return String(n >= 100 ? Math.round(n) : Number(n.toPrecision(2)));
}
