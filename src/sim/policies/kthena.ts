import { histogramOf, isQuantile, type KthenaParameters } from '../../core/model/peer-parameters.ts';
import type { HistogramName, PoolSeen, ReplicaSeen } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import { answerOf, held, noScale, within } from './answer.ts';
import { ReplicaQuantiles } from './histogram-windows.ts';
import { KthenaCorrection } from './kthena-correction.ts';
import { sampleOf } from './metric-reader.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, reading, replicasOf } from './signals.ts';

/** Kthena's homogeneous target: a metric summed over ready pods is handed on as if it were one pod's. Any pod that ends or failed stops it. */
export function createKthena(name: string, parameters: KthenaParameters, setting: PolicySetting): SimulatedPolicy {
  const correction = new KthenaCorrection(parameters);
  const metrics = new KthenaMetrics(parameters);
  return {
    name,
    tickSeconds: parameters.tickSeconds,
    readsHistograms: metrics.readsHistograms,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      metrics.look(seen, now);
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const broken = replicasOf(seen).find(({ phase }) => phase === 'Draining' || phase === 'CrashLooping');
      if (broken !== undefined) return held(`${broken.name} is ${broken.phase}: metrics skipped, held`);
      const recommended = recommend(parameters, { seen, now, current: counts.spec, setting, metrics });
      if (recommended === undefined) return held('no metric has a value: held');
      const corrected = correction.next(now, counts.spec, within(setting, recommended));
      return answerOf(counts.spec, within(setting, corrected), `recommended ${recommended}, corrected ${corrected}`);
    },
  };
}

/** P95 of each pod over 60 s for histograms, the reading itself for gauges. */
class KthenaMetrics {
  readonly #quantiles: ReadonlyMap<HistogramName, ReplicaQuantiles>;

  constructor({ metrics }: KthenaParameters) {
    const names = new Set(metrics.flatMap(({ signal }) => histogramOf(signal) ?? []));
    this.#quantiles = new Map([...names].map((name) => [name, new ReplicaQuantiles(name, quantileWindowSeconds)]));
  }

  get readsHistograms(): boolean {
    return this.#quantiles.size > 0;
  }

  look(seen: PoolSeen, now: Instant): void {
    for (const quantiles of this.#quantiles.values()) quantiles.look(seen, now);
  }

  read(signal: KthenaSignal, replica: ReplicaSeen, { seen, now }: Pick<Question, 'seen' | 'now'>): number | undefined {
    if (!isQuantile(signal)) return reading(replica, sampleOf[signal], seen, now);
    const name = histogramOf(signal);
    return name && this.#quantiles.get(name)?.quantile(replica, 0.95);
  }
}

type KthenaSignal = KthenaParameters['metrics'][number]['signal'];
const quantileWindowSeconds = 60;

interface Question {
  readonly seen: PoolSeen;
  readonly now: Instant;
  readonly current: number;
  readonly setting: PolicySetting;
  readonly metrics: KthenaMetrics;
}

/** The largest over metrics; a size outside the bounds is corrected without asking any. */
function recommend(
  { metrics, tolerancePercent }: KthenaParameters,
  { seen, now, current, setting, metrics: readings }: Question,
): number | undefined {
  if (within(setting, current) !== current) return within(setting, current);
  const pods = replicasOf(seen);
  const ready = pods.filter(({ phase }) => phase === 'Ready');
  const unready = pods.length - ready.length;
  const wanted = metrics.flatMap(({ signal, targetMilli }) => {
    const values = ready.flatMap((replica) => readings.read(signal, replica, { seen, now }) ?? []);
    if (values.length === 0) return [];
    const sum = values.reduce((total, value) => total + value, 0);
    return [kthenaReplicas({ sum, target: targetMilli / 1000, current, unready, tolerance: tolerancePercent / 100 })];
  });
  return wanted.length === 0 ? undefined : Math.max(...wanted);
}

export interface KthenaCase {
  readonly sum: number;
  readonly target: number;
  readonly current: number;
  readonly unready: number;
  readonly tolerance: number;
}

/** The sum is one sample among `unready` missing ones: its tolerance compares sum / target with 1, not with the present size. */
export function kthenaReplicas({ sum, target, current, unready, tolerance }: KthenaCase): number {
  const ratio = sum / target;
  if (unready === 0 || ratio < 1) return Math.abs(ratio - 1) <= tolerance ? current : Math.ceil(ratio);
  const samples = 1 + unready;
  const diluted = sum / samples / target;
  if (Math.abs(diluted - 1) <= tolerance || diluted < 1) return current;
  const wanted = Math.ceil(diluted * samples);
  return wanted < current ? current : wanted;
}
