import { pastReplicas, readingPlans } from '../adapters/kube/addresses.ts';
import { Cluster } from '../adapters/kube/cluster.ts';
import { connectKube, type KubeConnection } from '../adapters/kube/connection.ts';
import { PodHistory, SpecHistory } from '../adapters/kube/history.ts';
import { KubeHttp, statusOf } from '../adapters/kube/http.ts';
import { ClusterSensors } from '../adapters/kube/sensors.ts';
import { Scraper } from '../adapters/engines/scraper.ts';
import { PickerReader } from '../adapters/engines/picker-reader.ts';
import type { Log } from '../adapters/log.ts';
import { type Allowance, RefusedSource, refusalOf } from '../adapters/prometheus/allowance.ts';
import { PrometheusHistory } from '../adapters/prometheus/history.ts';
import { PrometheusSource } from '../adapters/prometheus/source.ts';
import { readBundledProfiles } from '../config/profile-file.ts';
import { breather } from '../loop/breath.ts';
import type { PastTask } from '../loop/priming.ts';
import { Readings, type ReadingTask } from '../loop/reading.ts';
import { isForewarmError } from '../errors.ts';
import type { PoolId } from '../core/model/pool.ts';
import { describe } from '../core/model/result.ts';
import type { Breathe } from '../ports/breathe.ts';
import type { Clock } from '../ports/index.ts';
import type { HistoryReader } from '../ports/history-reader.ts';
import type { ReplicaReader, ReplicaReading } from '../ports/replica-reader.ts';
import { AutoscalerDecoder } from './autoscaler-decoder.ts';

export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly scrapeInterval?: number;
  readonly prometheusAllow: Allowance;
}

export interface ClusterPartsOptions {
  readonly flags: ClusterFlags;
  readonly clock: Clock;
  readonly log: Log;
  readonly userAgent: string;
  readonly onSurge?: (pool: PoolId) => void;
  readonly onReading?: (reading: ReplicaReading) => void;
  /** A kind is not installed, or may not be read. */
  readonly onRefused?: (err: unknown) => void;
}

/** Everything that looks at a cluster and writes nothing. */
export interface ClusterParts {
  readonly connection: KubeConnection;
  readonly http: KubeHttp;
  readonly cluster: Cluster;
  readonly sensors: ClusterSensors;
  readonly readings: Readings;
  readonly decoder: AutoscalerDecoder;
  /** Where the past of a pool can be asked for; `undefined` where its autoscaler names no Prometheus. */
  readonly pastOf: (pool: PoolId) => PastTask | undefined;
  /** For work over all pools. */
  readonly breathe: Breathe;
  readonly close: () => Promise<void>;
}

export async function openCluster({ flags, clock, log, userAgent, ...on }: ClusterPartsOptions): Promise<ClusterParts> {
  const connection = await connectKube(flags.kubeconfig);
  const http = new KubeHttp({ connection, clock, random: Math.random, userAgent });
  const cluster = new Cluster({
    http,
    clock,
    random: Math.random,
    ...(flags.namespace === undefined ? {} : { namespace: flags.namespace }),
    onProblem: (kind, err) => {
      log.warn({ err, kind }, 'Could not watch a kind of object');
      if (statusOf(err) === 404 || isForewarmError(err, 'KUBE_FORBIDDEN')) on.onRefused?.(err);
    },
  });
  const specs = new SpecHistory(() => clock.now());
  const pods = new PodHistory();
  specs.listen(cluster);
  pods.listen(cluster);
  const sources = new Sources(flags.prometheusAllow);
  const readings = new Readings({
    clock,
    tasks: () => tasksOf(cluster, pods, sources, flags.scrapeInterval),
    onProblem: ({ pool, pod }, { failure, problem }) =>
      log.warn({ pool, replica: pod, failure, problem }, 'Could not read replica metrics'),
    onReading: on.onReading ?? (() => undefined),
    onSurge: on.onSurge ?? (() => undefined),
    onFailure: (source, err) => log.error({ err, source }, 'Could not read a source of metrics'),
  });
  const decoder = new AutoscalerDecoder(clock, await readBundledProfiles());
  const breathe = breather(clock);
  const sensors = new ClusterSensors({
    cluster,
    specs,
    pods,
    clock,
    decode: (raw, context) => decoder.decode(raw, context),
    floorsOf: (autoscaler, now) => decoder.floorsOf(autoscaler, now),
    readings: () => readings.latest(),
    breathe,
  });
  const pastOf = (pool: PoolId): PastTask | undefined => {
    const autoscaler = cluster.autoscalers.get(pool);
    const source = autoscaler?.signals.prometheusUrl;
    if (autoscaler === undefined || source === undefined) return undefined;
    return { source, reader: sources.history(source), replicas: pastReplicas(autoscaler) };
  };
  const close = async (): Promise<void> => {
    await Promise.all([http.close(), sources.close()]);
  };
  return { connection, http, cluster, sensors, readings, decoder, pastOf, breathe, close };
}

function tasksOf(
  cluster: Cluster,
  pods: PodHistory,
  sources: Sources,
  interval: number | undefined,
): readonly ReadingTask[] {
  return readingPlans(cluster, pods).flatMap(({ pool, signals, replicas, pickers }): readonly ReadingTask[] => {
    const source = signals.source === 'Prometheus' ? (signals.prometheusUrl ?? '') : 'pods';
    const intervalSeconds = interval ?? signals.intervalSeconds;
    const own = { pool, source, reader: sources.reader(source), intervalSeconds, replicas };
    if (signals.gateway === undefined) return [own];
    const before = { pool, source: 'gateway', reader: sources.pickers, intervalSeconds: 1, replicas: pickers };
    return [own, { ...before, isAsleep: replicas.length === 0 }];
  });
}

/** One reader for all pods, one for all endpoint pickers, two for each Prometheus that may be asked: what is, and what was. */
class Sources {
  readonly pickers = new PickerReader();
  readonly #scraper = new Scraper();
  readonly #prometheus = new Map<string, PrometheusSource>();
  readonly #histories = new Map<string, PrometheusHistory>();
  readonly #allowance: Allowance;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  reader(source: string): ReplicaReader {
    if (source === 'pods') return this.#scraper;
    const refusal = refusalOf(source, this.#allowance);
    if (refusal !== undefined) return new RefusedSource(refusal);
    const known = this.#prometheus.get(source) ?? new PrometheusSource({ endpoint: source });
    this.#prometheus.set(source, known);
    return known;
  }

  history(source: string): HistoryReader {
    const refusal = refusalOf(source, this.#allowance);
    if (refusal !== undefined) {
      const problem = describe(refusal);
      return { readPast: (_, { stepSeconds }) => Promise.resolve({ past: { stepSeconds, bins: [] }, problem }) };
    }
    const known = this.#histories.get(source) ?? new PrometheusHistory({ endpoint: source });
    this.#histories.set(source, known);
    return known;
  }

  async close(): Promise<void> {
    for (const one of [...this.#prometheus.values(), ...this.#histories.values()]) one.close();
    await Promise.all([this.#scraper.close(), this.pickers.close()]);
  }
}
