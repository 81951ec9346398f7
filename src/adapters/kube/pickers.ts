import type { AutoscalerKept } from './autoscaler.ts';
import type { Cluster } from './cluster.ts';
import type { PodKept } from './pod.ts';
import { isTerminal } from './replica.ts';
import { selects } from './selector.ts';

/**
 * The endpoint pickers before pools, as of one look. Pods are looked through once for all pools of a namespace that tell theirs by the same label, and not at
 * all where none has one.
 */
export class Pickers {
  readonly #cluster: Pick<Cluster, 'pods'>;
  #byNamespace: ReadonlyMap<string, readonly PodKept[]> | undefined;
  readonly #byLabel = new Map<string, ReadonlyMap<string, readonly PodKept[]>>();

  constructor(cluster: Pick<Cluster, 'pods'>) {
    this.#cluster = cluster;
  }

  /** Live pods, by UID. */
  of({ namespace, signals: { gateway } }: AutoscalerKept): readonly PodKept[] {
    const [first] = Object.entries(gateway?.selector.labels ?? {});
    if (gateway === undefined || first === undefined) return [];
    const [label, value] = first;
    const candidates = this.#labelled(namespace, label).get(value) ?? [];
    return candidates
      .filter((pod) => selects(gateway.selector, pod.labels))
      .toSorted((a, b) => (a.uid < b.uid ? -1 : 1));
  }

  #labelled(namespace: string, label: string): ReadonlyMap<string, readonly PodKept[]> {
    const key = `${namespace}/${label}`;
    const known = this.#byLabel.get(key);
    if (known !== undefined) return known;
    this.#byNamespace ??= Map.groupBy(this.#cluster.pods.values(), (pod) => pod.namespace);
    const live = (this.#byNamespace.get(namespace) ?? []).filter((pod) => !isTerminal(pod));
    const made = Map.groupBy(live, ({ labels }) => labels[label] ?? '');
    this.#byLabel.set(key, made);
    return made;
  }
}
