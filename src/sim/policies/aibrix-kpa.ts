import type { AibrixKpaParameters } from '../../core/model/peer-parameters.ts';
import { AibrixStabilisation } from './aibrix-stabilisation.ts';
import { answerOf, held, noScale, within } from './answer.ts';
import type { KpaMetrics } from './kpa-decider.ts';
import { sampleOf, series } from './metric-reader.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf } from './signals.ts';
import { meanOf, TimedWindow } from './windows.ts';

/**
 * AIBrix's KPA as coded: Knative's formula, which wants the pool's total, fed with the mean of a pod; no memory of the panic's maximum; the
 * inverted cooldown windows. With a metric of pods it settles at ceil(mean / target) whatever the pool's size is.
 */
export function createAibrixKpa(
  name: string,
  parameters: AibrixKpaParameters,
  setting: PolicySetting,
): SimulatedPolicy {
  const { signal, scaleUpCooldownSeconds, scaleDownCooldownSeconds } = parameters;
  const stable = new TimedWindow(parameters.observeWindowSeconds);
  const panic = new TimedWindow(parameters.panicWindowSeconds);
  const stabilisation = new AibrixStabilisation(scaleUpCooldownSeconds, scaleDownCooldownSeconds);
  return {
    name,
    tickSeconds: parameters.tickSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const scraped = meanOf(series(sampleOf[signal], seen, now));
      if (scraped !== undefined) {
        stable.add(now, scraped);
        panic.add(now, scraped);
      }
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const means = { stable: stable.mean(now), panic: panic.mean(now) ?? 0 };
      if (means.stable === undefined) return held('no pod answered inside the window: held');
      const recommended = aibrixKpaReplicas(parameters, counts.spec, { ...means, stable: means.stable });
      const wanted = stabilisation.next(now, counts.spec, recommended);
      return answerOf(counts.spec, within(setting, wanted), `mean ${signal} ${means.stable} asks for ${recommended}`);
    },
  };
}

export function aibrixKpaReplicas(parameters: AibrixKpaParameters, current: number, means: KpaMetrics): number {
  const target = parameters.targetMilli / 1000;
  const most = Math.ceil(parameters.maxScaleUpRate * current);
  const least = Math.floor(current / parameters.maxScaleDownRate);
  const pods = (mean: number): number => Math.min(Math.max(Math.ceil(mean / target), least), most);
  const isPanicking = means.stable <= 0 || means.panic / means.stable > parameters.panicThresholdPercent / 100;
  const mean = isPanicking ? Math.max(means.stable, means.panic) : means.stable;
  const isNear = Math.abs(mean / target / current - 1) <= parameters.tolerancePercent / 100;
  return isNear ? current : pods(mean);
}
