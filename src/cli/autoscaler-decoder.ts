import type { AutoscalerKept } from '../adapters/kube/autoscaler.ts';
import type { Cluster } from '../adapters/kube/cluster.ts';
import { isJson, type Json, list, text } from '../adapters/kube/fields.ts';
import { policyContext, type PolicyContext } from '../adapters/kube/sensors.ts';
import {
  type CodecContext,
  danglingReferences,
  type ScalingPreset,
  toPoolPolicy,
  toScalingPreset,
} from '../config/codec.ts';
import { floorsOf } from '../config/schedules.ts';
import type { InferenceAutoscaler, ModelArtifact } from '../core/model/api.gen.ts';
import type { PoolPolicy } from '../core/model/policy.ts';
import type { Floor } from '../core/model/pool.ts';
import type { EngineProfile } from '../core/model/profile.ts';
import { type Problem, problem, type Result } from '../core/model/result.ts';
import { elapsed, type Instant } from '../core/model/units.ts';
import type { Clock } from '../ports/index.ts';

/** Floors of schedules are expanded again after this long. */
const freshSeconds = 3600;

/** Autoscaler objects as the core reads them. A ScalingPolicy is parsed once a version, not once a pass. */
export class AutoscalerDecoder {
  readonly #clock: Clock;
  readonly #profiles: ReadonlyMap<string, EngineProfile>;
  /** Limits that the API server drops from every object: its schema is older than this program. */
  #unserved: readonly string[] = [];
  readonly #presets = new Map<string, { readonly version: string; readonly preset: Result<ScalingPreset> }>();

  readonly #floors = new WeakMap<AutoscalerKept, { readonly at: Instant; readonly floors: readonly Floor[] }>();

  constructor(clock: Clock, profiles: ReadonlyMap<string, EngineProfile>) {
    this.#clock = clock;
    this.#profiles = profiles;
  }

  refuseScale(unserved: readonly string[]): void {
    this.#unserved = unserved;
  }

  decode(raw: Json, context: PolicyContext): Result<PoolPolicy> {
    if (!isAutoscaler(raw)) return problem('spec.targets', raw['spec'], 'a list of targets');
    if (raw.spec.mode === 'Scale' && this.#unserved.length > 0) {
      const allowed = `Observe or Recommend until the custom resources are updated: the API server drops ${this.#unserved.join(', ')}`;
      return problem('spec.mode', 'Scale', allowed);
    }
    const preset = this.#preset(context);
    if (preset !== undefined && !preset.ok) return preset;
    return toPoolPolicy(raw, this.#context(context, preset?.value));
  }

  /** Expanded anew for each version of the object, and each hour: a pass looks at a thousand of them. */
  floorsOf(autoscaler: AutoscalerKept, now: Instant): readonly Floor[] {
    const { raw } = autoscaler;
    const schedules = isAutoscaler(raw) ? (raw.spec.schedules ?? []) : [];
    if (schedules.length === 0) return [];
    const known = this.#floors.get(autoscaler);
    if (known !== undefined && now >= known.at && elapsed(known.at, now) < freshSeconds) return known.floors;
    const floors = floorsOf(schedules, now);
    this.#floors.set(autoscaler, { at: now, floors });
    return floors;
  }

  dangling(autoscaler: AutoscalerKept, cluster: Cluster): readonly Problem[] {
    if (!isAutoscaler(autoscaler.raw)) return [];
    const context = policyContext(autoscaler, cluster);
    const preset = this.#preset(context);
    return danglingReferences(autoscaler.raw, this.#context(context, preset?.ok === true ? preset.value : undefined));
  }

  #context({ gpus, artifact, priority }: PolicyContext, policy: ScalingPreset | undefined): CodecContext {
    return {
      now: this.#clock.now(),
      ...(policy === undefined ? {} : { policy }),
      ...(isArtifact(artifact) ? { artifact } : {}),
      ...(priority === undefined ? {} : { priority }),
      profiles: this.#profiles,
      templateGpus: new Map(Object.entries(gpus)),
    };
  }

  #preset({ policyName, scalingPolicy }: PolicyContext): Result<ScalingPreset> | undefined {
    if (scalingPolicy === undefined) return undefined;
    const version = text(scalingPolicy, 'metadata', 'resourceVersion') ?? '';
    const known = this.#presets.get(policyName);
    if (known?.version === version) return known.preset;
    const { apiVersion, kind, spec } = scalingPolicy;
    const preset = toScalingPreset({ apiVersion, kind, metadata: { name: policyName }, spec });
    this.#presets.set(policyName, { version, preset });
    return preset;
  }
}

/** The API server has checked the object against its schema; what later rules it breaks the codec says. */
function isAutoscaler(raw: unknown): raw is InferenceAutoscaler {
  return (
    text(raw, 'metadata', 'name') !== undefined &&
    list(raw, 'spec', 'targets').every((one) => text(one, 'scaleTargetRef', 'name') !== undefined)
  );
}

function isArtifact(raw: unknown): raw is ModelArtifact {
  return isJson(raw) && text(raw, 'metadata', 'name') !== undefined && text(raw, 'spec', 'source') !== undefined;
}
