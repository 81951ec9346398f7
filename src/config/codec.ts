import type {
  InferenceAutoscaler,
  InferenceAutoscalerBehaviorScaleUp,
  InferenceAutoscalerObjectives,
  InferenceAutoscalerSpec,
  InferenceAutoscalerTarget,
  ModelArtifact,
} from '../core/model/api.gen.ts';
import {
  type ArtifactNeed,
  type Behavior,
  defaultBehavior,
  type LatencyObjective,
  type Objectives,
  type PoolPolicy,
  type ScalingRules,
  type TargetPolicy,
  type WarmthPolicy,
} from '../core/model/policy.ts';
import type { PolicyDefinition } from '../core/model/policy-definition.ts';
import type { TargetName } from '../core/model/pool.ts';
import type { EngineProfile } from '../core/model/profile.ts';
import { parseMilli } from '../core/model/quantity.ts';
import { describe, ok, problem, type Problem, type Result } from '../core/model/result.ts';
import { bytes, instant, type Instant, milliseconds, replicas, seconds } from '../core/model/units.ts';
import { nameOfTarget, problemsOf } from './autoscaler-problems.ts';
import { parsePolicyObject } from './policy-file.ts';

export type ScalingPreset = Extract<PolicyDefinition, { readonly kind: 'ScalingPolicy' }>;

/** What an autoscaler names, as far as it was found. */
export interface CodecContext {
  readonly now: Instant;
  /** The ScalingPolicy of `policyRef`, or the one named balanced, through `toScalingPreset`. Absent: the defaults of the schema. */
  readonly policy?: ScalingPreset;
  /** The ModelArtifact of `warmth.modelArtifactRef`. */
  readonly artifact?: ModelArtifact;
  /** Value of the PriorityClass of `priority`. */
  readonly priority?: number;
  readonly profiles: ReadonlyMap<string, EngineProfile>;
  /** GPUs that the pod template of a target requests, where it could be read. */
  readonly templateGpus: ReadonlyMap<TargetName, number>;
}

/**
 * An autoscaler object in the core's words, every default filled in as the API server would. What breaks the schema or a rule beyond it is a problem.
 * A name that leads nowhere is not: the pool goes on with defaults, and `danglingReferences` says so.
 */
export function toPoolPolicy(autoscaler: InferenceAutoscaler, context: CodecContext): Result<PoolPolicy> {
  for (const found of problemsOf(autoscaler)) return { ok: false, problem: found };
  const { spec } = autoscaler;
  const preset = context.policy ?? balanced;
  return ok({
    mode: spec.mode ?? 'Observe',
    paused: spec.paused ?? false,
    ...(context.priority === undefined ? {} : { priority: context.priority }),
    targets: spec.targets.map((target) => targetPolicy(target, context)),
    ...prefillPerDecode(spec),
    objectives: objectives(spec.objectives ?? {}),
    behavior: toBehavior(spec.behavior, preset.behavior),
    ...fallback(spec),
    warmth: warmthPolicy(spec, context.artifact),
    ...liveOverride(spec, context.now),
    tunables: preset.tunables,
  });
}

/** A ScalingPolicy object once read, for many autoscalers. */
export function toScalingPreset(policy: unknown): Result<ScalingPreset> {
  const parsed = parsePolicyObject(structuredClone(policy));
  if (!parsed.ok) return parsed;
  if (parsed.value.kind === 'ScalingPolicy') return ok(parsed.value);
  return problem('kind', parsed.value.kind, "'ScalingPolicy'");
}

/** What an empty ScalingPolicy says. */
const balanced: ScalingPreset = emptyPreset();

function emptyPreset(): ScalingPreset {
  const parsed = toScalingPreset({
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'ScalingPolicy',
    metadata: { name: 'balanced' },
    spec: {},
  });
  if (!parsed.ok) throw new TypeError(`an empty ScalingPolicy must be valid: ${describe(parsed.problem)}`);
  return parsed.value;
}

/** References that lead nowhere and settings without effect, each with what to write instead: a condition's message, never a reason to stop scaling. */
export function danglingReferences({ spec }: InferenceAutoscaler, context: CodecContext): readonly Problem[] {
  const found: Problem[] = [];
  const miss = (field: string, seen: unknown, allowed: string): void => {
    found.push(problem(field, seen, allowed).problem);
  };
  if (spec.policyRef !== undefined && context.policy?.name !== spec.policyRef.name) {
    miss('spec.policyRef.name', spec.policyRef.name, 'the name of an existing ScalingPolicy');
  }
  if (spec.priority !== undefined && context.priority === undefined) {
    miss('spec.priority', spec.priority, 'the name of an existing PriorityClass');
  }
  const artifact = spec.warmth?.modelArtifactRef?.name;
  if (artifact !== undefined && context.artifact?.metadata.name !== artifact) {
    miss('spec.warmth.modelArtifactRef.name', artifact, 'the name of an existing ModelArtifact of the same namespace');
  }
  return [...found, ...zeroWithoutGateway(spec), ...unknownProfiles(spec, context)];
}

function zeroWithoutGateway({ targets, signals }: InferenceAutoscalerSpec): readonly Problem[] {
  const mayBeZero = targets.some(({ minReplicas }) => minReplicas === 0);
  if (!mayBeZero || signals?.gateway !== undefined) return [];
  const allowed = 'set where `minReplicas` is 0: without a queue that wakes it the last replica stays';
  return [problem('spec.signals.gateway', undefined, allowed).problem];
}

function unknownProfiles({ targets }: InferenceAutoscalerSpec, { profiles }: CodecContext): readonly Problem[] {
  const known = (): string => [...profiles.keys()].toSorted().join(', ');
  return targets.flatMap(({ engineProfile }, index) => {
    if (engineProfile === undefined || profiles.has(engineProfile)) return [];
    return [problem(`spec.targets[${index}].engineProfile`, engineProfile, `one of ${known()}, or absent`).problem];
  });
}

function targetPolicy(target: InferenceAutoscalerTarget, context: CodecContext): TargetPolicy {
  const name = nameOfTarget(target);
  const profile = target.engineProfile === undefined ? undefined : context.profiles.get(target.engineProfile);
  return {
    target: name,
    minReplicas: replicas(target.minReplicas ?? 1),
    maxReplicas: replicas(target.maxReplicas),
    gpusPerReplica: target.gpusPerReplica ?? context.templateGpus.get(name) ?? profile?.gpusPerReplica ?? 1,
    ...(target.role === 'Prefill' || target.role === 'Decode' ? { role: target.role } : {}),
    ...cost(target),
    ...(profile === undefined ? {} : { profile }),
  };
}

function cost({ costPerReplicaHour }: InferenceAutoscalerTarget): Pick<TargetPolicy, 'costPerReplicaHour'> {
  const milli = parseMilli(costPerReplicaHour);
  return milli === undefined ? {} : { costPerReplicaHour: Number(milli) / 1000 };
}

function prefillPerDecode({ prefillPerDecode: given }: InferenceAutoscalerSpec): Pick<PoolPolicy, 'prefillPerDecode'> {
  if (given === undefined) return {};
  const [min, max] = [parseMilli(given.min), parseMilli(given.max)];
  return {
    prefillPerDecode: {
      ...(min === undefined ? {} : { min: Number(min) / 1000 }),
      ...(max === undefined ? {} : { max: Number(max) / 1000 }),
    },
  };
}

function objectives({
  timeToFirstToken,
  interTokenLatency,
  attainmentPercent,
}: InferenceAutoscalerObjectives): Objectives {
  return {
    ...(timeToFirstToken === undefined ? {} : { timeToFirstToken: latency(timeToFirstToken) }),
    ...(interTokenLatency === undefined ? {} : { interTokenLatency: latency(interTokenLatency) }),
    attainmentPercent: attainmentPercent ?? 99,
  };
}

function latency(objective: { readonly percentile?: number; readonly milliseconds: number }): LatencyObjective {
  return { percentile: objective.percentile ?? 95, milliseconds: milliseconds(objective.milliseconds) };
}

/** HPA v2: what is given replaces the default field by field; a given list of policies replaces the default list as a whole. */
export function toBehavior(given: InferenceAutoscalerSpec['behavior'], preset: Behavior = defaultBehavior): Behavior {
  return {
    scaleUp: rules(given?.scaleUp, preset.scaleUp),
    scaleDown: rules(given?.scaleDown, preset.scaleDown),
  };
}

function rules(given: InferenceAutoscalerBehaviorScaleUp = {}, preset: ScalingRules): ScalingRules {
  const rates = given.policies ?? preset.policies;
  return {
    stabilizationWindowSeconds: given.stabilizationWindowSeconds ?? preset.stabilizationWindowSeconds,
    selectPolicy: given.selectPolicy ?? preset.selectPolicy,
    policies: rates.map(({ type, value, periodSeconds }) => ({ type, value, periodSeconds })),
  };
}

function fallback({ fallback: given }: InferenceAutoscalerSpec): Pick<PoolPolicy, 'fallback'> {
  if (given === undefined) return {};
  return { fallback: { replicas: replicas(given.replicas), afterSeconds: seconds(given.afterSeconds ?? 180) } };
}

/** An order that has ended is as good as none. */
function liveOverride({ override }: InferenceAutoscalerSpec, now: Instant): Pick<PoolPolicy, 'override'> {
  if (override === undefined) return {};
  const until = instant(Date.parse(override.until));
  return until <= now ? {} : { override: { replicas: replicas(override.replicas), until } };
}

function warmthPolicy({ warmth }: InferenceAutoscalerSpec, artifact: ModelArtifact | undefined): WarmthPolicy {
  const need = warmth?.modelArtifactRef?.name === artifact?.metadata.name ? artifactNeed(artifact) : undefined;
  return {
    mode: warmth?.mode ?? 'Plan',
    ...(need === undefined ? {} : { artifact: need }),
    floorCopies: warmth?.floorCopies ?? 0,
  };
}

/** Absent until the revision was resolved to a commit: nobody can warm what nobody has named. */
function artifactNeed(artifact: ModelArtifact | undefined): ArtifactNeed | undefined {
  if (artifact === undefined) return undefined;
  const { commit, hash, totalBytes } = artifact.status ?? {};
  if (commit === undefined || hash === undefined || totalBytes === undefined) return undefined;
  const { namespace = 'default', name } = artifact.metadata;
  return { hash, name: `${namespace}/${name}@${commit}`, bytes: bytes(totalBytes) };
}
