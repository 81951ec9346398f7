import type { AibrixParameters } from '../../core/model/peer-parameters.ts';
import { AibrixStabilisation } from './aibrix-stabilisation.ts';
import { answerOf, held, noScale, within } from './answer.ts';
import { sampleOf, series } from './metric-reader.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf } from './signals.ts';
import { meanOf, TimedWindow } from './windows.ts';

/**
 * AIBrix's APA as coded before the guard against pending replicas: spec.replicas, those that start included, times the ratio of the mean over
 * the pods that answered. One value a scrape goes into the window.
 */
export function createAibrixApa(name: string, parameters: AibrixParameters, setting: PolicySetting): SimulatedPolicy {
  const { signal, scaleUpCooldownSeconds, scaleDownCooldownSeconds } = parameters;
  const window = new TimedWindow(parameters.observeWindowSeconds);
  const stabilisation = new AibrixStabilisation(scaleUpCooldownSeconds, scaleDownCooldownSeconds);
  return {
    name,
    tickSeconds: parameters.tickSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const scraped = meanOf(series(sampleOf[signal], seen, now));
      if (scraped !== undefined) window.add(now, scraped);
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const mean = window.mean(now);
      if (mean === undefined) return held('no pod answered inside the window: held');
      const recommended = apaReplicas(parameters, counts.spec, mean);
      const stable = stabilisation.next(now, counts.spec, recommended);
      return answerOf(counts.spec, within(setting, stable), `mean ${signal} ${mean} asks for ${recommended}`);
    },
  };
}

/** Any deviation beyond the tolerance scales the present size by the ratio, at most doubled, at least halved. */
export function apaReplicas(
  parameters: Pick<AibrixParameters, 'targetMilli' | 'tolerancePercent' | 'maxScaleUpRate' | 'maxScaleDownRate'>,
  current: number,
  mean: number,
): number {
  const ratio = (mean * 1000) / parameters.targetMilli;
  const tolerance = parameters.tolerancePercent / 100;
  const wanted = Math.ceil(current * ratio);
  if (ratio > 1 + tolerance) return Math.min(wanted, Math.ceil(parameters.maxScaleUpRate * current));
  if (ratio < 1 - tolerance) return Math.max(wanted, Math.floor(current / parameters.maxScaleDownRate));
  return current;
}
