import type { HpaQueueParameters } from '../../core/model/policy-definition.ts';
import { answerOf, noScale } from './answer.ts';
import { Hpa } from './hpa.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, milli, sumOf } from './signals.ts';

/** A stock HPA on `sum(vllm:num_requests_waiting)`, AverageValue. Without any series the metric fails and the HPA holds. */
export function createHpaQueue(name: string, parameters: HpaQueueParameters, setting: PolicySetting): SimulatedPolicy {
  const tolerance = parameters.tolerancePercent / 100;
  const { minReplicas, maxReplicas } = setting;
  const { behavior } = parameters;
  const hpa = new Hpa({
    minReplicas,
    maxReplicas,
    tolerance: { up: tolerance, down: tolerance },
    ...(behavior === undefined ? {} : { behavior }),
  });
  return {
    name,
    tickSeconds: parameters.syncSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const usageMilli = milli(sumOf('waiting', seen, now));
      const targetMilli = BigInt(parameters.targetAverageMilli);
      const answer = hpa.sync({
        now,
        ...counts,
        metrics: [{ name: 'waiting', type: 'AverageValue', usageMilli, targetMilli }],
      });
      return answerOf(counts.spec, answer.replicas, answer.because);
    },
  };
}
