import type { FallbackBehavior, KedaFallback } from '../../core/model/peer-parameters.ts';
import type { Behavior } from '../../core/model/policy.ts';
import type { Instant } from '../../core/model/units.ts';
import { Hpa, type HpaAnswer, type HpaMetric } from './hpa.ts';
import type { PolicySetting } from './policy.ts';
import { type Counts, milli } from './signals.ts';

/** One trigger as it was just read; `value` absent: its source answered an error. */
export interface TriggerReading {
  readonly name: string;
  readonly type: HpaMetric['type'];
  readonly value: number | undefined;
  readonly thresholdMilli: number;
  readonly activationThresholdMilli: number;
}

export interface ScaledObjectSetting {
  readonly pollingSeconds: number;
  readonly cooldownSeconds: number;
  readonly tolerancePercent: number;
  readonly fallback?: KedaFallback;
  readonly behavior?: Behavior;
}

/** HPAs sync each 15 s whatever KEDA's polling interval is. */
const syncSeconds = 15;

/**
 * KEDA's two actors: KEDA itself moves between 0 and 1 each polling interval, the HPA that it writes moves between 1 and N each 15 s.
 * A target that never was active counts as active when it was first seen: it had been scaled up by somebody.
 */
export class ScaledObject {
  readonly #setting: ScaledObjectSetting;
  readonly #minReplicas: number;
  readonly #hpa: Hpa;
  readonly #failures = new Map<string, number>();
  #lastActive: Instant | undefined;
  #lastPoll: Instant | undefined;

  constructor(setting: ScaledObjectSetting, { minReplicas, maxReplicas }: PolicySetting) {
    const tolerance = setting.tolerancePercent / 100;
    const { behavior } = setting;
    this.#setting = setting;
    this.#minReplicas = minReplicas;
    this.#hpa = new Hpa({
      minReplicas: Math.max(1, minReplicas),
      maxReplicas,
      tolerance: { up: tolerance, down: tolerance },
      ...(behavior === undefined ? {} : { behavior }),
    });
  }

  /** The interval at which both actors can be served. */
  static tickSeconds({ pollingSeconds }: Pick<ScaledObjectSetting, 'pollingSeconds'>): number {
    let [a, b] = [pollingSeconds, syncSeconds];
    while (b > 0) [a, b] = [b, a % b];
    return a;
  }

  look(now: Instant, counts: Counts, readings: readonly TriggerReading[]): HpaAnswer {
    const step = this.#poll(now, counts.spec, readings);
    if (step !== undefined) return step;
    if (counts.spec === 0) return { replicas: 0, because: 'KEDA: at zero, no trigger is active' };
    const metrics = readings.map((trigger) => this.#metric(trigger, counts));
    return this.#hpa.sync({ now, ...counts, metrics });
  }

  /** What KEDA itself does each polling interval; nothing when the size is its HPA's business. */
  #poll(now: Instant, spec: number, readings: readonly TriggerReading[]): HpaAnswer | undefined {
    const { pollingSeconds, cooldownSeconds } = this.#setting;
    if (this.#lastPoll !== undefined && now - this.#lastPoll < pollingSeconds * 1000) return undefined;
    this.#lastPoll = now;
    const isActive = readings.some((trigger) => (trigger.value ?? 0) * 1000 > trigger.activationThresholdMilli);
    if (isActive || this.#lastActive === undefined) this.#lastActive = now;
    if (isActive) {
      if (spec > 0) return undefined;
      return { replicas: Math.max(1, this.#minReplicas), because: 'KEDA: a trigger is active' };
    }
    const isCool = now - this.#lastActive >= cooldownSeconds * 1000;
    const isFailing = readings.some(({ value }) => value === undefined);
    if (spec === 0 || this.#minReplicas > 0 || !isCool || isFailing) return undefined;
    return { replicas: 0, because: 'KEDA: no trigger active for the cooldown period' };
  }

  #metric({ name, type, value, thresholdMilli }: TriggerReading, counts: Counts): HpaMetric {
    const targetMilli = BigInt(thresholdMilli);
    if (value !== undefined) {
      this.#failures.set(name, 0);
      return { name, type, usageMilli: milli(value), targetMilli };
    }
    const failures = (this.#failures.get(name) ?? 0) + 1;
    this.#failures.set(name, failures);
    const { fallback } = this.#setting;
    const usageMilli =
      fallback === undefined ? undefined : fallbackMilli({ type, thresholdMilli }, { failures, fallback, counts });
    return { name, type, usageMilli, targetMilli };
  }
}

export interface FallbackCase {
  /** Failures in a row, this one included. */
  readonly failures: number;
  readonly fallback: KedaFallback;
  readonly counts: Counts;
}

/** The value that KEDA makes up for a trigger that keeps failing; `undefined`: it reports the error. */
export function fallbackMilli(
  { type, thresholdMilli }: Pick<TriggerReading, 'type' | 'thresholdMilli'>,
  { failures, fallback, counts }: FallbackCase,
): bigint | undefined {
  if (failures <= fallback.failureThreshold) return undefined;
  const usage = thresholdMilli * fallbackReplicas(fallback.behavior, fallback.replicas, counts.spec);
  if (type === 'AverageValue') return BigInt(Math.trunc(usage));
  return counts.ready === 0 ? undefined : BigInt(Math.trunc(usage / counts.ready));
}

function fallbackReplicas(behavior: FallbackBehavior, replicas: number, current: number): number {
  switch (behavior) {
    case 'static':
      return replicas;
    case 'currentReplicas':
      return current;
    case 'currentReplicasIfHigher':
      return Math.max(current, replicas);
    case 'currentReplicasIfLower':
      return Math.min(current, replicas);
  }
}
