import type { SpecChange } from '../../core/model/pool.ts';
import { type Instant, instant, replicas } from '../../core/model/units.ts';
import type { Cluster } from './cluster.ts';
import { optional } from './fields.ts';
import type { PodKept } from './pod.ts';
import { hasLostReadiness } from './replica.ts';
import type { Change } from './store.ts';
import type { WorkloadKept } from './workload.ts';

/** Longer than the longest window of `behavior`. */
const keptMilliseconds = 2 * 3600 * 1000;
const keptChanges = 400;
/** A pod is made within seconds of its order; what comes later replaces a lost pod. */
const orderMilliseconds = 60_000;

/** A raise with the pods that were made for it, at most `size`. */
interface Raise {
  readonly at: Instant;
  readonly size: number;
  readonly pods: Set<string>;
}

/** Changes of spec.replicas as this process saw them, whoever made them. */
export class SpecHistory {
  readonly #now: () => Instant;
  readonly #changes = new Map<string, SpecChange[]>();
  readonly #raises = new Map<string, readonly Raise[]>();

  constructor(now: () => Instant) {
    this.#now = now;
  }

  listen(cluster: Cluster): void {
    cluster.deployments.onChange((change) => this.#observe(change));
    cluster.statefulSets.onChange((change) => this.#observe(change));
    cluster.others.onChange((change) => this.#observe(change));
  }

  of(key: string): readonly SpecChange[] {
    return this.#changes.get(key) ?? [];
  }

  /**
   * The raise that asked for this pod. A raise of three explains three pods: what is made beside them (by a rollout, for a lost pod) was ordered
   * by nobody. The API server dates pods in whole seconds.
   */
  orderOf(key: string, { uid, createdAt }: Pick<PodKept, 'uid' | 'createdAt'>): Instant | undefined {
    const raises = this.#raises.get(key) ?? [];
    const made = ({ at, size, pods }: Raise): boolean =>
      pods.size < size && at <= createdAt + 2000 && createdAt - at <= orderMilliseconds;
    const raise = raises.find(({ pods }) => pods.has(uid)) ?? raises.find(made);
    raise?.pods.add(uid);
    return raise === undefined ? undefined : instant(Math.min(raise.at, createdAt));
  }

  #observe({ before, after }: Change<WorkloadKept>): void {
    if (after === undefined) {
      if (before !== undefined) this.#forget(before.key);
      return;
    }
    if (before === undefined || before.specReplicas === after.specReplicas) return;
    const now = this.#now();
    const change = { at: now, from: replicas(before.specReplicas), to: replicas(after.specReplicas) };
    const kept = this.of(after.key).filter(({ at }) => now - at < keptMilliseconds);
    this.#changes.set(after.key, [...kept, change].slice(-keptChanges));
    this.#raises.set(after.key, ordered(this.#raises.get(after.key) ?? [], change));
  }

  #forget(key: string): void {
    this.#changes.delete(key);
    this.#raises.delete(key);
  }
}

/** A raise is an order; a decrease takes back what the youngest orders have not got yet. */
function ordered(raises: readonly Raise[], { at, from, to }: SpecChange): readonly Raise[] {
  const kept = raises.filter((raise) => at - raise.at < keptMilliseconds).slice(-keptChanges);
  if (to > from) return [...kept, { at, size: to - from, pods: new Set() }];
  let surplus = from - to;
  return kept
    .toReversed()
    .map((raise) => {
      const taken = Math.min(surplus, raise.size - raise.pods.size);
      surplus -= taken;
      return { ...raise, size: raise.size - taken };
    })
    .reverse();
}

interface PodFacts {
  readonly wasReady: boolean;
  /** Its first readiness, if we saw it come: the condition's own time may be that of a return (a node that was away for a minute). */
  readonly readyAt?: number;
  /** Artifacts ready on the node when the pod was bound to it; absent while unbound or unknown. */
  readonly warm?: readonly string[];
}

/** What a pod's present state does not tell: whether it has been Ready, since when, and what its node held when it came. */
export class PodHistory {
  readonly #facts = new Map<string, PodFacts>();

  listen(cluster: Cluster): void {
    cluster.pods.onChange(({ before, after }) => {
      if (after !== undefined) this.#facts.set(after.uid, this.#next(after, cluster, before !== undefined));
      else if (before !== undefined) this.#facts.delete(before.uid);
    });
  }

  of(pod: PodKept): PodFacts {
    return this.#facts.get(pod.uid) ?? { wasReady: false };
  }

  #next(pod: PodKept, cluster: Cluster, isKnown: boolean): PodFacts {
    const before = this.#facts.get(pod.uid);
    const ready = pod.conditions['Ready'];
    const isReady = ready?.status === 'True';
    return {
      wasReady: before?.wasReady === true || isReady || hasLostReadiness(pod),
      ...optional('readyAt', before?.readyAt ?? (isReady && before?.wasReady === false ? ready.at : undefined)),
      ...optional('warm', before?.warm ?? warmOf(pod, cluster, isKnown)),
    };
  }
}

/**
 * Read at the moment of binding. Of a pod that was bound before this process looked the node's labels tell, while it still starts; once it is
 * Ready nobody can say what it found.
 */
function warmOf(pod: PodKept, cluster: Cluster, isKnown: boolean): readonly string[] | undefined {
  if (pod.node === undefined) return undefined;
  if (!isKnown && pod.conditions['Ready']?.status === 'True') return undefined;
  const cache = cluster.nodeCaches.get(pod.node);
  if (cache !== undefined) return Object.keys(cache.phases).filter((hash) => cache.phases[hash] === 'Ready');
  const labels = cluster.nodes.get(pod.node)?.labels;
  return labels === undefined ? undefined : warmHashes(labels);
}

export const warmLabelPrefix = 'warm.forewarm.dev/';

export function warmHashes(labels: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(labels).flatMap((key) =>
    key.startsWith(warmLabelPrefix) ? [key.slice(warmLabelPrefix.length)] : [],
  );
}
