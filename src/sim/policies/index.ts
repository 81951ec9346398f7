import type { PolicyDefinition } from '../../core/model/policy-definition.ts';
import { createBalanced, type OnPass, type PoolTold } from './balanced.ts';
import { createHpaQueue } from './hpa-queue.ts';
import { createKedaEpp } from './keda-epp.ts';
import type { PolicySetting, SimulatedPolicy } from './policy.ts';
import { createStatic } from './static.ts';

/** One fresh policy for one run. `pool` and `onPass` are for our own brain alone. */
export function createPolicy(
  definition: PolicyDefinition,
  setting: PolicySetting,
  pool: PoolTold,
  onPass?: OnPass,
): SimulatedPolicy {
  if (definition.kind === 'ScalingPolicy') {
    return createBalanced({ definition, setting, pool, ...(onPass === undefined ? {} : { onPass }) });
  }
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
