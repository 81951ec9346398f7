import type { BudScalerParameters } from '../../core/model/peer-parameters.ts';
import type { PoolSeen } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import { answerOf, noScale, within } from './answer.ts';
import { blended, BudPrediction } from './bud-prediction.ts';
import { sampleOf, series } from './metric-reader.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { type Counts, countsOf, pendingCount } from './signals.ts';
import { meanOf } from './windows.ts';

const damping = { up: 0.8, down: 0.5 } as const;
/** Of one look: twice the size, or half of it. */
const rates = { up: 2, down: 0.5 } as const;

/** BudScaler's own strategy: damped ratios of pod means, blended with a straight line's forecast. */
export function createBudScaler(
  name: string,
  parameters: BudScalerParameters,
  setting: PolicySetting,
): SimulatedPolicy {
  const prediction = new BudPrediction();
  let lastChange: Instant | undefined;
  return {
    name,
    tickSeconds: parameters.tickSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const primary = parameters.metrics[0];
      const mean = primary === undefined ? undefined : meanOf(series(sampleOf[primary.signal], seen, now));
      if (mean !== undefined) prediction.add(now, mean);
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const pending = pendingCount(seen);
      const reactive = reactiveReplicas(parameters, { seen, now, counts, pending });
      const { predicted, confidence } = forecast(parameters, prediction, counts.spec);
      const blend = parameters.isPredicting
        ? Math.max(1, Math.round(blended(reactive, within(setting, predicted), confidence)))
        : reactive;
      const limited = limitStep(parameters, counts.spec, within(setting, blend));
      const gated = limited > counts.spec && isGated(parameters, counts.ready, pending) ? counts.spec : limited;
      const since = lastChange === undefined ? Infinity : (now - lastChange) / 1000;
      const wanted = isTooSoon(parameters, gated - counts.spec, since) ? counts.spec : gated;
      if (wanted !== counts.spec) lastChange = now;
      return answerOf(
        counts.spec,
        wanted,
        `metrics ask for ${reactive}, forecast ${predicted} at ${confidence.toFixed(2)}`,
      );
    },
  };
}

interface Question {
  readonly seen: PoolSeen;
  readonly now: Instant;
  readonly counts: Counts;
  readonly pending: number;
}

/** The largest over metrics; one that reads 0 or nothing is passed over, and without any the size stays. */
function reactiveReplicas(parameters: BudScalerParameters, { seen, now, counts, pending }: Question): number {
  const effective = counts.ready + (parameters.startingPodWeightPercent / 100) * pending;
  const wanted = parameters.metrics.flatMap(({ signal, targetMilli }) => {
    const mean = meanOf(series(sampleOf[signal], seen, now));
    if (mean === undefined || mean <= 0) return [];
    return [dampedReplicas(parameters, { ratio: (mean * 1000) / targetMilli, current: counts.spec, effective })];
  });
  return wanted.length === 0 ? counts.spec : Math.max(...wanted);
}

export interface DampedCase {
  readonly ratio: number;
  readonly current: number;
  /** Ready pods and a share of those that start: what an increase starts from. */
  readonly effective: number;
}

export function dampedReplicas(
  { tolerancePermille }: Pick<BudScalerParameters, 'tolerancePermille'>,
  { ratio, current, effective }: DampedCase,
): number {
  if (Math.abs(ratio - 1) < tolerancePermille / 1000) return current;
  if (ratio > 1) {
    const wanted = Math.ceil(effective * (1 + damping.up * (ratio - 1)));
    return Math.max(1, Math.min(wanted, Math.ceil(current * rates.up)));
  }
  const wanted = Math.ceil(current * (1 + damping.down * (ratio - 1)));
  return Math.max(1, wanted, Math.floor(current * rates.down));
}

function forecast(
  { lookAheadMinutes, metrics }: BudScalerParameters,
  prediction: BudPrediction,
  current: number,
): { readonly predicted: number; readonly confidence: number } {
  const target = (metrics[0]?.targetMilli ?? 0) / 1000;
  const value = prediction.ahead(lookAheadMinutes * 60);
  return { predicted: Math.ceil((current * value) / target), confidence: prediction.confidence };
}

function limitStep({ scaleUpPods, scaleDownPods }: BudScalerParameters, current: number, wanted: number): number {
  return Math.max(Math.min(wanted, current + scaleUpPods), Math.max(0, current - scaleDownPods));
}

/** Too many of the pods still start. */
export function isGated(
  { maxStartingPodPercent }: Pick<BudScalerParameters, 'maxStartingPodPercent'>,
  ready: number,
  starting: number,
): boolean {
  if (maxStartingPodPercent === 0 || ready + starting === 0) return false;
  return Math.trunc((starting / (ready + starting)) * 100) >= maxStartingPodPercent;
}

function isTooSoon(parameters: BudScalerParameters, change: number, sinceSeconds: number): boolean {
  const { scaleUpStabilizationSeconds, scaleDownStabilizationSeconds } = parameters;
  if (change === 0) return false;
  return sinceSeconds < (change > 0 ? scaleUpStabilizationSeconds : scaleDownStabilizationSeconds);
}
