import type { PolicyView, SimulatedPolicy } from '../policies/policy.ts';
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

/**
 * Knows the true size, from the first scrape after it changed on, and nothing of what comes: orders it once. What queued up meanwhile is not
 * ordered for.
 */
export function createReactiveOracle({ sizes }: OraclePlan, scrapeIntervalSeconds: number): SimulatedPolicy {
  return {
    name: 'reactive-oracle',
    tickSeconds: scrapeIntervalSeconds,
    decide: ({ now, seen }) => {
      const bin = Math.min(sizes.length, Math.ceil(now / 1000 / binSeconds)) - 1;
      const size = sizes[bin] ?? 0;
      const because = `the arrivals of this moment need ${size}`;
      return { ...(seen.targets[0]?.specReplicas === size ? {} : { replicas: size }), actions: [], because };
    },
  };
}
