import type { HpaMetricParameters, HpaParameters } from '../../core/model/peer-parameters.ts';
import { answerOf, noScale } from './answer.ts';
import { Hpa, type HpaMetric, type HpaPodsMetric } from './hpa.ts';
import { type PodOfMetric, podState } from './hpa-pods.ts';
import { MetricReader, sampleOf } from './metric-reader.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, milli, reading, replicasOf } from './signals.ts';

/** A stock HPA on any of our metrics: External (Value, AverageValue) or of each pod (Pods). A query without series fails. */
export function createHpa(name: string, parameters: HpaParameters, setting: PolicySetting): SimulatedPolicy {
  const tolerance = parameters.tolerancePercent / 100;
  const { behavior, metrics, windowSeconds } = parameters;
  const hpa = new Hpa({
    minReplicas: setting.minReplicas,
    maxReplicas: setting.maxReplicas,
    tolerance: { up: tolerance, down: tolerance },
    ...(behavior === undefined ? {} : { behavior }),
  });
  const reader = new MetricReader(
    windowSeconds,
    metrics.map(({ signal }) => signal),
  );
  return {
    name,
    tickSeconds: parameters.syncSeconds,
    readsHistograms: reader.readsHistograms,
    decide: (view: PolicyView): PolicyAnswer => {
      reader.look(view.seen, view.now);
      const counts = countsOf(view.seen);
      if (counts === undefined) return noScale;
      const read = metrics.map((metric) => metricOf(metric, reader, view));
      const answer = hpa.sync({ now: view.now, ...counts, metrics: read });
      return answerOf(counts.spec, answer.replicas, answer.because);
    },
  };
}

function metricOf(
  metric: HpaMetricParameters,
  reader: MetricReader,
  { now, seen }: PolicyView,
): HpaMetric | HpaPodsMetric {
  const { signal, targetMilli: target } = metric;
  const targetMilli = BigInt(target);
  if (metric.type !== 'Pods') {
    const answer = reader.query(metric, seen, now);
    const usageMilli = answer.kind === 'value' ? milli(answer.value) : undefined;
    return { name: signal, type: metric.type, usageMilli, targetMilli };
  }
  const pods = replicasOf(seen).map((replica): PodOfMetric => {
    const sample = milli(reading(replica, sampleOf[metric.signal], seen, now));
    return { state: podState(replica.phase), ...(sample === undefined ? {} : { milli: sample }) };
  });
  return { name: signal, type: 'Pods', pods, targetMilli };
}
