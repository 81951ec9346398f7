import type { RayServeParameters } from '../../core/model/peer-parameters.ts';
import { answerOf, noScale, within } from './answer.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, inFlight } from './signals.ts';
import { Streak, TimedWindow } from './windows.ts';

/** Ray Serve's default policy: ongoing requests over the target, once it was asked for long enough without a break. */
export function createRayServe(name: string, parameters: RayServeParameters, setting: PolicySetting): SimulatedPolicy {
  const window = new TimedWindow(parameters.lookBackSeconds);
  const streak = new Streak();
  return {
    name,
    tickSeconds: parameters.tickSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      const ongoing = inFlight(seen, now) ?? 0;
      window.add(now, ongoing);
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      if (counts.ready === 0) {
        return answerOf(counts.spec, ongoing > 0 ? Math.max(1, counts.spec) : counts.spec, 'no replica runs yet');
      }
      const mean = window.mean(now) ?? 0;
      const desired = within(setting, rayReplicas(parameters, counts.ready, mean));
      const because = `${mean.toFixed(1)} ongoing requests ask for ${desired}`;
      const isDue = isPersistent(streak, parameters, desired - counts.spec);
      return answerOf(counts.spec, isDue ? atLeastOne(desired, counts.spec) : counts.spec, because);
    },
  };
}

/** Zero is reached from one alone. */
function atLeastOne(desired: number, current: number): number {
  return current > 1 ? Math.max(1, desired) : desired;
}

/** Asked for in one direction for longer than its delay; then the count begins anew. */
function isPersistent(streak: Streak, parameters: RayServeParameters, change: number): boolean {
  if (change === 0) {
    streak.clear();
    return false;
  }
  const { tickSeconds, upscaleDelaySeconds, downscaleDelaySeconds } = parameters;
  const delay = change > 0 ? upscaleDelaySeconds : downscaleDelaySeconds;
  if (streak.next(change > 0 ? 'up' : 'down') <= Math.trunc(delay / tickSeconds)) return false;
  streak.clear();
  return true;
}

/** From the present size towards ongoing / target by the factor; a decrease that the factor rounds away is one replica. */
export function rayReplicas(
  parameters: Pick<RayServeParameters, 'targetOngoingRequests' | 'upscalingFactorPercent' | 'downscalingFactorPercent'>,
  current: number,
  ongoing: number,
): number {
  const change = ongoing / parameters.targetOngoingRequests - current;
  const percent = change > 0 ? parameters.upscalingFactorPercent : parameters.downscalingFactorPercent;
  const scaled = Math.ceil(current + (percent / 100) * change);
  return Math.ceil(current + change) < current && scaled === current ? scaled - 1 : scaled;
}
