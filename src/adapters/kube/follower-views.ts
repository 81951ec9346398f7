import type { PoolId, TargetName } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import type { FollowerView } from '../../ports/metric-source.ts';
import { targetKey } from './claims.ts';
import type { Cluster } from './cluster.ts';
import { follows, type HpaKept } from './hpa.ts';
import type { Change } from './store.ts';
import type { WorkloadKept } from './workload.ts';

/** A follower reads the scale first and asks for the decision then: its reading is a little older than ours. */
const readingMilliseconds = 2000;

interface Past {
  readonly until: Instant;
  readonly spec: number;
  readonly status: number;
}

/** What an HPA that asks now may have read of its workload: the size that stands, and those that stood a moment ago. */
export class FollowerViews {
  readonly #cluster: Cluster;
  readonly #now: () => Instant;
  readonly #past = new Map<string, readonly Past[]>();
  /** HPAs by target and own key: asked for each answer, so never searched for. */
  readonly #hpas = new Map<string, Map<string, HpaKept>>();

  constructor(cluster: Cluster, now: () => Instant) {
    this.#cluster = cluster;
    this.#now = now;
    cluster.deployments.onChange((change) => this.#observe(change));
    cluster.statefulSets.onChange((change) => this.#observe(change));
    cluster.others.onChange((change) => this.#observe(change));
    for (const hpa of cluster.hpas.values()) this.#index({ after: hpa });
    cluster.hpas.onChange((change) => this.#index(change));
  }

  of(pool: PoolId, target: TargetName): FollowerView | undefined {
    const autoscaler = this.#cluster.autoscalers.get(pool);
    const ref = autoscaler?.targets.find((one) => one.target === target);
    if (autoscaler === undefined || ref === undefined) return undefined;
    const workload = this.#cluster.workload(ref.kind, `${autoscaler.namespace}/${ref.name}`);
    if (workload === undefined) return undefined;
    const labels = { autoscaler: autoscaler.name, target };
    const hpas = this.#hpas.get(targetKey(autoscaler.namespace, ref)) ?? [];
    const follower = [...hpas.values()].find((hpa) => follows(hpa, labels));
    const sizes = [...this.#recent(workload.key), sizeOf(workload)];
    return { sizes, tolerance: follower?.tolerance ?? { up: 0.1, down: 0.1 } };
  }

  #index({ before, after }: Change<HpaKept>): void {
    if (before !== undefined) this.#hpas.get(claimed(before))?.delete(before.key);
    if (after === undefined) return;
    const group = this.#hpas.get(claimed(after)) ?? new Map<string, HpaKept>();
    this.#hpas.set(claimed(after), group.set(after.key, after));
  }

  #recent(key: string): readonly Past[] {
    const now = this.#now();
    return (this.#past.get(key) ?? []).filter(({ until }) => now - until < readingMilliseconds);
  }

  #observe({ before, after }: Change<WorkloadKept>): void {
    if (before === undefined) return;
    if (after === undefined) {
      this.#past.delete(before.key);
      return;
    }
    const [was, is] = [sizeOf(before), sizeOf(after)];
    if (was.spec === is.spec && was.status === is.status) return;
    this.#past.set(before.key, [...this.#recent(before.key), { until: this.#now(), ...was }]);
  }
}

function claimed({ namespace, targetKind, targetName }: HpaKept): string {
  return targetKey(namespace, { kind: targetKind, name: targetName });
}

function sizeOf({ specReplicas, statusReplicas }: WorkloadKept): { readonly spec: number; readonly status: number } {
  return { spec: specReplicas, status: statusReplicas };
}
