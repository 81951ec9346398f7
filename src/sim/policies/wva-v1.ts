import type { WvaV1Parameters } from '../../core/model/peer-parameters.ts';
import type { PoolSeen } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import { held, noScale, within } from './answer.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, gatewayQueue, pendingCount, reading, replicasOf } from './signals.ts';
import { fromZero, WvaActuator } from './wva-actuator.ts';
import { TimedWindow } from './windows.ts';

export interface Saturation {
  /** Largest KV share and queue of the window. */
  readonly kv: number;
  readonly waiting: number;
}

/** llm-d's WVA with the percentage engine: one step a time, and none while a replica is on its way. */
export function createWvaV1(name: string, parameters: WvaV1Parameters, setting: PolicySetting): SimulatedPolicy {
  const actuator = new WvaActuator(setting, parameters.behavior);
  const maxima = new Maxima(parameters.windowSeconds);
  let desired: number | undefined;
  return {
    name,
    tickSeconds: parameters.tickSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      maxima.look(seen, now);
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const woken = fromZero(counts.spec, gatewayQueue(seen, now));
      if (woken !== undefined) return woken;
      const read = maxima.read(seen, now);
      if (read.length === 0) return held('MetricsMissing: held');
      desired ??= counts.spec;
      const pending = pendingCount(seen);
      if (desired !== counts.status || pending > 0) {
        const because = `blocked: ${desired} desired, ${counts.status} there, ${pending} pending`;
        return actuator.apply(now, counts, { replicas: desired, because });
      }
      const { step, because } = saturationStep(parameters, read);
      const least = Math.max(1, setting.minReplicas);
      desired = within({ ...setting, minReplicas: least }, counts.spec + step);
      return actuator.apply(now, counts, { replicas: desired, because });
    },
  };
}

/** Spare capacity of the replicas that are not saturated, against the triggers; before a step down, as if one of them were gone. */
export function saturationStep(
  parameters: Omit<WvaV1Parameters, 'tickSeconds' | 'windowSeconds' | 'behavior'>,
  replicas: readonly Saturation[],
): { readonly step: -1 | 0 | 1; readonly because: string } {
  const kvLimit = parameters.kvCacheThresholdPercent / 100;
  const queueLimit = parameters.queueLengthThreshold;
  const kvTrigger = parameters.kvSpareTriggerPercent / 100;
  const free = replicas.filter(({ kv, waiting }) => kv < kvLimit && waiting < queueLimit);
  const n = free.length;
  const mean = (spare: (replica: Saturation) => number): number =>
    n === 0 ? 0 : free.reduce((sum, replica) => sum + spare(replica), 0) / n;
  const kvSpare = mean(({ kv }) => kvLimit - kv);
  const queueSpare = mean(({ waiting }) => queueLimit - waiting);
  const because = `spare KV ${kvSpare.toFixed(3)}, spare queue ${queueSpare.toFixed(1)} of ${n} unsaturated replicas`;
  if (kvSpare < kvTrigger || queueSpare < parameters.queueSpareTrigger) return { step: 1, because };
  if (n < parameters.minNonSaturated) return { step: 0, because };
  const share = n / (n - 1);
  const isSafe =
    kvLimit - (kvLimit - kvSpare) * share >= kvTrigger &&
    queueLimit - (queueLimit - queueSpare) * share >= parameters.queueSpareTrigger;
  return { step: isSafe ? -1 : 0, because };
}

/** `max_over_time` of each replica's two gauges. */
class Maxima {
  readonly #seconds: number;
  readonly #windows = new Map<string, { readonly kv: TimedWindow; readonly waiting: TimedWindow }>();

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  look(seen: PoolSeen, now: Instant): void {
    for (const replica of replicasOf(seen)) {
      const kv = reading(replica, 'kvUse', seen, now);
      const waiting = reading(replica, 'waiting', seen, now);
      const windows = this.#windows.get(replica.id) ?? {
        kv: new TimedWindow(this.#seconds),
        waiting: new TimedWindow(this.#seconds),
      };
      if (kv !== undefined) windows.kv.add(now, kv);
      if (waiting !== undefined) windows.waiting.add(now, waiting);
      this.#windows.set(replica.id, windows);
    }
  }

  /** Of the replicas that still exist and have both. */
  read(seen: PoolSeen, now: Instant): readonly Saturation[] {
    const listed = new Set(replicasOf(seen).map(({ id }) => id));
    for (const id of this.#windows.keys()) if (!listed.has(id)) this.#windows.delete(id);
    return [...this.#windows.values()].flatMap((windows) => {
      const kv = windows.kv.max(now);
      const waiting = windows.waiting.max(now);
      return kv === undefined || waiting === undefined ? [] : [{ kv, waiting }];
    });
  }
}
