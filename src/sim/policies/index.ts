import type { PoolPolicy } from '../../core/model/policy.ts';
import type { PolicyDefinition } from '../../core/model/policy-definition.ts';
import { createBalanced } from './balanced.ts';
import { createHpaQueue } from './hpa-queue.ts';
import { createKedaEpp } from './keda-epp.ts';
import type { PolicySetting, SimulatedPolicy } from './policy.ts';
import { createStatic } from './static.ts';

/** One fresh policy for one run. `pool` is what our own brain is told of the pool: objectives, engine profile, behaviour, warmth. */
export function createPolicy(definition: PolicyDefinition, setting: PolicySetting, pool: PoolPolicy): SimulatedPolicy {
  if (definition.kind === 'ScalingPolicy') return createBalanced(definition, setting, pool);
  const { name } = definition;
  switch (definition.algorithm) {
    case 'Static':
      return createStatic(name, definition.parameters, setting);
    case 'HpaQueue':
      return createHpaQueue(name, definition.parameters, setting);
    case 'KedaEpp':
      return createKedaEpp(name, definition.parameters, setting);
  }
}
