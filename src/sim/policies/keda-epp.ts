import type { KedaEppParameters, KedaTrigger } from '../../core/model/policy-definition.ts';
import type { Instant } from '../../core/model/units.ts';
import type { PoolSeen } from '../../core/model/pool.ts';
import { Hpa } from './hpa.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, milli, reading, replicasOf, sumOf } from './signals.ts';

/**
 * llm-d's recipe: a ScaledObject on the endpoint picker's pool saturation and running requests. KEDA moves between 0 and 1, its HPA between 1 and N.
 * `ignoreNullValues` is true, KEDA's default: a query without a series reads 0.
 */
export function createKedaEpp(name: string, parameters: KedaEppParameters, setting: PolicySetting): SimulatedPolicy {
  const tolerance = parameters.tolerancePercent / 100;
  const { behavior } = parameters;
  const hpa = new Hpa({
    minReplicas: Math.max(1, setting.minReplicas),
    maxReplicas: setting.maxReplicas,
    tolerance: { up: tolerance, down: tolerance },
    ...(behavior === undefined ? {} : { behavior }),
  });
  let lastActive: Instant | undefined;
  return {
    name,
    tickSeconds: parameters.pollingSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const counts = countsOf(seen);
      if (counts === undefined) return { actions: [], because: 'FailedGetScale: held' };
      const read = parameters.triggers.map((trigger) => ({
        trigger,
        value: triggerValue(trigger, parameters, seen, now),
      }));
      const isActive = read.some(({ trigger, value }) => value * 1000 > trigger.activationThresholdMilli);
      if (isActive || lastActive === undefined) lastActive = now;
      const isCool = now - lastActive >= parameters.cooldownSeconds * 1000;
      const step = zeroStep({ isActive, isCool, spec: counts.spec, min: setting.minReplicas });
      if (step !== undefined) return { ...step, actions: [] };
      const metrics = read.map(({ trigger, value }) => ({
        name: trigger.signal,
        type: trigger.metricType,
        usageMilli: milli(value),
        targetMilli: BigInt(trigger.thresholdMilli),
      }));
      const answer = hpa.sync({ now, ...counts, metrics });
      return {
        ...(answer.replicas === counts.spec ? {} : { replicas: answer.replicas }),
        actions: [],
        because: answer.because,
      };
    },
  };
}

/**
 * Mean over endpoints of the larger of queue and KV, each relative to its set point: 1 is the set point, above it is oversubscription. An endpoint
 * without fresh metrics counts as saturated, and so does a pool without endpoints.
 */
export function poolSaturation(
  parameters: Pick<KedaEppParameters, 'queueDepthThreshold' | 'kvUseThresholdPercent'>,
  seen: PoolSeen,
  now: Instant,
): number {
  const endpoints = replicasOf(seen).filter(({ phase }) => phase === 'Ready');
  if (endpoints.length === 0) return 1;
  const scores = endpoints.map((replica) => {
    const waiting = reading(replica, 'waiting', seen, now);
    const kvUse = reading(replica, 'kvUse', seen, now);
    if (waiting === undefined || kvUse === undefined) return 1;
    return Math.max(waiting / parameters.queueDepthThreshold, (kvUse * 100) / parameters.kvUseThresholdPercent);
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

function triggerValue(trigger: KedaTrigger, parameters: KedaEppParameters, seen: PoolSeen, now: Instant): number {
  if (trigger.signal === 'PoolSaturation') return poolSaturation(parameters, seen, now);
  const running = sumOf('running', seen, now);
  const waiting = sumOf('waiting', seen, now);
  return (running ?? 0) + (waiting ?? 0);
}

interface ZeroView {
  readonly isActive: boolean;
  readonly isCool: boolean;
  readonly spec: number;
  readonly min: number;
}

/** What KEDA itself does each poll; nothing when the size is its HPA's business. */
function zeroStep({ isActive, isCool, spec, min }: ZeroView): Omit<PolicyAnswer, 'actions'> | undefined {
  if (spec === 0) {
    return isActive
      ? { replicas: Math.max(1, min), because: 'KEDA: a trigger is active' }
      : { because: 'KEDA: at zero, no trigger is active' };
  }
  if (min === 0 && !isActive && isCool)
    return { replicas: 0, because: 'KEDA: no trigger active for the cooldown period' };
  return undefined;
}
