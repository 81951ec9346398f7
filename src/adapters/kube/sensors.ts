import { togetherOf } from '../../core/model/engines/endpoint-picker.ts';
import { allMissing } from '../../core/model/engines/samples.ts';
import type { PoolPolicy } from '../../core/model/policy.ts';
import type { Floor, GatewaySamples, PoolId, PoolSeen } from '../../core/model/pool.ts';
import { type Problem, problem, type Result } from '../../core/model/result.ts';
import type { Instant } from '../../core/model/units.ts';
import type { Breathe } from '../../ports/breathe.ts';
import type { Clock, PoolInput, Sensors, TickInput } from '../../ports/index.ts';
import type { ReplicaReading } from '../../ports/replica-reader.ts';
import type { AutoscalerKept } from './autoscaler.ts';
import { claimsOf } from './claims.ts';
import type { Cluster } from './cluster.ts';
import { fleetSeen } from './fleet.ts';
import { type Json, optional } from './fields.ts';
import type { PodHistory, SpecHistory } from './history.ts';
import { Pickers } from './pickers.ts';
import { budgetsOf } from './quota.ts';
import { groupByOwner, type Looking, targetSeen } from './target.ts';

/** What the object alone does not say. */
export interface PolicyContext {
  /** The ScalingPolicy that it names; absent when none is installed under that name. */
  readonly scalingPolicy?: Json;
  readonly policyName: string;
  /** GPUs of one replica by target, as the pod template requests them. */
  readonly gpus: Readonly<Record<string, number>>;
  /** The ModelArtifact that it names, where it exists. */
  readonly artifact?: Json;
  /** Value of the PriorityClass that it names, where it exists. */
  readonly priority?: number;
}
/** Schedule floors of an object as of a time. */
export type DecodeFloors = (autoscaler: AutoscalerKept, now: Instant) => readonly Floor[];
export type DecodePolicy = (autoscaler: Json, context: PolicyContext) => Result<PoolPolicy>;

export interface ClusterSensorsOptions {
  readonly cluster: Cluster;
  readonly specs: SpecHistory;
  readonly pods: PodHistory;
  readonly clock: Clock;
  readonly decode: DecodePolicy;
  readonly floorsOf: DecodeFloors;
  readonly readings: () => ReadonlyMap<string, ReplicaReading>;
  /** @default never */
  readonly breathe?: Breathe;
}

/**
 * What the stores say at this moment, as one input of a pass. Costs no request. Where it takes breaths, pools that come later are seen as they are
 * then, as if their watch had been quicker.
 */
export class ClusterSensors implements Sensors {
  readonly #options: ClusterSensorsOptions;
  #problems: ReadonlyMap<PoolId, Problem> = new Map();

  constructor(options: ClusterSensorsOptions) {
    this.#options = options;
  }

  /** Pools whose object cannot be used, as of the last look. */
  get problems(): ReadonlyMap<PoolId, Problem> {
    return this.#problems;
  }

  async observe(): Promise<TickInput> {
    const { cluster, specs, pods, clock, floorsOf } = this.#options;
    const now = clock.now();
    const look: PoolLook = {
      cluster,
      specs,
      pods,
      owned: groupByOwner(cluster.pods.values()),
      claims: claimsOf(cluster),
      eligible: new Map(),
      readings: this.#options.readings(),
      pickers: new Pickers(cluster),
    };
    const inputs: PoolInput[] = [];
    const problems = new Map<PoolId, Problem>();
    for (const autoscaler of cluster.autoscalers.list()) {
      const policy = this.policyOf(autoscaler);
      if (policy.ok) inputs.push({ policy: policy.value, seen: poolSeen(autoscaler, look, floorsOf(autoscaler, now)) });
      else problems.set(autoscaler.key, policy.problem);
      const breath = this.#options.breathe?.();
      if (breath !== undefined) await breath;
    }
    this.#problems = problems;
    const reserved = [...problems.keys()].flatMap((pool) => pinnedHash(cluster, pool)).sort();
    const budgets = budgetsOf(cluster.quotas.list(), inputs);
    const fleet = {
      ...fleetSeen(cluster),
      ...(budgets.length === 0 ? {} : { budgets }),
      ...(reserved.length === 0 ? {} : { reserved }),
    };
    return { now: clock.now(), pools: inputs, fleet };
  }

  /** The object as the brain reads it. */
  policyOf(autoscaler: AutoscalerKept): Result<PoolPolicy> {
    const { cluster, decode } = this.#options;
    if (autoscaler.inferencePool !== undefined) {
      return problem(
        'spec.pool.inferencePoolRef',
        autoscaler.inferencePool,
        'absent: pools by reference are not supported yet, give `pool.selector`',
      );
    }
    return decode(autoscaler.raw, policyContext(autoscaler, cluster));
  }
}

export function policyContext(autoscaler: AutoscalerKept, cluster: Cluster): PolicyContext {
  const { namespace, artifact, policyName, priority } = autoscaler;
  return {
    policyName,
    ...optional('scalingPolicy', cluster.policies.get(policyName)?.raw),
    gpus: gpusByTarget(autoscaler, cluster),
    ...optional('priority', priority === undefined ? undefined : cluster.priorities.get(priority)?.value),
    ...optional(
      'artifact',
      artifact === undefined ? undefined : cluster.artifacts.get(`${namespace}/${artifact}`)?.raw,
    ),
  };
}

/** What a pool that cannot be used would want warm. */
function pinnedHash(cluster: Cluster, pool: PoolId): readonly string[] {
  const autoscaler = cluster.autoscalers.get(pool);
  if (autoscaler?.artifact === undefined) return [];
  const pinned = cluster.artifacts.get(`${autoscaler.namespace}/${autoscaler.artifact}`)?.pinned;
  return pinned === undefined ? [] : [pinned.hash];
}

type PoolLook = Looking & { readonly pickers: Pickers };

function poolSeen(autoscaler: AutoscalerKept, look: PoolLook, floors: readonly Floor[]): PoolSeen {
  return {
    pool: autoscaler.key,
    targets: autoscaler.targets.map((ref) => targetSeen(autoscaler, ref, look)),
    ...(autoscaler.signals.gateway === undefined ? {} : { gateway: gatewaySeen(autoscaler, look) }),
    floors,
    scrapeIntervalSeconds: autoscaler.signals.intervalSeconds,
  };
}

function gatewaySeen(autoscaler: AutoscalerKept, { pickers, readings }: PoolLook): GatewaySamples {
  const seen = pickers.of(autoscaler).map(({ uid }): GatewaySamples => {
    const { waiting: queued, finishedTotal: requestsTotal } = readings.get(uid)?.samples ?? allMissing('NotScraped');
    return { queued, requestsTotal };
  });
  return togetherOf(seen);
}

function gpusByTarget(autoscaler: AutoscalerKept, cluster: Cluster): Readonly<Record<string, number>> {
  const gpus: Record<string, number> = {};
  for (const ref of autoscaler.targets) {
    const workload = cluster.workload(ref.kind, `${autoscaler.namespace}/${ref.name}`);
    if (workload?.gpus !== undefined) gpus[ref.target] = workload.gpus;
  }
  return gpus;
}
