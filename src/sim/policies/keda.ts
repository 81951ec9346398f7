import type { KedaParameters } from '../../core/model/peer-parameters.ts';
import { answerOf, noScale } from './answer.ts';
import { MetricReader, type Queried } from './metric-reader.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { ScaledObject, type TriggerReading } from './scaled-object.ts';
import { countsOf } from './signals.ts';

/** A ScaledObject with Prometheus triggers on the engines' metrics. */
export function createKeda(name: string, parameters: KedaParameters, setting: PolicySetting): SimulatedPolicy {
  const object = new ScaledObject(parameters, setting);
  const signals = parameters.triggers.map(({ signal }) => signal);
  const reader = new MetricReader(parameters.windowSeconds, signals);
  return {
    name,
    tickSeconds: ScaledObject.tickSeconds(parameters),
    readsHistograms: reader.readsHistograms,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      reader.look(seen, now);
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const readings = parameters.triggers.map(
        (trigger): TriggerReading => ({
          name: trigger.signal,
          type: trigger.metricType,
          thresholdMilli: trigger.thresholdMilli,
          activationThresholdMilli: trigger.activationThresholdMilli,
          value: valueOf(reader.query(trigger, seen, now), parameters.ignoreNullValues),
        }),
      );
      const answer = object.look(now, counts, readings);
      return answerOf(counts.spec, answer.replicas, answer.because);
    },
  };
}

function valueOf(queried: Queried, ignoresNull: boolean): number | undefined {
  if (queried.kind === 'value') return queried.value;
  return queried.kind === 'none' && ignoresNull ? 0 : undefined;
}
