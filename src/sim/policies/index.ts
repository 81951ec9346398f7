import type {
  AlgorithmName,
  PolicyDefinition,
  SimulatedAlgorithm,
  SimulatedParameters,
} from '../../core/model/policy-definition.ts';
import { createAibrixApa } from './aibrix-apa.ts';
import { createAibrixKpa } from './aibrix-kpa.ts';
import { createBalanced, type OnPass, type PoolTold } from './balanced.ts';
import { createBudScaler } from './budscaler.ts';
import { createDynamoLoad } from './dynamo-load.ts';
import { createDynamoSla } from './dynamo-sla.ts';
import { createHpa } from './hpa-metrics.ts';
import { createHpaQueue } from './hpa-queue.ts';
import { createKedaEpp } from './keda-epp.ts';
import { createKeda } from './keda.ts';
import { createKnativeKpa } from './knative-kpa.ts';
import { createKthena } from './kthena.ts';
import { createKubeAi } from './kubeai.ts';
import type { PolicySetting, SimulatedPolicy } from './policy.ts';
import { createRayServe } from './ray-serve.ts';
import { createSkyServe } from './skyserve.ts';
import { createStatic } from './static.ts';
import { createWvaV1 } from './wva-v1.ts';
import { createWvaV2 } from './wva-v2.ts';

type Creator<Name extends AlgorithmName> = (
  name: string,
  parameters: SimulatedParameters[Name],
  setting: PolicySetting,
) => SimulatedPolicy;

const creators: { readonly [Name in AlgorithmName]: Creator<Name> } = {
  Static: createStatic,
  HpaQueue: createHpaQueue,
  KedaEpp: createKedaEpp,
  Hpa: createHpa,
  Keda: createKeda,
  KnativeKpa: createKnativeKpa,
  AibrixApa: createAibrixApa,
  AibrixKpa: createAibrixKpa,
  WvaV1: createWvaV1,
  WvaV2: createWvaV2,
  DynamoLoad: createDynamoLoad,
  DynamoSla: createDynamoSla,
  Kthena: createKthena,
  RayServe: createRayServe,
  KubeAi: createKubeAi,
  SkyServe: createSkyServe,
  BudScaler: createBudScaler,
};

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
  return createSimulated(definition.name, definition, setting);
}

function createSimulated<Name extends AlgorithmName>(
  name: string,
  { algorithm, parameters }: SimulatedAlgorithm<Name>,
  setting: PolicySetting,
): SimulatedPolicy {
  return creators[algorithm](name, parameters, setting);
}
