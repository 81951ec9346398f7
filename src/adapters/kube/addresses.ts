import type { PoolId } from '../../core/model/pool.ts';
import type { PastReplicas } from '../../ports/history-reader.ts';
import type { ReplicaAddress } from '../../ports/replica-reader.ts';
import type { AutoscalerKept, SignalSettings, TargetRef } from './autoscaler.ts';
import type { Cluster } from './cluster.ts';
import type { PodHistory } from './history.ts';
import type { PodKept } from './pod.ts';
import { Pickers } from './pickers.ts';
import { phaseOf } from './replica.ts';
import { groupByOwner, podsOf } from './target.ts';

/** What is to be read for one pool, how often and from where. */
export interface ReadingPlan {
  readonly pool: PoolId;
  readonly signals: SignalSettings;
  readonly replicas: readonly ReplicaAddress[];
  /** Endpoint pickers before them. */
  readonly pickers: readonly ReplicaAddress[];
}

/** A replica that has been Ready is read, also when it is not any more: overload is seen exactly there. One that never was does not answer yet. */
const readPhases = new Set(['Ready', 'Unready', 'Draining']);

export function readingPlans(cluster: Cluster, pods: PodHistory): readonly ReadingPlan[] {
  const owned = groupByOwner(cluster.pods.values());
  const all = new Pickers(cluster);
  return cluster.autoscalers.list().map((autoscaler) => {
    const live = autoscaler.targets.flatMap((ref) => {
      const workload = cluster.workload(ref.kind, `${autoscaler.namespace}/${ref.name}`);
      return workload === undefined ? [] : podsOf(autoscaler, workload, { owned, cluster });
    });
    const replicas = live.flatMap((pod) => addressOf(pod, autoscaler, pods));
    const pickers = all.of(autoscaler).flatMap((pod) => pickerAddress(pod, autoscaler));
    return { pool: autoscaler.key, signals: autoscaler.signals, replicas, pickers };
  });
}

function pickerAddress(pod: PodKept, { key, signals: { gateway } }: AutoscalerKept): readonly ReplicaAddress[] {
  if (pod.address === undefined || gateway === undefined) return [];
  return [
    {
      id: pod.uid,
      pool: key,
      address: pod.address,
      port: gateway.port,
      path: '/metrics',
      scheme: 'http',
      engine: gateway.inferencePool ?? '',
      namespace: pod.namespace,
      pod: pod.name,
    },
  ];
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

/** Whom to ask about the past of a pool: pods that are gone are known by the name of their workload alone. */
export function pastReplicas({ namespace, targets, signals }: AutoscalerKept): PastReplicas {
  return { namespace, podPatterns: targets.map(podPattern), engine: signals.engine };
}

/** The letters of which Kubernetes makes names, so that pods of `chat-large` are none of `chat`. */
const letters = '[bcdfghjklmnpqrstvwxz2456789]';
const ordinals: readonly string[] = ['StatefulSet', 'LeaderWorkerSet'];
/** A longer name is cut before its last five letters. */
const longestWhole = 63 - '-'.length - 10 - '-'.length - 5;

function podPattern({ kind, name }: TargetRef): string {
  const escaped = (part: string): string => part.replaceAll('.', String.raw`\.`);
  const byOrdinal = `${escaped(name)}-[0-9]+`;
  if (ordinals.includes(kind)) return byOrdinal;
  const byTemplate =
    name.length <= longestWhole
      ? `${escaped(name)}-${letters}{1,10}-${letters}{5}`
      : `${escaped(name.slice(0, 57))}[a-z0-9-]*${letters}{5}`;
  return kind === 'Deployment' ? byTemplate : `${byTemplate}|${byOrdinal}`;
}
