import type { WvaV2Parameters } from '../../core/model/peer-parameters.ts';
import { held, noScale, within } from './answer.ts';
import { LengthReader, type MeanLengths } from './pool-counter.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, gatewayQueue, pendingCount, readyCount } from './signals.ts';
import { fromZero, WvaActuator } from './wva-actuator.ts';
import { CapacityStore, type LoadedReplica, loadedReplicas } from './wva-capacity.ts';

/** llm-d's WVA with the token engine: jumps to what the tokens that are here now need; replicas on their way count as capacity. */
export function createWvaV2(name: string, parameters: WvaV2Parameters, setting: PolicySetting): SimulatedPolicy {
  const actuator = new WvaActuator(setting, parameters.behavior);
  const reader = new LengthReader(parameters.windowSeconds);
  const store = new CapacityStore(parameters);
  return {
    name,
    tickSeconds: parameters.tickSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      reader.look(seen, now);
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const queued = gatewayQueue(seen, now);
      const woken = fromZero(counts.spec, queued);
      if (woken !== undefined) return woken;
      const loaded = loadedReplicas(seen, now);
      const perReplica = store.look(now, loaded, reader.lengths);
      if (loaded.length === 0 || perReplica === undefined) return held('no-data: held');
      const change = tokenChange(parameters, {
        demand: tokenDemand(parameters, loaded, queued ?? 0, reader.lengths),
        perReplica,
        ready: readyCount(seen),
        anticipated: readyCount(seen) + pendingCount(seen),
      });
      const least = Math.max(1, setting.minReplicas);
      const desired = within({ ...setting, minReplicas: least }, counts.spec + change.replicas);
      return actuator.apply(now, counts, { replicas: desired, because: change.because });
    },
  };
}

/** Tokens that are here or wait: in use, queued in the engines, queued at the gateway. */
export function tokenDemand(
  { prefixHits }: Pick<WvaV2Parameters, 'prefixHits'>,
  replicas: readonly LoadedReplica[],
  queued: number,
  lengths: MeanLengths | undefined,
): number {
  const { prompt, output, hitRate } = lengths ?? { prompt: 0, output: 0, hitRate: 0 };
  const inEngines = replicas.reduce((sum, { tokens, waiting }) => sum + tokens + waiting * (prompt + output), 0);
  const uncached = prefixHits === 'Zero' ? 1 : 1 - hitRate;
  return inEngines + queued * (prompt * uncached + output);
}

export interface TokenCase {
  readonly demand: number;
  readonly perReplica: number;
  readonly ready: number;
  /** Ready, loading and unschedulable alike. */
  readonly anticipated: number;
}

/** What must come counts all that was ordered; what may go counts only what is ready. */
export function tokenChange(
  parameters: Pick<WvaV2Parameters, 'scaleUpThresholdPercent' | 'scaleDownThresholdPercent'>,
  { demand, perReplica, ready, anticipated }: TokenCase,
): { readonly replicas: number; readonly because: string } {
  const required = (demand * 100) / parameters.scaleUpThresholdPercent - anticipated * perReplica;
  const spare = ready * perReplica - (demand * 100) / parameters.scaleDownThresholdPercent;
  const because = `${Math.round(demand)} tokens, ${Math.round(perReplica)} a replica, ${anticipated} replicas anticipated`;
  if (required > 0) return { replicas: Math.ceil(required / perReplica), because };
  return { replicas: spare > 0 ? -Math.floor(spare / perReplica) : 0, because };
}
