import { randomUUID } from 'node:crypto';
import { LeaderElector } from '../adapters/kube/leader.ts';
import type { PodKept } from '../adapters/kube/pod.ts';
import type { Log } from '../adapters/log.ts';
import { Nudge } from '../loop/nudge.ts';
import { serveTerm } from '../loop/term.ts';
import type { Clock } from '../ports/index.ts';
import { type ClusterParts, openCluster } from './cluster-parts.ts';
import type { ControllerFlags } from './controller.ts';
import { openLeader } from './leader-parts.ts';

export interface ControllerOptions {
  readonly flags: ControllerFlags;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export async function runController(options: ControllerOptions): Promise<void> {
  const { flags, clock, log, signal } = options;
  const nudge = new Nudge(clock);
  const parts = await openCluster({ flags, clock, log, userAgent: 'forewarm-controller', onSurge: () => nudge.call() });
  const ended = new AbortController();
  const watching = parts.cluster.run(ended.signal);
  try {
    const lease = new LeaderElector({
      http: parts.http,
      clock,
      namespace: flags.leaseNamespace ?? parts.connection.namespace,
      name: flags.leaseName,
      identity: `${flags.identity}_${randomUUID()}`,
      onProblem: (err) => log.warn({ err }, 'Could not renew the lease'),
    });
    nudgeOnChange(parts, nudge);
    await parts.cluster.synced(signal);
    log.info({ identity: flags.identity }, 'Watched all kinds of objects');
    const leader = openLeader({ flags, clock, log, parts, lease, nudge });
    const onElected = (): void => log.info({ identity: flags.identity }, 'Became leader');
    await serveTerm({ lease, onElected, ...leader }, signal);
  } finally {
    ended.abort();
    await watching;
    await parts.close();
  }
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
  for (const workloads of [cluster.deployments, cluster.statefulSets]) {
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
