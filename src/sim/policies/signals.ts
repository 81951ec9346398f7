import type { PoolSeen, ReplicaSeen, SignalName, TargetSeen } from '../../core/model/pool.ts';
import { aged } from '../../core/model/sample.ts';
import type { Instant } from '../../core/model/units.ts';

/** A reading that a Prometheus would still have a series for: fresh, for it marks a series stale when a scrape fails. */
export function reading(replica: ReplicaSeen, signal: SignalName, seen: PoolSeen, now: Instant): number | undefined {
  const sample = aged(replica.samples[signal], now, 3 * seen.scrapeIntervalSeconds);
  return sample.kind === 'value' ? sample.value : undefined;
}

/** `sum(...)` over the replicas that have a series; `undefined` when none has: no series is not zero. */
export function sumOf(signal: SignalName, seen: PoolSeen, now: Instant): number | undefined {
  const values = replicasOf(seen).flatMap((replica) => reading(replica, signal, seen, now) ?? []);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

export function replicasOf(seen: PoolSeen): readonly ReplicaSeen[] {
  return seen.targets.flatMap(({ replicas }) => replicas);
}

export function readyCount(seen: PoolSeen): number {
  return replicasOf(seen).filter(({ phase }) => phase === 'Ready').length;
}

export interface Counts {
  readonly spec: number;
  readonly status: number;
  readonly ready: number;
}

/** What the scale subresource and the pod list say; `undefined` when the scale cannot be read. */
export function countsOf(seen: PoolSeen): Counts | undefined {
  const target: TargetSeen | undefined = seen.targets[0];
  if (target?.specReplicas === undefined) return undefined;
  return {
    spec: target.specReplicas,
    status: target.statusReplicas ?? target.replicas.length,
    ready: readyCount(seen),
  };
}

/** A Prometheus value as a Quantity in thousandths, rounded up. */
export function milli(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(Math.ceil(value * 1000));
}

/** Replicas on their way to Ready, one that the scheduler refuses among them. */
export function pendingCount(seen: PoolSeen): number {
  return replicasOf(seen).filter(({ phase }) => phase !== 'Ready' && phase !== 'Unready' && phase !== 'Draining')
    .length;
}

/** Requests that wait at the gateway; `undefined`: there is none, or it does not answer. */
export function gatewayQueue(seen: PoolSeen, now: Instant): number | undefined {
  return gatewayReading('queued', seen, now);
}

/** Cumulative. */
export function gatewayRequests(seen: PoolSeen, now: Instant): number | undefined {
  return gatewayReading('requestsTotal', seen, now);
}

function gatewayReading(signal: 'queued' | 'requestsTotal', seen: PoolSeen, now: Instant): number | undefined {
  if (seen.gateway === undefined) return undefined;
  const sample = aged(seen.gateway[signal], now, 3 * seen.scrapeIntervalSeconds);
  return sample.kind === 'value' ? sample.value : undefined;
}

/** Requests anywhere between the gateway's door and the last token; `undefined` when no source answers. */
export function inFlight(seen: PoolSeen, now: Instant): number | undefined {
  const parts = [sumOf('running', seen, now), sumOf('waiting', seen, now), gatewayQueue(seen, now)];
  const known = parts.flatMap((part) => part ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, part) => sum + part, 0);
}
