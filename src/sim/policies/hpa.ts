import {
  type Held,
  limitRate,
  limitWithoutBehavior,
  longestPeriodSeconds,
  stabilise,
} from '../../core/decision/behavior.ts';
import type { RawRecommendation } from '../../core/model/memory.ts';
import { type Behavior, defaultBehavior } from '../../core/model/policy.ts';
import type { SpecChange } from '../../core/model/pool.ts';
import { type Instant, replicas } from '../../core/model/units.ts';
import { type PodOfMetric, podsReplicas } from './hpa-pods.ts';
import { isWithin, type Tolerance } from './hpa-tolerance.ts';

export { isWithin } from './hpa-tolerance.ts';

/** An external metric as the HPA reads it, in thousandths; `undefined`: the API answered an error or no series. */
export interface HpaMetric {
  readonly name: string;
  readonly type: 'Value' | 'AverageValue';
  readonly usageMilli: bigint | undefined;
  readonly targetMilli: bigint;
}

/** A metric of each pod, read through custom.metrics.k8s.io. */
export interface HpaPodsMetric {
  readonly name: string;
  readonly type: 'Pods';
  readonly pods: readonly PodOfMetric[];
  readonly targetMilli: bigint;
}

export interface HpaSetting {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly tolerance: Tolerance;
  /** Absent: the rules of an HPA without `behavior`. */
  readonly behavior?: Behavior;
}

export interface HpaView {
  readonly now: Instant;
  readonly spec: number;
  readonly status: number;
  /** Pods that are Running and Ready. */
  readonly ready: number;
  readonly metrics: readonly (HpaMetric | HpaPodsMetric)[];
}

export interface HpaAnswer {
  readonly replicas: number;
  readonly because: string;
}

const maxInt32 = 2_147_483_647n;

/** Replicas that one external metric asks for; `undefined` when it has no value or no pod to multiply by. */
export function externalReplicas(
  metric: HpaMetric,
  view: Omit<HpaView, 'now' | 'metrics'>,
  tolerance: Tolerance,
): number | undefined {
  const { usageMilli: usage, targetMilli: target } = metric;
  if (usage === undefined) return undefined;
  if (metric.type === 'AverageValue') {
    const ratio = view.status === 0 ? Number.POSITIVE_INFINITY : Number(usage) / Number(target * BigInt(view.status));
    if (isWithin(ratio, tolerance)) return view.status;
    return clamped((usage + target - 1n) / target);
  }
  const ratio = Number(usage) / Number(target);
  if (view.spec === 0) return clampedNumber(Math.ceil(ratio));
  if (isWithin(ratio, tolerance)) return view.spec;
  return view.ready === 0 ? undefined : clampedNumber(Math.ceil(ratio * view.ready));
}

/** The HPA v2 controller for external and Pods metrics: one call of `sync` is one reconcile. Its history lives in it, as upstream's does. */
export class Hpa {
  readonly #setting: HpaSetting;
  #history: readonly RawRecommendation[] = [];
  #changes: readonly SpecChange[] = [];
  /** It went to zero itself: from a zero that somebody else set it does not come back. */
  #isZeroed = false;

  constructor(setting: HpaSetting) {
    this.#setting = setting;
  }

  sync(view: HpaView): HpaAnswer {
    const { minReplicas: min, maxReplicas: max } = this.#setting;
    const { spec, now } = view;
    if (this.#history.length === 0) this.#history = [{ at: now, replicas: replicas(spec) }];
    if (spec > 0) this.#isZeroed = false;
    if (spec === 0 && !this.#isZeroed) return { replicas: 0, because: 'ScalingDisabled: the target has no replicas' };
    if (spec > max) return this.#scale(view, { replicas: max }, `${spec} is above maxReplicas`);
    if (spec < min) return this.#scale(view, { replicas: min }, `${spec} is below minReplicas`);
    const proposal = propose(view, this.#setting.tolerance);
    if (proposal === undefined) return { replicas: spec, because: `${failureOf(view)}: held` };
    return this.#scale(view, this.#normalise(view, proposal.replicas), proposal.because);
  }

  #normalise({ spec, now }: HpaView, desired: number): Held {
    const { minReplicas: min, maxReplicas: max, behavior } = this.#setting;
    const windows = behavior ?? defaultBehavior;
    const stable = stabilise({ current: spec, desired, history: this.#history, now }, windows);
    const highest = Math.max(desired, ...this.#young(now, windows.scaleDown.stabilizationWindowSeconds));
    this.#record(desired, now, windows);
    if (behavior === undefined) {
      const held = limitWithoutBehavior({ current: spec, desired: highest, min, max });
      return held.by !== undefined || highest === desired ? held : { ...held, by: 'ScaleDownStabilized' };
    }
    const held = limitRate(
      { current: spec, desired: stable.replicas, min, max, changes: this.#changes, now },
      behavior,
    );
    return held.by !== undefined || stable.by === undefined ? held : { ...held, by: stable.by };
  }

  #young(now: Instant, windowSeconds: number): readonly number[] {
    return this.#history.filter(({ at }) => at > now - windowSeconds * 1000).map(({ replicas: n }) => n);
  }

  #record(desired: number, now: Instant, { scaleUp, scaleDown }: Behavior): void {
    const longest = Math.max(scaleUp.stabilizationWindowSeconds, scaleDown.stabilizationWindowSeconds);
    this.#history = [
      ...this.#history.filter(({ at }) => at > now - longest * 1000),
      { at: now, replicas: replicas(desired) },
    ];
  }

  #scale({ spec, now }: HpaView, held: Held, why: string): HpaAnswer {
    const { behavior } = this.#setting;
    if (held.replicas === 0) this.#isZeroed = true;
    if (held.replicas !== spec && behavior !== undefined) {
      const young = this.#changes.filter(({ at }) => at > now - longestPeriodSeconds(behavior) * 1000);
      this.#changes = [...young, { at: now, from: replicas(spec), to: replicas(held.replicas) }];
    }
    return { replicas: held.replicas, because: held.by === undefined ? why : `${why}; ${held.by}` };
  }
}

/** The largest of the metrics. One that fails forbids going down and never going up. */
function propose(view: HpaView, tolerance: Tolerance): HpaAnswer | undefined {
  let best: HpaAnswer | undefined;
  let isAnyFailing = false;
  for (const metric of view.metrics) {
    const wanted = replicasFor(metric, view, tolerance);
    if (wanted === undefined) isAnyFailing = true;
    else if (best === undefined || wanted > best.replicas) {
      best = { replicas: wanted, because: `${metric.name} ${usageOf(metric)} asks for ${wanted}` };
    }
  }
  return best !== undefined && isAnyFailing && best.replicas < view.spec ? undefined : best;
}

function replicasFor(metric: HpaMetric | HpaPodsMetric, view: HpaView, tolerance: Tolerance): number | undefined {
  if (metric.type === 'Pods') return podsReplicas({ ...metric, spec: view.spec }, tolerance);
  return externalReplicas(metric, view, tolerance);
}

function usageOf(metric: HpaMetric | HpaPodsMetric): number {
  if (metric.type !== 'Pods') return Number(metric.usageMilli ?? 0n) / 1000;
  const samples = metric.pods.flatMap(({ milli }) => milli ?? []);
  return Number(samples.reduce((sum, milli) => sum + milli, 0n)) / (1000 * samples.length);
}

function failureOf({ metrics }: HpaView): string {
  return metrics[0]?.type === 'Pods' ? 'FailedGetPodsMetric' : 'FailedGetExternalMetric';
}

function clamped(n: bigint): number {
  return Number(n > maxInt32 ? maxInt32 : n);
}

function clampedNumber(n: number): number {
  return Math.min(n, Number(maxInt32));
}
