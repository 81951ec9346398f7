import { explainError } from '../../errors.ts';
import type { Clock } from '../../ports/index.ts';
import type { AutoscalerKept, TargetRef } from './autoscaler.ts';
import type { KubeHttp } from './http.ts';
import type { Placement } from './placement.ts';
import type { PodKept } from './pod.ts';
import { type LiveScale, ScaleClient } from './scale.ts';
import { parseSelector, selects } from './selector.ts';
import type { Store } from './store.ts';
import type { WorkloadKept } from './workload.ts';

export interface OtherTargetsOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly autoscalers: Store<AutoscalerKept>;
  readonly pods: Store<PodKept>;
  readonly store: Store<WorkloadKept>;
  readonly onProblem: (err: unknown) => void;
}

const watchedKinds = ['apps/v1 Deployment', 'apps/v1 StatefulSet'];
const periodMilliseconds = 5000;
/** Without a template nobody can say where not. */
const anywhere: Placement = { selector: {}, terms: [], tolerations: [{ operator: 'Exists', value: '' }] };

/**
 * Targets of any other kind (LeaderWorkerSet, StormService, ...): known by their scale subresource alone, read each five seconds. What their
 * pods are the scale's selector says; what a replica needs its pods show.
 */
export class OtherTargets {
  readonly #options: OtherTargetsOptions;
  readonly #scales: ScaleClient;
  /** What was last said of each target: a kind that does not exist is not news each five seconds. */
  readonly #told = new Map<string, string>();

  constructor(options: OtherTargetsOptions) {
    this.#options = options;
    this.#scales = new ScaleClient(options.http);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(signal);
      try {
        await this.#options.clock.sleep(periodMilliseconds, signal);
      } catch (err) {
        if (!signal.aborted) throw err;
      }
    }
  }

  /** One look at all of them. One that cannot be read is unknown from then on: nothing is decided on what was. */
  async look(signal: AbortSignal): Promise<void> {
    const kept: WorkloadKept[] = [];
    const refs = this.#refs();
    for (const [key, [namespace, ref]] of refs) {
      try {
        kept.push(this.#workload(namespace, ref, await this.#scales.read(namespace, ref, signal)));
        this.#told.delete(key);
      } catch (err) {
        if (signal.aborted) return;
        this.#tell(key, err);
      }
    }
    for (const key of this.#told.keys()) if (!refs.has(key)) this.#told.delete(key);
    this.#options.store.replace(kept);
  }

  #tell(key: string, err: unknown): void {
    const message = explainError(err);
    if (this.#told.get(key) === message) return;
    this.#told.set(key, message);
    this.#options.onProblem(err);
  }

  #refs(): ReadonlyMap<string, readonly [string, TargetRef]> {
    const all = new Map<string, readonly [string, TargetRef]>();
    for (const { namespace, targets } of this.#options.autoscalers.list()) {
      for (const ref of targets) {
        if (!watchedKinds.includes(`${ref.apiVersion} ${ref.kind}`))
          all.set(`${ref.kind}/${namespace}/${ref.name}`, [namespace, ref]);
      }
    }
    return all;
  }

  #workload(namespace: string, { kind, name }: TargetRef, scale: LiveScale): WorkloadKept {
    const selector = parseSelector(scale.selector);
    const [pod] = [...this.#options.pods.values()].filter(
      (one) => one.namespace === namespace && selects(selector, one.labels),
    );
    return {
      key: `${kind}/${namespace}/${name}`,
      uid: scale.uid,
      resourceVersion: scale.resourceVersion,
      kind,
      namespace,
      name,
      specReplicas: scale.replicas,
      statusReplicas: scale.statusReplicas,
      updatedReplicas: scale.statusReplicas,
      selector,
      isOwner: false,
      placement: anywhere,
      placementKey: `anywhere ${pod?.gpus ?? 'unknown'}`,
      ...(pod === undefined ? {} : { gpus: pod.gpus }),
    };
  }
}
