import { freshLearned } from './learning.ts';
import type { Recommendation } from './model/decision.ts';
import type { Objectives, PoolPolicy } from './model/policy.ts';
import type { PoolSeen, TargetName, TargetSeen } from './model/pool.ts';
import type { ConditionReport, PoolReport } from './model/report.ts';
import { propose, type ProposeInput, type Proposed } from './propose.ts';
import { repaired } from './role-repair.ts';

type Role = 'Prefill' | 'Decode';

export function hasRoles({ targets }: PoolPolicy): boolean {
  return targets.some(({ role }) => role !== undefined);
}

/**
 * A pool whose prefill and decode are separate servers, as two pools of one decision: each half is observed, forecast and sized by its own work and by
 * the objective that it answers for, with a memory of its own. Prefill is where requests enter: the gateway's queue and the pool's report are its.
 */
export function proposeByRole(input: ProposeInput): Proposed {
  const prefill = propose(halfOf(input, 'Prefill'));
  const decode = propose(halfOf(input, 'Decode'));
  const apart = asSeen(input.seen, [...prefill.recommendation.targets, ...decode.recommendation.targets]);
  const targets = repaired(apart, input.policy);
  return {
    memory: {
      safety: input.memory.safety,
      learned: { ...prefill.memory.learned, decode: decode.memory.learned },
    },
    recommendation: { ...prefill.recommendation, targets },
    report: joined([prefill.report, decode.report], targets, input.seen),
  };
}

function halfOf({ memory, seen, policy, now, ...rest }: ProposeInput, role: Role): ProposeInput {
  const own = policy.targets.filter((target) => target.role === role);
  const names = new Set(own.map(({ target }) => target));
  const targets = seen.targets.filter(({ target }) => names.has(target));
  const { decode = freshLearned(now), ...prefill } = memory.learned;
  const { gateway, ...inside } = seen;
  const entry = gateway === undefined ? {} : { gateway };
  return {
    ...rest,
    now,
    memory: { ...memory, learned: role === 'Prefill' ? prefill : decode },
    seen: role === 'Prefill' ? { ...inside, ...entry, targets } : { ...inside, targets: targets.map(withoutPrompts) },
    policy: { ...policy, targets: own, objectives: objectivesOf(policy.objectives, role) },
  };
}

/** The prompts that a decoding replica counts were computed elsewhere: for its engine they are as good as cached. */
function withoutPrompts(target: TargetSeen): TargetSeen {
  return {
    ...target,
    replicas: target.replicas.map((replica) => {
      const { samples } = replica;
      return { ...replica, samples: { ...samples, cachedPromptTokensTotal: samples.promptTokensTotal } };
    }),
  };
}

function objectivesOf({ timeToFirstToken, interTokenLatency, attainmentPercent }: Objectives, role: Role): Objectives {
  if (role === 'Prefill') {
    return { attainmentPercent, ...(timeToFirstToken === undefined ? {} : { timeToFirstToken }) };
  }
  return { attainmentPercent, ...(interTokenLatency === undefined ? {} : { interTokenLatency }) };
}

/** Of both halves, each target with the size that fits the other half. */
function joined(
  [prefill, decode]: readonly [PoolReport, PoolReport],
  sizes: Recommendation['targets'],
  seen: PoolSeen,
): PoolReport {
  const inputs = Object.entries(decode.inputs).map(([name, value]) => [`decode ${name}`, value]);
  return {
    ...prefill,
    inputs: { ...prefill.inputs, ...Object.fromEntries(inputs) },
    targets: asSeen(seen, [...prefill.targets, ...decode.targets]).map((report) => {
      const { wanted, because = report.because } = sizes.find(({ target }) => target === report.target) ?? {};
      return report.wanted === undefined || wanted === undefined ? report : { ...report, wanted, because };
    }),
    conditions: worst([...prefill.conditions, ...decode.conditions]),
  };
}

/** In the order in which the pool's targets are seen. */
function asSeen<T extends { readonly target: TargetName }>({ targets }: PoolSeen, parts: readonly T[]): readonly T[] {
  return targets.flatMap(({ target }) => parts.find((one) => one.target === target) ?? []);
}

/** Of each type the one that tells of trouble; of two that do, or do not, the first. */
function worst(conditions: readonly ConditionReport[]): readonly ConditionReport[] {
  const isTrouble = ({ type, status }: ConditionReport): boolean =>
    ['ScalingLimited', 'DrainUnsafe'].includes(type) === (status === 'True');
  const types = [...new Set(conditions.map(({ type }) => type))];
  return types.flatMap((type) => {
    const of = conditions.filter((one) => one.type === type);
    return of.find(isTrouble) ?? of.slice(0, 1);
  });
}
