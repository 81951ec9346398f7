import type { Behavior } from '../../core/model/policy.ts';
import type { Instant } from '../../core/model/units.ts';
import { answerOf } from './answer.ts';
import { Hpa } from './hpa.ts';
import type { PolicyAnswer, PolicySetting } from './policy.ts';
import type { Counts } from './signals.ts';

/**
 * WVA writes no replicas: it publishes `wva_desired_replicas`, which an HPA follows as an External metric, AverageValue 1. The HPA's tolerance
 * applies, so one replica more on ten or more is not taken.
 */
export class WvaActuator {
  readonly #hpa: Hpa;

  constructor({ minReplicas, maxReplicas }: PolicySetting, behavior: Behavior) {
    this.#hpa = new Hpa({ minReplicas, maxReplicas, tolerance: { up: 0.1, down: 0.1 }, behavior });
  }

  apply(now: Instant, counts: Counts, desired: { readonly replicas: number; readonly because: string }): PolicyAnswer {
    const usageMilli = BigInt(desired.replicas) * 1000n;
    const metric = { name: 'wva_desired_replicas', type: 'AverageValue', usageMilli, targetMilli: 1000n } as const;
    const answer = this.#hpa.sync({ now, ...counts, metrics: [metric] });
    return answerOf(counts.spec, answer.replicas, `${desired.because}; ${answer.because}`);
  }
}

/** Scale from zero, the one change that WVA makes itself: a request waits in the endpoint picker. */
export function fromZero(spec: number, queued: number | undefined): PolicyAnswer | undefined {
  if (spec > 0) return undefined;
  return answerOf(0, (queued ?? 0) > 0 ? 1 : 0, `at zero, ${queued ?? 'unknown'} requests wait at the gateway`);
}
