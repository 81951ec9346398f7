import type { Instant } from '../core/model/units.ts';

/** One series of the external metrics API. `milli` is the exact value times 1000 (a Quantity), or a problem: why no number may be given. */
export interface PublishedSeries {
  readonly namespace: string;
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly at: Instant;
  readonly answer: { readonly milli: bigint } | { readonly problem: string; readonly isModeObserve: boolean };
}

/** Where the metrics door reads. Throws NOT_LEADER when this process has no data and no leader could be asked. */
export interface MetricSource {
  series(namespace: string, metric: string, signal: AbortSignal): Promise<readonly PublishedSeries[]>;
  /** Names for discovery; never throws. */
  metricNames(): readonly string[];
}

/** What a follower of one target may have read when it asks for the decision: it computes from both. */
export interface FollowerView {
  /** Spec and status replicas of the workload now, last, and before that those of the moments that its reading may be from. */
  readonly sizes: readonly { readonly spec: number; readonly status: number }[];
  /** Share of the status within which it does nothing. */
  readonly tolerance: { readonly up: number; readonly down: number };
}
