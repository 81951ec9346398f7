import type { KedaEppParameters, KedaTrigger } from '../../core/model/policy-definition.ts';
import type { Instant } from '../../core/model/units.ts';
import type { PoolSeen } from '../../core/model/pool.ts';
import { answerOf, noScale } from './answer.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { ScaledObject, type TriggerReading } from './scaled-object.ts';
import { countsOf, reading, replicasOf, sumOf } from './signals.ts';

/**
 * llm-d's recipe: a ScaledObject on the endpoint picker's pool saturation and running requests. KEDA moves between 0 and 1, its HPA between 1 and N.
 * `ignoreNullValues` is true, KEDA's default: a query without a series reads 0.
 */
export function createKedaEpp(name: string, parameters: KedaEppParameters, setting: PolicySetting): SimulatedPolicy {
  const object = new ScaledObject(parameters, setting);
  return {
    name,
    tickSeconds: ScaledObject.tickSeconds(parameters),
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const readings = parameters.triggers.map(
        ({ signal, metricType, ...thresholds }): TriggerReading => ({
          ...thresholds,
          name: signal,
          type: metricType,
          value: triggerValue(signal, parameters, seen, now),
        }),
      );
      const answer = object.look(now, counts, readings);
      return answerOf(counts.spec, answer.replicas, answer.because);
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

function triggerValue(
  signal: KedaTrigger['signal'],
  parameters: KedaEppParameters,
  seen: PoolSeen,
  now: Instant,
): number {
  if (signal === 'PoolSaturation') return poolSaturation(parameters, seen, now);
  return (sumOf('running', seen, now) ?? 0) + (sumOf('waiting', seen, now) ?? 0);
}
