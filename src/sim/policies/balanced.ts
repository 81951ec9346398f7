import type { FleetMemory } from '../../core/model/memory.ts';
import type { PoolPolicy } from '../../core/model/policy.ts';
import type { PolicyDefinition } from '../../core/model/policy-definition.ts';
import { replicas } from '../../core/model/units.ts';
import { emptyMemory, tick, type TickInput, type TickOutput } from '../../core/tick.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';

/** What our brain is told of the pool: objectives, engine profile, behaviour, warmth. Mode and tunables are the policy's own. */
export type PoolTold = Omit<PoolPolicy, 'mode' | 'paused' | 'tunables'>;

type Ours = Extract<PolicyDefinition, { readonly kind: 'ScalingPolicy' }>;

/** Told of each pass of our own brain: what a decision log records. */
export type OnPass = (input: TickInput, output: TickOutput, before: FleetMemory) => void;

export interface OwnPolicyInput {
  readonly definition: Ours;
  readonly setting: PolicySetting;
  readonly pool: PoolTold;
  readonly onPass?: OnPass;
}

/** Our own brain as one policy among others: the same `tick` as in the controller, in mode Scale, its memory carried from look to look. */
export function createBalanced({ definition, setting, pool, onPass }: OwnPolicyInput): SimulatedPolicy {
  const policy = policyFor(definition, setting, pool);
  let memory = emptyMemory;
  return {
    name: definition.name,
    tickSeconds: policy.tunables.tickSeconds,
    decide: ({ now, seen, fleet }: PolicyView): PolicyAnswer => {
      const input = { now, pools: [{ seen, policy }], fleet };
      const output = tick(memory, input);
      onPass?.(input, output, memory);
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

function policyFor({ tunables, behavior }: Ours, setting: PolicySetting, pool: PoolTold): PoolPolicy {
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
