import { needOf, type NeedInput, type Stock } from '../decision/need.ts';
import { blockedOf } from '../decision/position.ts';
import { needInputAt, sizeTarget, type Sizing, type SizingInput } from '../decision/sizing.ts';

const doublings = 14;
const halvings = 12;

/** The smallest changes, each alone, with which the same decision asks for more than `replicas`. */
export interface NearestChanges {
  readonly replicas: number;
  /** Requests that wait. */
  readonly queue?: number;
  /** Factor on demand, now and ahead, and what its bound would be, requests/s. */
  readonly demand?: { readonly factor: number; readonly requestsPerSecond: number };
  /** Mean KV share of the replicas that tell one. */
  readonly kvUse?: number;
}

/** "would scale to 5 at queue >= 12 or 41 req/s", or why nothing would change the answer. */
export function counterfactualOf(input: SizingInput, sizing: Sizing, maxReplicas: number): string | undefined {
  const blocked = blockedOf(input.position);
  const size = sizeNow(sizing);
  if (blocked > 0) return `stays at ${input.spec} whatever waits: ${blocked} ordered replicas cannot start`;
  if (size >= maxReplicas) return `stays at ${maxReplicas} whatever waits: it is the maximum`;
  const { queue, demand, kvUse } = nearestChanges(input, sizing);
  const parts = [
    ...(queue === undefined ? [] : [`queue >= ${queue}`]),
    ...(demand === undefined ? [] : [`${atLeast(demand.requestsPerSecond)} req/s`]),
    ...(kvUse === undefined ? [] : [`KV use >= ${Math.ceil(100 * kvUse)} %`]),
  ];
  return parts.length === 0 ? undefined : `would scale to ${size + 1} at ${parts.join(' or ')}`;
}

function sizeNow(sizing: Sizing): number {
  return Math.max(sizing.wanted, sizing.need.replicas);
}

/**
 * Each is found where need alone passes the size, then put to the whole decision: one that would not change it is not named. Where less than there is
 * is wanted, more than need decides, and the whole decision is asked throughout.
 */
export function nearestChanges(input: SizingInput, sizing: Sizing): NearestChanges {
  const base = needInputAt(input, sizing.leadSeconds);
  const replicas = sizeNow(sizing);
  const { waiting, queued } = base.stock;
  const upper = base.demand?.upper ?? 0;
  const decides = (changed: SizingInput): boolean => sizeTarget(changed).wanted > replicas;
  const needs = needsMoreThan(replicas, input);
  const isMore = (changed: SizingInput, change: Change): boolean =>
    replicas < input.spec ? decides(changed) : needs(change);
  const queue = threshold(
    (n) => isMore(withQueue(input, n), queueOf(n)),
    waiting + queued,
    Math.max(1, waiting + queued),
  );
  const factor = upper > 0 ? threshold((n) => isMore(withDemand(input, n), demandTimes(n)), 1, 0.1) : undefined;
  const kvUse = nearestKvUse(base, Math.floor(replicas / input.share) + 1);
  return {
    replicas,
    ...(queue !== undefined && decides(withQueue(input, Math.ceil(queue))) ? { queue: Math.ceil(queue) } : {}),
    ...(factor !== undefined && decides(withDemand(input, factor))
      ? { demand: { factor, requestsPerSecond: upper * factor } }
      : {}),
    ...(kvUse !== undefined && decides(withKvUse(input, kvUse)) ? { kvUse } : {}),
  };
}

type Change = (need: NeedInput) => NeedInput;

const queueOf =
  (waiting: number): Change =>
  (need) => ({ ...need, stock: { ...need.stock, waiting, queued: 0 } });
const demandTimes =
  (factor: number): Change =>
  (need) => {
    const { demand } = need;
    if (demand === undefined) return need;
    return { ...need, demand: { recent: demand.recent * factor, upper: demand.upper * factor } };
  };

/** As `needAtArrival`, of which only the changed part is computed anew: this is asked dozens of times a pass. */
function needsMoreThan(replicas: number, input: SizingInput): (change: Change) => boolean {
  const { share, spec, slots, lead } = input;
  const first = slots.warm > 0 ? lead.warm : lead.cold;
  const [soon, late] = [needInputAt(input, first), needInputAt(input, lead.cold)];
  const needOn = (need: NeedInput): number => Math.ceil(needOf(need).replicas * share);
  return (change) => {
    const need = needOn(change(soon));
    if (need > replicas || need - spec <= slots.warm || lead.cold <= first) return need > replicas;
    return needOn(change(late)) > replicas;
  };
}

/** The mean share at which the KV of what runs and waits asks for so many replicas; beyond what there is, none. */
function nearestKvUse({ stock, kvHighRatio }: NeedInput, replicas: number): number | undefined {
  const { kvReplicas, kvSum } = stock;
  if (kvReplicas === 0 || kvSum / kvReplicas >= kvHighRatio) return undefined;
  const mean = Math.max(kvHighRatio, ((replicas - 1) * kvHighRatio) / kvReplicas);
  const whole = (Math.floor(100 * mean) + 1) / 100;
  return whole > 1 ? undefined : whole;
}

export function withQueue(input: SizingInput, waiting: number): SizingInput {
  return withStock(input, (stock) => ({ ...stock, waiting, queued: 0 }));
}

export function withDemand(input: SizingInput, factor: number): SizingInput {
  return {
    ...input,
    outlook: (horizonSeconds, quantile) => {
      const made = input.outlook(horizonSeconds, quantile);
      if (made === undefined) return undefined;
      return { level: made.level * factor, recent: made.recent * factor, upper: made.upper * factor };
    },
  };
}

export function withKvUse(input: SizingInput, mean: number): SizingInput {
  return withStock(input, (stock) => ({ ...stock, kvSum: mean * stock.kvReplicas }));
}

function withStock(input: SizingInput, change: (stock: Stock) => Stock): SizingInput {
  const { up, down } = input.stock;
  return { ...input, stock: { up: change(up), down: change(down) } };
}

/** Two digits at least, rounded up: what is named is enough. */
function atLeast(n: number): string {
  const unit = n >= 10 ? 1 : 10 ** (1 - Math.floor(Math.log10(n)));
  return String(Number((Math.ceil(n * unit) / unit).toPrecision(12)));
}

/** Smallest value above `from` at which a monotone condition holds, up to a thousandth; `undefined` when it holds nowhere within reach. */
function threshold(holds: (value: number) => boolean, from: number, step: number): number | undefined {
  let width = step;
  let high = from + width;
  for (let i = 0; !holds(high); i++) {
    if (i === doublings) return undefined;
    width *= 2;
    high = from + width;
  }
  let low = from;
  for (let i = 0; i < halvings && high - low > 1e-3 * high; i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}
