import type { ReplicaBaseline } from '../model/memory.ts';
import type { ReplicaSeen, SignalName } from '../model/pool.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { rawValue } from './reading.ts';

/** Gauges that claim work for this long while no counter moves are not believed (three ticks, and inside the first minute). */
const stuckAfterSeconds = 45;
const counters = ['finishedTotal', 'promptTokensTotal', 'outputTokensTotal'] as const satisfies readonly SignalName[];

/**
 * Since when this replica claims work (running or waiting) without any counter moving; `undefined` while it moves, idles, or exposes no
 * counter to judge by. An engine that is never stepped again keeps its last gauges for ever: a fresh scrape is not a true one.
 */
export function stuckSince(replica: ReplicaSeen, baseline: ReplicaBaseline | undefined): Instant | undefined {
  if (baseline === undefined || !claimsWork(replica.samples) || hasMoved(replica, baseline)) return undefined;
  if (claimsWork(baseline.samples)) return baseline.stuckSince ?? baseline.at;
  return replica.samples.running.kind === 'missing' ? undefined : replica.samples.running.at;
}

export function isStuck(since: Instant | undefined, now: Instant): boolean {
  return since !== undefined && elapsed(since, now) >= stuckAfterSeconds;
}

function claimsWork(samples: ReplicaBaseline['samples']): boolean {
  return (rawValue(samples, 'running') ?? 0) > 0 || (rawValue(samples, 'waiting') ?? 0) > 0;
}

/** A counter that moved, or none that could have. */
function hasMoved(replica: ReplicaSeen, baseline: ReplicaBaseline): boolean {
  let known = 0;
  for (const name of counters) {
    const was = rawValue(baseline.samples, name);
    const is = rawValue(replica.samples, name);
    if (was === undefined || is === undefined) continue;
    if (was !== is) return true;
    known++;
  }
  return known === 0;
}
