import type { PoolId, ReplicaSamples } from '../core/model/pool.ts';
import type { Instant } from '../core/model/units.ts';

/** Where one replica's metrics page is. */
export interface ReplicaAddress {
  /** Pod UID: an address may come back, a UID does not. */
  readonly id: string;
  readonly pool: PoolId;
  /** IPv4 or IPv6 literal, without brackets. */
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly scheme: 'http' | 'https';
  /** `Auto`, or the engine's name in the engine table. */
  readonly engine: string;
  /** Bearer token, where the page asks for one. */
  readonly token?: string;
  /** Identity for sources that are asked by name instead of by address. */
  readonly namespace: string;
  readonly pod: string;
}

/** Kinds of failure, the `code` label of `forewarm_scrape_failures_total`. */
export type ReadFailure =
  | 'Timeout'
  | 'Connection'
  | 'Status'
  | 'Redirect'
  | 'NotMetrics'
  | 'TooLarge'
  | 'BrokenLines'
  | 'UnknownEngine'
  | 'Asleep'
  | 'QueryFailed'
  | 'NoSeries';

export interface ReplicaReading {
  readonly samples: ReplicaSamples;
  /** The kind of `problem`. `BrokenLines` and `Asleep` leave part of the samples usable. */
  readonly failure?: ReadFailure;
  /** Why some or all samples are missing, for the log and the condition: one sentence. */
  readonly problem?: string;
  /** The engine that was recognised. */
  readonly engine?: string;
}

/** Reads replicas. Never rejects for a replica's sake: what could not be read comes back as missing samples with a cause. */
export interface ReplicaReader {
  read(
    replicas: readonly ReplicaAddress[],
    now: Instant,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<ReplicaAddress['id'], ReplicaReading>>;
}
