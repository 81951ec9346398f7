import { usualRecoverySeconds } from '../../core/decision/sizing.ts';
import type { PolicyView, SimulatedPolicy } from '../policies/policy.ts';
import { gatewayQueue, pendingCount, readyCount, sumOf } from '../policies/signals.ts';
import { binSeconds } from './bin-loads.ts';
import type { OraclePlan } from './plan.ts';

/** The longest that it does not look, though nothing is due. */
const longestTick = 300;

/** Knows all arrivals: follows its plan, and looks when an order is due. Nobody can build it; it bounds what a policy can reach. */
export function createOracle(
  { sizes, orders }: OraclePlan,
  onLook: (view: PolicyView) => void = () => undefined,
): SimulatedPolicy {
  let next = 0;
  let seconds = 0;
  return {
    name: 'oracle',
    initialReplicas: sizes[0] ?? 0,
    get tickSeconds(): number {
      return Math.min(longestTick, Math.max(0.001, (orders[next]?.at ?? Number.POSITIVE_INFINITY) - seconds));
    },
    decide: (view) => {
      onLook(view);
      seconds = view.now / 1000;
      let due: number | undefined;
      for (let order = orders[next]; order !== undefined && order.at <= seconds + 1e-6; order = orders[++next]) {
        due = order.replicas;
      }
      if (due === undefined) return { actions: [], because: 'nothing is due' };
      return { replicas: due, actions: [], because: `the arrivals to come need ${due} one lead time from now` };
    },
  };
}

/** What a reactive oracle knows of serving: when it looks, what a start takes, how many requests a second come in each bin and a full replica serves of them. */
export interface Serving {
  readonly scrapeIntervalSeconds: number;
  readonly leadSeconds: number;
  readonly rates: readonly number[];
  readonly replicaRates: readonly number[];
  readonly maxReplicas: number;
}

/**
 * Knows the true size, from the first scrape after it changed on, and nothing of what comes: orders it once, and with it what drains the queue that
 * will stand when the order arrives. While an order is on its way nothing more is ordered for the queue; what the queue no longer needs goes at once.
 */
export function createReactiveOracle({ sizes }: OraclePlan, serving: Serving): SimulatedPolicy {
  return {
    name: 'reactive-oracle',
    tickSeconds: serving.scrapeIntervalSeconds,
    decide: (view) => {
      const bin = Math.min(sizes.length, Math.ceil(view.now / 1000 / binSeconds)) - 1;
      const size = sizes[bin] ?? 0;
      const spec = view.seen.targets[0]?.specReplicas ?? size;
      const isOnItsWay = pendingCount(view.seen) > 0;
      const forQueue = isOnItsWay ? Math.max(0, spec - size) : drainers(view, bin, serving);
      const wanted = Math.min(serving.maxReplicas, size + forQueue);
      const because = `the arrivals of this moment need ${size}, the queue ${forQueue}`;
      return { ...(spec === wanted ? {} : { replicas: wanted }), actions: [], because };
    },
  };
}

/** Replicas beside the size that drain what will stand one start from now. */
function drainers({ now, seen }: PolicyView, bin: number, { leadSeconds, replicaRates, rates }: Serving): number {
  const each = replicaRates[bin] ?? 0;
  if (each <= 0) return 0;
  const waiting = (sumOf('waiting', seen, now) ?? 0) + (gatewayQueue(seen, now) ?? 0);
  const serves = each * readyCount(seen);
  const grows = ((rates[bin] ?? 0) - serves) * leadSeconds;
  const standing = Math.max(0, waiting + grows);
  return Math.ceil(standing / usualRecoverySeconds(leadSeconds) / each);
}
