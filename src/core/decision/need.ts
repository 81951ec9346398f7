import type { Capacity } from '../capacity/from-profile.ts';
import { backlogAfter, type Supply } from './projection.ts';

/** The work that is here now, gaps filled against whatever is asked. */
export interface Stock {
  readonly waiting: number;
  readonly running: number;
  /** Waiting at the gateway. */
  readonly queued: number;
  /** Sum of KV shares, and how many replicas it is over. */
  readonly kvSum: number;
  readonly kvReplicas: number;
}

export interface NeedInput {
  readonly capacity: Capacity;
  readonly stock: Stock;
  /** Demand now, and its bound when the order arrives; absent while no rate is known. */
  readonly demand?: { readonly recent: number; readonly upper: number };
  readonly supply: Supply;
  readonly leadSeconds: number;
  readonly recoverySeconds: number;
  readonly targetUtilization: number;
  readonly kvHighRatio: number;
  /** Wedged replicas: where capacity is short, each needs another in its place. */
  readonly dead: number;
  /** Something ordered should have arrived by now: the queue it was ordered for must not order it again. */
  readonly isLate: boolean;
}

export interface Need {
  /** Covers the bound of demand. */
  readonly forecast: number;
  /** Covers what is here now. */
  readonly reactive: number;
  /** Requests still waiting when the order arrives. */
  readonly backlog: number;
  readonly because: 'DemandMet' | 'ForecastRaises' | 'BacklogRaises' | 'ReactiveFloor';
  readonly replicas: number;
}

/** The smallest number of replicas that carries demand from the order's arrival on, drains what still stands then, and never less than what is here. */
export function needOf(input: NeedInput): Need {
  const { capacity, stock, demand } = input;
  const excess = Math.max(0, stock.running - (input.supply.now / capacity.requestsPerSecond) * capacity.inFlight);
  const now = stock.waiting + stock.queued + excess;
  const rate = demand?.recent ?? input.supply.now;
  const backlog = backlogAfter(now, { rate, supply: input.supply, seconds: input.leadSeconds });
  const forecast =
    demand === undefined ? 0 : ceil(demand.upper / (capacity.requestsPerSecond * input.targetUtilization));
  const drained = input.isLate ? 0 : backlog / input.recoverySeconds;
  const draining = backlog > 0 ? ceil((rate + drained) / capacity.requestsPerSecond) : 0;
  const isTrusted = demand !== undefined && capacity.source !== 'prior';
  const floor = isTrusted ? kvNeed(input, Math.min(backlog, now)) : Math.max(stockNeed(input), kvNeed(input, now));
  const short = backlog > 0 ? input.dead : 0;
  const reactive = Math.max(draining, floor) + short;
  const replicas = Math.max(forecast, reactive);
  return {
    forecast,
    reactive,
    backlog,
    replicas,
    because: because({ forecast, draining: draining + short, reactive }),
  };
}

function because(need: {
  readonly forecast: number;
  readonly draining: number;
  readonly reactive: number;
}): Need['because'] {
  if (need.forecast >= need.reactive) return 'ForecastRaises';
  return need.draining >= need.reactive ? 'BacklogRaises' : 'ReactiveFloor';
}

/** Everything in flight at the number of requests that a replica runs at once. */
function stockNeed({ stock, capacity }: NeedInput): number {
  return ceil((stock.running + stock.waiting + stock.queued) / capacity.inFlight);
}

/** KV that running requests hold and waiting ones will: a lower bound once the fleet's mean is high. */
function kvNeed({ stock, capacity, kvHighRatio }: NeedInput, waiting: number): number {
  if (stock.kvReplicas === 0 || stock.kvSum / stock.kvReplicas < kvHighRatio) return 0;
  return ceil((stock.kvSum + waiting / capacity.inFlight) / kvHighRatio);
}

/** Rounds up, forgiving the last bits of a division; of nothing 0, not -0. */
export function ceil(n: number): number {
  return Math.max(0, Math.ceil(n - 1e-9));
}
