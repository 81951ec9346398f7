import type { KubeAiParameters } from '../../core/model/peer-parameters.ts';
import { answerOf, held, noScale, within } from './answer.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, gatewayQueue, inFlight } from './signals.ts';

/** KubeAI: the mean of requests in flight over ten minutes, which begin at 0, over the target. Its proxy wakes a model that is at zero. */
export function createKubeAi(name: string, parameters: KubeAiParameters, setting: PolicySetting): SimulatedPolicy {
  const { intervalSeconds, timeWindowSeconds, scaleDownDelaySeconds, targetRequests } = parameters;
  const patience = Math.ceil(scaleDownDelaySeconds / intervalSeconds);
  let history: readonly number[] = Array.from({ length: Math.ceil(timeWindowSeconds / intervalSeconds) }, () => 0);
  let refused = 0;
  return {
    name,
    tickSeconds: intervalSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      if (counts.spec === 0) {
        return answerOf(0, (gatewayQueue(seen, now) ?? 0) > 0 ? 1 : 0, 'at zero the proxy wakes it by a request');
      }
      const active = inFlight(seen, now);
      if (active === undefined) return held('no metrics of the proxy: skipped');
      if (counts.ready === 0) return held('no endpoints: skipped');
      history = [...history.slice(1), active];
      const mean = history.reduce((sum, value) => sum + value, 0) / history.length;
      const wanted = within(setting, Math.ceil(mean / targetRequests));
      const because = `mean of ${mean.toFixed(1)} requests in flight asks for ${wanted}`;
      if (wanted >= counts.spec) refused = 0;
      else if (refused < patience) {
        refused++;
        return held(`${because}; scale-down ${refused} of ${patience} refused`);
      }
      return answerOf(counts.spec, wanted, because);
    },
  };
}
