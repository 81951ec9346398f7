import type { Action } from '../../core/model/decision.ts';
import type { ArtifactHash, NodeName } from '../../core/model/pool.ts';
import { ForewarmError } from '../../errors.ts';
import type { AssignedArtifact } from '../../ports/artifacts.ts';
import { type ArtifactKept, keepNodeCache, type NodeCacheKept } from './artifact.ts';
import type { Cluster } from './cluster.ts';
import type { Json } from './fields.ts';
import { warmHashes, warmLabelPrefix } from './history.ts';
import { type KubeHttp, statusOf } from './http.ts';
import type { NodeKept } from './node.ts';

export interface NodeCachesOptions {
  readonly http: KubeHttp;
  readonly cluster: Cluster;
  readonly assertFresh: () => void;
}

type AssignAction = Extract<Action, { readonly kind: 'Assign' }>;

const collection = '/apis/forewarm.dev/v1alpha1/nodecaches';
const attempts = 4;

/** One NodeCache a GPU node: the controller writes what it shall hold; and the node's labels say what it does hold. */
export class NodeCaches {
  readonly #options: NodeCachesOptions;

  constructor(options: NodeCachesOptions) {
    this.#options = options;
  }

  /** Also what is assigned already, when it became more or less urgent. */
  async assign(
    { node, artifact: hash, isAwaited }: Pick<AssignAction, 'node' | 'artifact' | 'isAwaited'>,
    signal: AbortSignal,
  ): Promise<void> {
    const artifact = [...this.#options.cluster.artifacts.values()].find((one) => one.pinned?.hash === hash);
    if (artifact === undefined)
      throw new ForewarmError(
        'KUBE_REQUEST_FAILED',
        `assigning ${hash} to node ${node}: no ModelArtifact has this hash any more`,
      );
    const wanted = { ...assignedArtifact(artifact), ...(isAwaited === true ? { isAwaited } : {}) };
    await this.#change(
      node,
      (before) => {
        const present = before.find((one) => one.hash === hash);
        if (present === undefined) return [...before, wanted];
        if (present.isAwaited === isAwaited) return before;
        return before.map((one) => (one === present ? wanted : one));
      },
      signal,
    );
  }

  async unassign(node: NodeName, hash: ArtifactHash, signal: AbortSignal): Promise<void> {
    await this.#change(
      node,
      (before) => (before.some((one) => one.hash === hash) ? before.filter((one) => one.hash !== hash) : before),
      signal,
    );
  }

  /** Makes the NodeCaches that are missing and sets the warmth labels right; writes nothing when all is as it should be. */
  async reconcile(signal: AbortSignal): Promise<void> {
    for (const node of this.#options.cluster.nodes.list()) {
      if (node.isGpuNode && this.#options.cluster.nodeCaches.get(node.name) === undefined)
        await this.#create(node, signal);
      await this.#label(node, signal);
    }
  }

  async #create(node: NodeKept, signal: AbortSignal): Promise<void> {
    const owner = { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid };
    const body = {
      apiVersion: 'forewarm.dev/v1alpha1',
      kind: 'NodeCache',
      metadata: { name: node.name, ownerReferences: [owner] },
      spec: { node: node.name, artifacts: [] },
    };
    this.#options.assertFresh();
    try {
      this.#keep(await this.#options.http.call({ verb: 'POST', path: collection, body }, signal));
    } catch (err) {
      if (statusOf(err) !== 409) throw err;
    }
  }

  /** Labels of artifacts that are ready; those of what left are taken away, also when the cache itself is gone. */
  async #label(node: NodeKept, signal: AbortSignal): Promise<void> {
    const phases = this.#options.cluster.nodeCaches.get(node.name)?.phases ?? {};
    const ready = Object.keys(phases).filter((hash) => phases[hash] === 'Ready');
    const present = warmHashes(node.labels);
    const labels: Record<string, string | null> = {};
    for (const hash of ready) if (!present.includes(hash)) labels[`${warmLabelPrefix}${hash}`] = 'true';
    for (const hash of present) if (!ready.includes(hash)) labels[`${warmLabelPrefix}${hash}`] = null;
    if (Object.keys(labels).length === 0) return;
    this.#options.assertFresh();
    const path = `/api/v1/nodes/${encodeURIComponent(node.name)}`;
    await this.#options.http.call(
      { verb: 'PATCH', path, query: { fieldManager: 'forewarm' }, body: { metadata: { labels } } },
      signal,
    );
  }

  /** Under the version that was read; when somebody was quicker, reads again. */
  async #change(
    node: NodeName,
    change: (before: readonly AssignedArtifact[]) => readonly AssignedArtifact[],
    signal: AbortSignal,
  ): Promise<void> {
    let cache = this.#options.cluster.nodeCaches.get(node) ?? (await this.#get(node, signal));
    for (let attempt = 1; ; attempt++) {
      const artifacts = change(cache.assigned);
      if (artifacts === cache.assigned) return;
      this.#options.assertFresh();
      try {
        this.#keep(
          await this.#options.http.call({ verb: 'PATCH', path: pathOf(node), body: bodyOf(cache, artifacts) }, signal),
        );
        return;
      } catch (err) {
        if (statusOf(err) !== 409 || attempt === attempts) throw err;
      }
      cache = await this.#get(node, signal);
    }
  }

  async #get(node: NodeName, signal: AbortSignal): Promise<NodeCacheKept> {
    const kept = keepNodeCache(await this.#options.http.call({ verb: 'GET', path: pathOf(node) }, signal));
    if (kept === undefined) throw new ForewarmError('KUBE_REQUEST_FAILED', `NodeCache ${node} has no spec.node`);
    return kept;
  }

  /** What we wrote is known at once, so that a second change of the same pass builds on it. */
  #keep(raw: unknown): void {
    const kept = keepNodeCache(raw);
    if (kept !== undefined) this.#options.cluster.nodeCaches.set(kept);
  }
}

function pathOf(node: NodeName): string {
  return `${collection}/${encodeURIComponent(node)}`;
}

function bodyOf(cache: NodeCacheKept, artifacts: readonly AssignedArtifact[]): Json {
  return { metadata: { resourceVersion: cache.resourceVersion }, spec: { artifacts } };
}

function assignedArtifact(artifact: ArtifactKept): AssignedArtifact {
  const { pinned, key, source, files } = artifact;
  return { hash: pinned?.hash ?? '', name: key, source, commit: pinned?.commit ?? '', files };
}
