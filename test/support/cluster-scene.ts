import { keepAutoscaler } from '../../src/adapters/kube/autoscaler.ts';
import { Cluster } from '../../src/adapters/kube/cluster.ts';
import { PodHistory, SpecHistory } from '../../src/adapters/kube/history.ts';
import { keepHpa } from '../../src/adapters/kube/hpa.ts';
import { KubeHttp } from '../../src/adapters/kube/http.ts';
import { keepNode } from '../../src/adapters/kube/node.ts';
import { keepPod } from '../../src/adapters/kube/pod.ts';
import { ClusterSensors } from '../../src/adapters/kube/sensors.ts';
import type { Kept, Store } from '../../src/adapters/kube/store.ts';
import { keepWorkload } from '../../src/adapters/kube/workload.ts';
import type { FleetSeen, PoolSeen, TargetSeen } from '../../src/core/model/pool.ts';
import { ok, problem } from '../../src/core/model/result.ts';
import type { ReplicaReading } from '../../src/ports/replica-reader.ts';
import { poolPolicy } from './builders.ts';
import { autoscalerObject, deploymentObject, hpaObject } from './kube-objects.ts';
import type { KubeJson } from './kube-server.ts';
import { SkippingClock } from './step-clock.ts';

/** Stores filled by hand, read by the real sensors. */
export class Scene {
  readonly clock: SkippingClock = new SkippingClock();
  readonly cluster: Cluster;
  readonly pods: PodHistory = new PodHistory();
  readonly readings: Map<string, ReplicaReading> = new Map();
  readonly sensors: ClusterSensors;
  #version = 1;

  constructor(settings: { readonly namespace?: string } = {}) {
    const connection = {
      server: 'http://127.0.0.1:1',
      namespace: 'default',
      credentials: () => Promise.reject(new Error('no calls')),
    };
    const http = new KubeHttp({ connection, clock: this.clock, random: () => 0, userAgent: 'test' });
    this.cluster = new Cluster({ ...settings, http, clock: this.clock, random: () => 0, onProblem: () => undefined });
    const specs = new SpecHistory(() => this.clock.now());
    specs.listen(this.cluster);
    this.pods.listen(this.cluster);
    this.sensors = new ClusterSensors({
      cluster: this.cluster,
      specs,
      pods: this.pods,
      clock: this.clock,
      floorsOf: () => [],
      decode: (raw) =>
        JSON.stringify(raw).includes('"bad"') ? problem('spec.bad', 'bad', 'absent') : ok(poolPolicy()),
      readings: () => this.readings,
    });
  }

  put<T extends Kept>(store: Store<T>, keep: (raw: unknown) => T | undefined, ...objects: readonly KubeJson[]): this {
    for (const object of objects) {
      this.#version += 1;
      const metadata = { ...(object['metadata'] as KubeJson), resourceVersion: String(this.#version) };
      const kept = keep({ ...object, metadata });
      if (kept !== undefined) store.set(kept);
    }
    return this;
  }
  pod(...objects: readonly KubeJson[]): this {
    return this.put(this.cluster.pods, keepPod, ...objects);
  }
  deployment(over: Parameters<typeof deploymentObject>[0] = {}): this {
    return this.put(this.cluster.deployments, keepWorkload('Deployment'), deploymentObject(over));
  }
  autoscaler(over: Parameters<typeof autoscalerObject>[0] = {}): this {
    return this.put(this.cluster.autoscalers, keepAutoscaler, autoscalerObject(over));
  }
  node(...objects: readonly KubeJson[]): this {
    return this.put(this.cluster.nodes, keepNode, ...objects);
  }
  hpa(over: Parameters<typeof hpaObject>[0] = {}): this {
    return this.put(this.cluster.hpas, keepHpa, hpaObject(over));
  }

  async pool(): Promise<PoolSeen> {
    const [first] = (await this.sensors.observe()).pools;
    if (first === undefined) throw new TypeError('no pool was seen');
    return first.seen;
  }
  async target(): Promise<TargetSeen> {
    const [first] = (await this.pool()).targets;
    if (first === undefined) throw new TypeError('no target was seen');
    return first;
  }
  async fleet(): Promise<FleetSeen> {
    return (await this.sensors.observe()).fleet;
  }
}
