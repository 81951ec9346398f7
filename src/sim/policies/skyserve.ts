import type { SkyServeParameters } from '../../core/model/peer-parameters.ts';
import type { Instant } from '../../core/model/units.ts';
import { answerOf, held, noScale, within } from './answer.ts';
import { CounterSeries } from './pool-counter.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, gatewayRequests } from './signals.ts';
import { Streak } from './windows.ts';

/** SkyServe's request-rate autoscaler: requests of the last minute over the target rate, once asked for often enough in a row. */
export function createSkyServe(name: string, parameters: SkyServeParameters, setting: PolicySetting): SimulatedPolicy {
  const { decisionSeconds, decisionAtZeroSeconds, qpsWindowSeconds, targetQpsMilli } = parameters;
  const requests = new CounterSeries(qpsWindowSeconds);
  const streak = new Streak();
  let last: number | undefined;
  let decided: Instant | undefined;
  return {
    name,
    tickSeconds: Math.min(decisionSeconds, decisionAtZeroSeconds),
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const total = gatewayRequests(seen, now);
      if (total !== undefined) {
        requests.add(now, total - (last ?? 0));
        last = total;
      }
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const interval = counts.spec === 0 ? decisionAtZeroSeconds : decisionSeconds;
      if (decided !== undefined && now - decided < interval * 1000) return held('between two decisions');
      decided = now;
      const rate = (requests.increase()?.amount ?? 0) / qpsWindowSeconds;
      const wanted = within(setting, Math.ceil((rate * 1000) / targetQpsMilli));
      const because = `${rate.toFixed(2)} requests/s ask for ${wanted}`;
      if (counts.spec > 0 && !isPersistent(streak, parameters, wanted - counts.spec)) return held(because);
      return answerOf(counts.spec, wanted, because);
    },
  };
}

/** Asked for in one direction for as many decisions as its delay is long; then the count begins anew. */
function isPersistent(streak: Streak, parameters: SkyServeParameters, change: number): boolean {
  if (change === 0) {
    streak.clear();
    return false;
  }
  const { decisionSeconds, upscaleDelaySeconds, downscaleDelaySeconds } = parameters;
  const delay = change > 0 ? upscaleDelaySeconds : downscaleDelaySeconds;
  if (streak.next(change > 0 ? 'up' : 'down') < Math.trunc(delay / decisionSeconds)) return false;
  streak.clear();
  return true;
}
