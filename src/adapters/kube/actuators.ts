import type { Action } from '../../core/model/decision.ts';
import type { PoolId } from '../../core/model/pool.ts';
import { ForewarmError } from '../../errors.ts';
import type { Actuators } from '../../ports/index.ts';
import type { Cluster } from './cluster.ts';
import type { EventRecorder } from './events.ts';
import type { KubeHttp } from './http.ts';
import { statusOf } from './http.ts';
import type { NodeCaches } from './node-caches.ts';
import { deletionCost } from './pod.ts';
import { ScaleClient } from './scale.ts';

export interface KubeActuatorsOptions {
  readonly http: KubeHttp;
  readonly cluster: Cluster;
  readonly nodeCaches: NodeCaches;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly assertFresh: () => void;
  /** Whether the memory that led to this pool's actions is stored. */
  readonly isSaved: (pool: PoolId) => boolean;
}

type ScaleAction = Extract<Action, { readonly kind: 'Scale' }>;
type ProtectAction = Extract<Action, { readonly kind: 'ProtectPods' }>;

interface Mark {
  readonly namespace: string;
  readonly name: string;
  /** `null` takes the mark away. */
  readonly cost: string | null;
}

/** Performs the actions of a pass. Each one checks the lease again at the moment of sending. */
export class KubeActuators implements Actuators {
  readonly #options: KubeActuatorsOptions;
  readonly #scales: ScaleClient;

  constructor(options: KubeActuatorsOptions) {
    this.#options = options;
    this.#scales = new ScaleClient(options.http);
  }

  async perform(action: Action, signal: AbortSignal): Promise<void> {
    this.#options.assertFresh();
    switch (action.kind) {
      case 'Scale':
        return await this.#scale(action, signal);
      case 'ProtectPods':
        return await this.#protect(action, signal);
      case 'Assign':
        return await this.#options.nodeCaches.assign(action, signal);
      case 'Unassign':
        return await this.#options.nodeCaches.unassign(action.node, action.artifact, signal);
      case 'Headroom':
        throw new ForewarmError(
          'KUBE_REQUEST_FAILED',
          `headroom for ${action.pool}: capacity buffers are not written by this version`,
        );
    }
  }

  async #scale(action: ScaleAction, signal: AbortSignal): Promise<void> {
    const { cluster, assertFresh, isSaved, events } = this.#options;
    const autoscaler = cluster.autoscalers.get(action.pool);
    const ref = autoscaler?.targets.find(({ target }) => target === action.target);
    if (autoscaler === undefined || ref === undefined) return; // deleted since it was seen
    if (!isSaved(action.pool)) {
      throw new ForewarmError(
        'KUBE_REQUEST_FAILED',
        `scaling ${action.pool}: its safety memory could not be stored first`,
      );
    }
    const { namespace } = autoscaler;
    await this.#scales.write({ namespace, ref, from: action.from, to: action.to, assertFresh }, signal);
    events.record({
      regarding: {
        apiVersion: 'forewarm.dev/v1alpha1',
        kind: 'InferenceAutoscaler',
        namespace,
        name: autoscaler.name,
        uid: autoscaler.uid,
      },
      type: 'Normal',
      reason: 'Scaled',
      action: 'Scale',
      note: `Scaled ${ref.kind}/${ref.name} from ${action.from} to ${action.to}`,
    });
  }

  /** Says to the ReplicaSet controller which pods it loses first. A pod that is gone needs no mark. */
  async #protect(action: ProtectAction, signal: AbortSignal): Promise<void> {
    const namespace = action.pool.slice(0, action.pool.indexOf('/'));
    for (const name of action.victims) await this.#mark({ namespace, name, cost: deletionCost.marked }, signal);
    for (const name of action.freed) await this.#mark({ namespace, name, cost: null }, signal);
  }

  async #mark({ namespace, name, cost }: Mark, signal: AbortSignal): Promise<void> {
    const seen = this.#options.cluster.pods.get(`${namespace}/${name}`);
    if (seen !== undefined && seen.isMarked === (cost !== null)) return;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
    const body = { metadata: { annotations: { [deletionCost.name]: cost } } };
    try {
      await this.#options.http.call({ verb: 'PATCH', path, body }, signal);
    } catch (err) {
      if (statusOf(err) !== 404) throw err;
    }
  }
}
