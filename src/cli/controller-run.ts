import { randomUUID } from 'node:crypto';
import type { Cluster } from '../adapters/kube/cluster.ts';
import { FollowerViews } from '../adapters/kube/follower-views.ts';
import { metricsAddressAnnotation } from '../adapters/kube/leader-address.ts';
import { LeaderElector } from '../adapters/kube/leader.ts';
import type { PodKept } from '../adapters/kube/pod.ts';
import type { Log } from '../adapters/log.ts';
import { PassMetrics } from '../adapters/telemetry/pass-metrics.ts';
import { MetricRegistry } from '../adapters/telemetry/registry.ts';
import { statusServer } from '../adapters/telemetry/server.ts';
import { ControllerMetrics } from '../loop/controller-metrics.ts';
import { DecisionTable } from '../loop/decision-table.ts';
import { Nudge } from '../loop/nudge.ts';
import { serveTerm } from '../loop/term.ts';
import type { Clock, Recorder } from '../ports/index.ts';
import { ForewarmError } from '../errors.ts';
import type { Listen } from './bind-address.ts';
import { type ClusterParts, openCluster } from './cluster-parts.ts';
import type { ControllerFlags } from './controller.ts';
import { DecisionLog } from './decision-log.ts';
import { openLeader } from './leader-parts.ts';
import { serveMetricsApi } from './metrics-door.ts';
import { checkServedSchema } from './schema-check.ts';

export interface ControllerOptions {
  readonly flags: ControllerFlags;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export async function runController(options: ControllerOptions): Promise<void> {
  const { flags, clock, log, signal } = options;
  const nudge = new Nudge(clock);
  const registry = new MetricRegistry({ roles: ['controller', 'metrics API'] });
  const metrics = new ControllerMetrics(registry, clock);
  const parts = await openCluster({
    flags,
    clock,
    log,
    userAgent: 'forewarm-controller',
    onSurge: () => nudge.call(),
    onReading: (reading) => metrics.read(reading),
  });
  nudgeOnChange(parts, nudge);
  const server = statusOf(registry, parts);
  try {
    await listen(server, flags.metricsBind);
    await whileWatching(parts.cluster, signal, async (ended) => {
      await parts.cluster.synced(ended);
      log.info({ identity: flags.identity }, 'Watched all kinds of objects');
      await checkServedSchema(parts, log, ended);
      await serve({ ...options, signal: ended, parts, nudge, registry, metrics });
    });
  } finally {
    await server.close();
    await parts.close();
  }
}

/** The watches outlive the work, whose last writes look things up; they end with it however it ends. A watch that fails ends the work. */
async function whileWatching(
  cluster: Cluster,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const [ended, failed] = [new AbortController(), new AbortController()];
  const watching = cluster.run(ended.signal).catch((err: unknown) => failed.abort(err));
  try {
    await work(AbortSignal.any([signal, failed.signal]));
  } finally {
    ended.abort();
    await watching;
  }
  failed.signal.throwIfAborted();
}

interface Serving extends ControllerOptions {
  readonly parts: ClusterParts;
  readonly nudge: Nudge;
  readonly registry: MetricRegistry;
  readonly metrics: ControllerMetrics;
}

async function serve(serving: Serving): Promise<void> {
  const { flags, clock, log, signal, parts, nudge, registry, metrics } = serving;
  const namespace = flags.leaseNamespace ?? parts.connection.namespace;
  const address = ownAddress(flags);
  const lease = new LeaderElector({
    http: parts.http,
    clock,
    namespace,
    name: flags.leaseName,
    identity: `${flags.identity}_${randomUUID()}`,
    ...(address === undefined ? {} : { annotations: { [metricsAddressAnnotation]: address } }),
    onProblem: (err) => log.warn({ err }, 'Could not renew the lease'),
  });
  const views = new FollowerViews(parts.cluster, () => clock.now());
  const table = new DecisionTable(clock, { view: (pool, target) => views.of(pool, target) });
  const publishers = [table, new PassMetrics(registry, clock.now())];
  const record = flags.record === undefined ? undefined : new DecisionLog(flags.record);
  const leader = openLeader({
    flags,
    clock,
    log,
    parts,
    lease,
    nudge,
    metrics,
    publishers,
    ...(record === undefined ? {} : { recorder: recorderOf(record) }),
  });
  const onElected = (): void => {
    metrics.leads(true);
    log.info({ identity: flags.identity }, 'Became leader');
  };
  const ended = new AbortController();
  const door = serveDoor({ ...serving, table, namespace, address }, AbortSignal.any([signal, ended.signal]));
  try {
    await serveTerm({ lease, onElected, ...leader }, signal);
  } finally {
    record?.close();
    table.clear();
    metrics.leads(false);
    ended.abort();
    await door;
  }
}

function recorderOf(log: DecisionLog): Recorder {
  return {
    record: (input, output, before) => {
      log.record(input, output, before);
      return Promise.resolve();
    },
  };
}

/** What this process says on the Lease: where the others find its decisions. */
function ownAddress({ adapterListen, adapterAddress, podIp }: ControllerFlags): string | undefined {
  if (adapterListen === 'nowhere') return undefined;
  if (adapterAddress !== undefined || podIp === undefined) return adapterAddress;
  return podIp.includes(':') ? `[${podIp}]:${adapterListen.port}` : `${podIp}:${adapterListen.port}`;
}

interface DoorParts extends Serving {
  readonly table: DecisionTable;
  readonly namespace: string;
  readonly address: string | undefined;
}

/** Every replica answers external.metrics.k8s.io, leading or not. A door that cannot be opened stops no scaling: it is said, and tried again. */
async function serveDoor(
  { flags, clock, log, parts, registry, table, namespace, address }: DoorParts,
  signal: AbortSignal,
): Promise<void> {
  const { adapterListen } = flags;
  if (adapterListen === 'nowhere') return;
  while (!signal.aborted) {
    try {
      const door = serveMetricsApi({
        http: parts.http,
        connection: parts.connection,
        clock,
        log,
        telemetry: registry,
        local: table,
        metricNames: table.metricNames(),
        ...adapterListen,
        ownAddress: address,
        namespace,
        service: flags.adapterService,
        peerAccounts: flags.adapterPeers.split(','),
        lease: { namespace, name: flags.leaseName },
        secret: flags.adapterSecret,
      });
      await door.run(signal);
    } catch (err) {
      if (signal.aborted) return;
      log.error({ err }, 'Could not serve external metrics');
      await clock.sleep(10_000, signal).catch(() => undefined);
    }
  }
}

async function listen(server: ReturnType<typeof statusServer>, bind: Listen): Promise<void> {
  if (bind === 'nowhere') return;
  try {
    await server.listen(bind);
  } catch (cause) {
    throw new ForewarmError('CONFIG_INVALID', `listening on ${bind.host}:${bind.port} (--metrics-bind)`, { cause });
  }
}

/** Own metrics and health. */
function statusOf(registry: MetricRegistry, { cluster }: ClusterParts): ReturnType<typeof statusServer> {
  const ready = (): string | undefined =>
    cluster.isSynced ? undefined : `waits for the first list of ${cluster.unsynced().join(', ')}`;
  return statusServer({ metrics: registry, ready });
}

/** What changes a decision wakes the next pass: an object, a target's size, a replica's phase. */
function nudgeOnChange({ cluster }: ClusterParts, nudge: Nudge): void {
  cluster.autoscalers.onChange(({ before, after }) => {
    if (before?.generation !== after?.generation) nudge.call();
  });
  cluster.policies.onChange(() => nudge.call());
  cluster.artifacts.onChange(({ before, after }) => {
    if (before?.pinned?.hash !== after?.pinned?.hash) nudge.call();
  });
  for (const workloads of [cluster.deployments, cluster.statefulSets, cluster.others]) {
    workloads.onChange(({ before, after }) => {
      if (before?.specReplicas !== after?.specReplicas) nudge.call();
    });
  }
  cluster.pods.onChange(({ before, after }) => {
    if (readinessOf(before) !== readinessOf(after) || before?.node !== after?.node) nudge.call();
  });
}

function readinessOf(pod: PodKept | undefined): string {
  return pod?.conditions['Ready']?.status ?? 'Unknown';
}
