import type { NeedInput, Stock } from '../decision/need.ts';
import { blockedOf } from '../decision/position.ts';
import { atArrival, needInputAt, needOn, sizeTarget, type Sizing, type SizingInput } from '../decision/sizing.ts';

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
  const decides = (change: Change): boolean => sizeTarget(change.of(input)).wanted > replicas;
  const isMore = replicas < input.spec ? decides : needsMoreThan(replicas, input);
  const now = waiting + queued;
  const queue = threshold((n) => isMore(queueOf(n)), now, Math.max(1, now));
  const factor = upper > 0 ? threshold((n) => isMore(demandTimes(n)), 1, 0.1) : undefined;
  const kvUse = nearestKvUse(base, Math.floor(replicas / input.share) + 1);
  return {
    replicas,
    ...(queue !== undefined && decides(queueOf(Math.ceil(queue))) ? { queue: Math.ceil(queue) } : {}),
    ...(factor !== undefined && decides(demandTimes(factor))
      ? { demand: { factor, requestsPerSecond: upper * factor } }
      : {}),
    ...(kvUse !== undefined && decides(kvUseOf(kvUse)) ? { kvUse } : {}),
  };
}

/** What would be otherwise, in what the whole decision looks at and in what need alone does. */
interface Change {
  readonly of: (input: SizingInput) => SizingInput;
  readonly on: (need: NeedInput) => NeedInput;
}

export function queueOf(waiting: number): Change {
  return changeOfStock((stock) => ({ ...stock, waiting, queued: 0 }));
}

export function kvUseOf(mean: number): Change {
  return changeOfStock((stock) => ({ ...stock, kvSum: mean * stock.kvReplicas }));
}

function changeOfStock(change: (stock: Stock) => Stock): Change {
  return {
    of: (input) => ({ ...input, stock: { up: change(input.stock.up), down: change(input.stock.down) } }),
    on: (need) => ({ ...need, stock: change(need.stock) }),
  };
}

export function demandTimes(factor: number): Change {
  const times = <T extends { readonly recent: number; readonly upper: number }>(demand: T): T => ({
    ...demand,
    recent: demand.recent * factor,
    upper: demand.upper * factor,
  });
  return {
    of: (input) => ({
      ...input,
      outlook: (horizonSeconds, quantile) => {
        const made = input.outlook(horizonSeconds, quantile);
        return made === undefined ? undefined : { ...times(made), level: made.level * factor };
      },
    }),
    on: (need) => (need.demand === undefined ? need : { ...need, demand: times(need.demand) }),
  };
}

/** Whether the need at the order's arrival passes a size. Only the changed part is computed anew: this is asked dozens of times a pass. */
function needsMoreThan(replicas: number, input: SizingInput): (change: Change) => boolean {
  const bases = new Map([input.lead.warm, input.lead.cold].map((lead) => [lead, needInputAt(input, lead)]));
  return ({ on }) =>
    atArrival(input, (lead) => needOn(input, on(bases.get(lead) ?? needInputAt(input, lead)))).need.replicas > replicas;
}

/** The mean share at which the KV of what runs and waits asks for so many replicas; beyond what there is, none. */
function nearestKvUse({ stock, kvHighRatio }: NeedInput, replicas: number): number | undefined {
  const { kvReplicas, kvSum } = stock;
  if (kvReplicas === 0 || kvSum / kvReplicas >= kvHighRatio) return undefined;
  const mean = Math.max(kvHighRatio, ((replicas - 1) * kvHighRatio) / kvReplicas);
  const whole = (Math.floor(100 * mean) + 1) / 100;
  return whole > 1 ? undefined : whole;
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
