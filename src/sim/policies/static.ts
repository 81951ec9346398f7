import type { StaticParameters } from '../../core/model/policy-definition.ts';
import type { PolicySetting, SimulatedPolicy } from './policy.ts';

/** A fixed fleet within the run's bounds; without a number, the run's maximum. */
export function createStatic(name: string, { replicas }: StaticParameters, setting: PolicySetting): SimulatedPolicy {
  const fixed = Math.min(setting.maxReplicas, Math.max(setting.minReplicas, replicas ?? setting.maxReplicas));
  return {
    name,
    tickSeconds: 60,
    initialReplicas: fixed,
    decide: ({ seen }) => {
      const isThere = seen.targets[0]?.specReplicas === fixed;
      return { ...(isThere ? {} : { replicas: fixed }), actions: [], because: `fixed at ${fixed}` };
    },
  };
}
