import type { Instant } from '../../core/model/units.ts';
import { SlidingMaximum } from './sliding-maximum.ts';

export interface KpaSpec {
  /** What one pod should hold, and what it can hold. */
  readonly targetValue: number;
  readonly totalValue: number;
  readonly targetBurstCapacity: number;
  readonly maxScaleUpRate: number;
  readonly maxScaleDownRate: number;
  /** Times the ready pods. */
  readonly panicThreshold: number;
  readonly stableWindowSeconds: number;
  readonly scaleDownDelaySeconds: number;
  /** Least size but zero; 1: none. */
  readonly activationScale: number;
  readonly isReachable: boolean;
}

/** Window means of the whole pool's concurrency; absent: no data. */
export interface KpaMetrics {
  readonly stable: number;
  readonly panic: number;
}

export interface KpaDecision {
  readonly replicas: number;
  readonly isPanicking: boolean;
  /** Room for a burst; below 0 the activator stays in the path. */
  readonly excessBurstCapacity: number;
}

const delayGranularitySeconds = 2;

/** Knative's decision function with its memory: panic, which only goes up, and the delay of decreases. */
export class KpaDecider {
  readonly #delay: SlidingMaximum | undefined;
  #panicSince: Instant | undefined;
  #maxPanicPods: number;

  /** A new decider that finds more than one pod begins in panic: it must not shrink what it does not know. */
  constructor({ scaleDownDelaySeconds }: KpaSpec, { ready, now }: { readonly ready: number; readonly now: Instant }) {
    this.#panicSince = ready > 1 ? now : undefined;
    this.#maxPanicPods = ready;
    this.#delay =
      scaleDownDelaySeconds > 0 ? new SlidingMaximum(scaleDownDelaySeconds, delayGranularitySeconds) : undefined;
  }

  get panicSince(): Instant | undefined {
    return this.#panicSince;
  }

  decide(spec: KpaSpec, now: Instant, ready: number, metrics: KpaMetrics): KpaDecision {
    const readyPods = Math.max(1, ready);
    const wanted = bounded(spec, readyPods, metrics);
    this.#panic(spec, now, Math.ceil(metrics.panic / spec.targetValue) / readyPods >= spec.panicThreshold);
    let replicas = wanted.stable;
    if (this.#panicSince !== undefined) {
      this.#maxPanicPods = Math.max(this.#maxPanicPods, wanted.stable, wanted.panic);
      replicas = this.#maxPanicPods;
    }
    if (this.#delay !== undefined && spec.isReachable) {
      this.#delay.record(now, replicas);
      replicas = this.#delay.current;
    }
    return {
      replicas,
      isPanicking: this.#panicSince !== undefined,
      excessBurstCapacity: excessBurstCapacity(spec, ready, metrics),
    };
  }

  #panic({ stableWindowSeconds }: KpaSpec, now: Instant, isOver: boolean): void {
    if (isOver) {
      this.#panicSince = now;
    } else if (this.#panicSince !== undefined && this.#panicSince + stableWindowSeconds * 1000 < now) {
      this.#panicSince = undefined;
      this.#maxPanicPods = 0;
    }
  }
}

function bounded(spec: KpaSpec, readyPods: number, metrics: KpaMetrics): KpaMetrics {
  const most = Math.ceil(spec.maxScaleUpRate * readyPods);
  const least = spec.isReachable ? Math.floor(readyPods / spec.maxScaleDownRate) : 0;
  const pods = (value: number): number => {
    const desired = Math.ceil(value / spec.targetValue);
    const inside = Math.min(Math.max(desired, least), most);
    return desired > 0 ? Math.max(inside, spec.activationScale) : inside;
  };
  return { stable: pods(metrics.stable), panic: pods(metrics.panic) };
}

function excessBurstCapacity(spec: KpaSpec, ready: number, { panic }: KpaMetrics): number {
  if (spec.targetBurstCapacity === 0) return 0;
  if (spec.targetBurstCapacity < 0) return -1;
  return Math.floor(ready * spec.totalValue - spec.targetBurstCapacity - panic);
}
