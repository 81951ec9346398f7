import type { PoolId } from '../../core/model/pool.ts';
import type { ReplicaAddress } from '../../ports/replica-reader.ts';
import type { AutoscalerKept, SignalSettings } from './autoscaler.ts';
import type { Cluster } from './cluster.ts';
import type { PodHistory } from './history.ts';
import type { PodKept } from './pod.ts';
import { phaseOf } from './replica.ts';
import { groupByOwner, podsOf } from './target.ts';

/** What is to be read for one pool, how often and from where. */
export interface ReadingPlan {
  readonly pool: PoolId;
  readonly signals: SignalSettings;
  readonly replicas: readonly ReplicaAddress[];
}

/** A replica that has been Ready is read, also when it is not any more: overload is seen exactly there. One that never was does not answer yet. */
const readPhases = new Set(['Ready', 'Unready', 'Draining']);

export function readingPlans(cluster: Cluster, pods: PodHistory): readonly ReadingPlan[] {
  const owned = groupByOwner(cluster.pods.values());
  return cluster.autoscalers.list().map((autoscaler) => {
    const live = autoscaler.targets.flatMap((ref) => {
      const workload = cluster.workload(ref.kind, `${autoscaler.namespace}/${ref.name}`);
      return workload === undefined ? [] : podsOf(autoscaler, workload, { owned, cluster });
    });
    const replicas = live.flatMap((pod) => addressOf(pod, autoscaler, pods));
    return { pool: autoscaler.key, signals: autoscaler.signals, replicas };
  });
}

function addressOf(pod: PodKept, { key, signals }: AutoscalerKept, pods: PodHistory): readonly ReplicaAddress[] {
  if (pod.address === undefined || !readPhases.has(phaseOf(pod, pods.of(pod).wasReady))) return [];
  return [
    {
      id: pod.uid,
      pool: key,
      address: pod.address,
      port: signals.port ?? metricsPort(pod),
      path: signals.path,
      scheme: signals.scheme,
      engine: signals.engine,
      namespace: pod.namespace,
      pod: pod.name,
    },
  ];
}

/** The port named `metrics`; else vLLM's own 8000, unless the pod names its ports and 8000 is not among them. */
function metricsPort({ ports }: PodKept): number {
  const named = ports.find(({ name }) => name === 'metrics');
  if (named !== undefined) return named.port;
  return ports.length === 0 || ports.some(({ port }) => port === 8000) ? 8000 : (ports[0]?.port ?? 8000);
}
