import type { Clock } from '../../ports/index.ts';
import { type ArtifactKept, keepArtifact, keepNodeCache, type NodeCacheKept } from './artifact.ts';
import { type AutoscalerKept, keepAutoscaler } from './autoscaler.ts';
import { isJson, type Json, number, text } from './fields.ts';
import { type HpaKept, keepHpa } from './hpa.ts';
import type { KubeHttp } from './http.ts';
import { keepNode, type NodeKept } from './node.ts';
import { OtherTargets } from './other-targets.ts';
import { keepPod, type PodKept } from './pod.ts';
import { keepQuota, type QuotaKept } from './quota.ts';
import { Reflector } from './reflector.ts';
import { type Kept, Store, versionOf } from './store.ts';
import { keepWorkload, type WorkloadKept } from './workload.ts';

export interface PolicyKept extends Kept {
  readonly raw: Json;
}

/** A PriorityClass. */
export interface PriorityKept extends Kept {
  readonly value: number;
}

export interface ClusterOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly random: () => number;
  /** Only objects of this namespace; all namespaces when absent. */
  readonly namespace?: string;
  readonly onProblem: (kind: string, err: unknown) => void;
}

const ours = '/apis/forewarm.dev/v1alpha1';

/** Everything the controller watches, as stores that heal themselves. */
export class Cluster {
  readonly autoscalers: Store<AutoscalerKept> = new Store();
  readonly policies: Store<PolicyKept> = new Store();
  readonly artifacts: Store<ArtifactKept> = new Store();
  readonly nodeCaches: Store<NodeCacheKept> = new Store();
  readonly pods: Store<PodKept> = new Store();
  readonly nodes: Store<NodeKept> = new Store();
  readonly hpas: Store<HpaKept> = new Store();
  readonly deployments: Store<WorkloadKept> = new Store();
  readonly statefulSets: Store<WorkloadKept> = new Store();
  /** Of GPUs. Not waited for: where they may not be read, pools share nothing. */
  readonly quotas: Store<QuotaKept> = new Store();
  readonly priorities: Store<PriorityKept> = new Store();
  /** Targets of other kinds, known by their scale alone. */
  readonly others: Store<WorkloadKept> = new Store();
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** The only namespace that is looked at. */
  get namespace(): string | undefined {
    return this.#options.namespace;
  }

  /** Watches until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#reflectors(), this.#otherTargets()].map((one) => one.run(signal)));
  }

  /** The first complete list of every kind is in: before that nothing may be decided. */
  get isSynced(): boolean {
    return this.#stores().every((store) => store.isSynced);
  }

  /** Kinds whose first list is still missing, for the log. */
  unsynced(): readonly string[] {
    const names = [
      'inferenceautoscalers',
      'scalingpolicies',
      'modelartifacts',
      'nodecaches',
      'pods',
      'nodes',
      'horizontalpodautoscalers',
      'deployments',
      'statefulsets',
    ];
    return this.#stores().flatMap((store, index) => (store.isSynced ? [] : [names[index] ?? '']));
  }

  async synced(signal: AbortSignal): Promise<void> {
    while (!this.isSynced) await this.#options.clock.sleep(50, signal);
  }

  workload(kind: string, key: string): WorkloadKept | undefined {
    const store = kind === 'Deployment' ? this.deployments : kind === 'StatefulSet' ? this.statefulSets : this.others;
    return store.get(`${kind}/${key}`);
  }

  #otherTargets(): OtherTargets {
    const { http, clock, onProblem } = this.#options;
    const { autoscalers, pods, others: store } = this;
    return new OtherTargets({ http, clock, autoscalers, pods, store, onProblem: (err) => onProblem('scale', err) });
  }

  #stores(): readonly { readonly isSynced: boolean }[] {
    const { autoscalers, policies, artifacts, nodeCaches, pods, nodes, hpas, deployments, statefulSets } = this;
    return [autoscalers, policies, artifacts, nodeCaches, pods, nodes, hpas, deployments, statefulSets];
  }

  #reflectors(): readonly { run(signal: AbortSignal): Promise<void> }[] {
    const { namespace } = this.#options;
    const inside = (group: string, plural: string): string =>
      namespace === undefined ? `${group}/${plural}` : `${group}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
    return [
      this.#reflect(inside(ours, 'inferenceautoscalers'), keepAutoscaler, this.autoscalers),
      this.#reflect(`${ours}/scalingpolicies`, keepPolicy, this.policies),
      this.#reflect(inside(ours, 'modelartifacts'), keepArtifact, this.artifacts),
      this.#reflect(`${ours}/nodecaches`, keepNodeCache, this.nodeCaches),
      // All pods, wherever: free GPUs of a node are what every pod on it leaves.
      this.#reflect('/api/v1/pods', keepPod, this.pods),
      this.#reflect('/api/v1/nodes', keepNode, this.nodes),
      this.#reflect(inside('/apis/autoscaling/v2', 'horizontalpodautoscalers'), keepHpa, this.hpas),
      this.#reflect(inside('/apis/apps/v1', 'deployments'), keepWorkload('Deployment'), this.deployments),
      this.#reflect(inside('/apis/apps/v1', 'statefulsets'), keepWorkload('StatefulSet'), this.statefulSets),
      this.#reflect(inside('/api/v1', 'resourcequotas'), keepQuota, this.quotas),
      this.#reflect('/apis/scheduling.k8s.io/v1/priorityclasses', keepPriority, this.priorities),
    ];
  }

  #reflect<T extends Kept>(path: string, transform: (raw: unknown) => T | undefined, store: Store<T>): Reflector<T> {
    const { http, clock, random, onProblem } = this.#options;
    const kind = path.slice(path.lastIndexOf('/') + 1);
    return new Reflector({ http, clock, random, path, transform, store, onProblem: (err) => onProblem(kind, err) });
  }
}

function keepPriority(raw: unknown): PriorityKept | undefined {
  const value = number(raw, 'value');
  return value === undefined ? undefined : { ...versionOf(raw), value };
}

function keepPolicy(raw: unknown): PolicyKept | undefined {
  return text(raw, 'metadata', 'name') !== undefined && isJson(raw) ? { ...versionOf(raw), raw } : undefined;
}
