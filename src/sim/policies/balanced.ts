import type { PoolPolicy } from '../../core/model/policy.ts';
import type { PolicyDefinition } from '../../core/model/policy-definition.ts';
import { replicas } from '../../core/model/units.ts';
import { emptyMemory, tick } from '../../core/tick.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';

type Ours = Extract<PolicyDefinition, { readonly kind: 'ScalingPolicy' }>;

/** Our own brain as one policy among others: the same `tick` as in the controller, in mode Scale, its memory carried from look to look. */
export function createBalanced(definition: Ours, setting: PolicySetting, pool: PoolPolicy): SimulatedPolicy {
  const policy = policyFor(definition, setting, pool);
  let memory = emptyMemory;
  return {
    name: definition.name,
    tickSeconds: policy.tunables.tickSeconds,
    decide: ({ now, seen, fleet }: PolicyView): PolicyAnswer => {
      const output = tick(memory, { now, pools: [{ seen, policy }], fleet });
      memory = output.memory;
      const scale = output.actions.find((action) => action.kind === 'Scale');
      const report = output.reports[0];
      return {
        ...(scale === undefined ? {} : { replicas: scale.to }),
        actions: output.actions.filter(({ kind }) => kind !== 'Scale'),
        because: output.decisions[0]?.because[0]?.message ?? 'no target was seen',
        ...(report === undefined ? {} : { report }),
      };
    },
  };
}

function policyFor({ tunables, behavior }: Ours, setting: PolicySetting, pool: PoolPolicy): PoolPolicy {
  return {
    ...pool,
    mode: 'Scale',
    paused: false,
    tunables,
    behavior: behavior ?? pool.behavior,
    targets: pool.targets.map((target) => ({
      ...target,
      minReplicas: replicas(setting.minReplicas),
      maxReplicas: replicas(setting.maxReplicas),
    })),
  };
}
