import { replicas, type Replicas } from '../../core/model/units.ts';
import { ForewarmError } from '../../errors.ts';
import type { TargetRef } from './autoscaler.ts';
import { list, number, text } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';

export interface LiveScale {
  readonly replicas: Replicas;
  readonly statusReplicas: Replicas;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly selector: string;
}

export interface ScaleWrite {
  readonly namespace: string;
  readonly ref: TargetRef;
  readonly from: Replicas;
  readonly to: Replicas;
  /** Called right before each write; throws when this process may not write any more. */
  readonly assertFresh: () => void;
}

const knownPlurals: Readonly<Record<string, string>> = {
  'apps/v1 Deployment': 'deployments',
  'apps/v1 StatefulSet': 'statefulsets',
  'apps/v1 ReplicaSet': 'replicasets',
  'leaderworkerset.x-k8s.io/v1 LeaderWorkerSet': 'leaderworkersets',
};
const attempts = 3;

/** Reads and writes the scale subresource of anything that has one. */
export class ScaleClient {
  readonly #http: KubeHttp;
  readonly #plurals = new Map(Object.entries(knownPlurals));

  constructor(http: KubeHttp) {
    this.#http = http;
  }

  async read(namespace: string, ref: TargetRef, signal: AbortSignal): Promise<LiveScale> {
    const raw = await this.#http.call({ verb: 'GET', path: await this.#path(namespace, ref, signal) }, signal);
    return {
      // Zero is left out of the JSON.
      replicas: replicas(number(raw, 'spec', 'replicas') ?? 0),
      statusReplicas: replicas(number(raw, 'status', 'replicas') ?? 0),
      uid: text(raw, 'metadata', 'uid') ?? '',
      resourceVersion: text(raw, 'metadata', 'resourceVersion') ?? '',
      selector: text(raw, 'status', 'selector') ?? '',
    };
  }

  /**
   * Sets replicas from what was seen to what was decided, if it still is what was seen. Every write carries the resourceVersion of a read made
   * just before: a leader that lost its lease gets a conflict. Throws SCALE_CONFLICT; the next pass decides anew.
   */
  async write(order: ScaleWrite, signal: AbortSignal): Promise<void> {
    const path = await this.#path(order.namespace, order.ref, signal);
    for (let attempt = 1; ; attempt++) {
      const live = await this.read(order.namespace, order.ref, signal);
      if (live.replicas === order.to) return;
      if (live.replicas !== order.from) {
        throw new ForewarmError(
          'SCALE_CONFLICT',
          `${path}: replicas is ${live.replicas} now, the decision was from ${order.from} to ${order.to}`,
        );
      }
      order.assertFresh();
      if (await this.#patch(path, { to: order.to, version: live.resourceVersion }, signal)) return;
      if (attempt === attempts)
        throw new ForewarmError('SCALE_CONFLICT', `${path}: changed ${attempts} times while it was written`);
    }
  }

  /** False: the object changed in between (its status does so often). */
  async #patch(
    path: string,
    write: { readonly to: Replicas; readonly version: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const body = { metadata: { resourceVersion: write.version }, spec: { replicas: write.to } };
    try {
      await this.#http.call({ verb: 'PATCH', path, query: { fieldManager: 'forewarm' }, body }, signal);
      return true;
    } catch (err) {
      if (statusOf(err) === 409) return false;
      throw err;
    }
  }

  async #path(namespace: string, ref: TargetRef, signal: AbortSignal): Promise<string> {
    const plural = await this.#plural(ref, signal);
    const base = ref.apiVersion.includes('/') ? `/apis/${ref.apiVersion}` : `/api/${ref.apiVersion}`;
    return `${base}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(ref.name)}/scale`;
  }

  async #plural(ref: TargetRef, signal: AbortSignal): Promise<string> {
    const key = `${ref.apiVersion} ${ref.kind}`;
    const known = this.#plurals.get(key);
    if (known !== undefined) return known;
    const base = ref.apiVersion.includes('/') ? `/apis/${ref.apiVersion}` : `/api/${ref.apiVersion}`;
    const resources = list(await this.#http.call({ verb: 'GET', path: base }, signal), 'resources');
    const found = resources.find((one) => text(one, 'kind') === ref.kind && !(text(one, 'name') ?? '/').includes('/'));
    const plural = text(found, 'name');
    const hasScale = resources.some((one) => text(one, 'name') === `${plural}/scale`);
    if (plural === undefined || !hasScale) {
      throw new ForewarmError('KUBE_REQUEST_FAILED', `${key} has no scale subresource on this cluster`);
    }
    this.#plurals.set(key, plural);
    return plural;
  }
}
