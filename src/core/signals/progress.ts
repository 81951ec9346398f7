import type { BaselineSignal, ReplicaBaseline } from '../model/memory.ts';
import type { ReplicaSeen } from '../model/pool.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { type Counts, countsOf } from './reading.ts';

/** Gauges that claim work for this long while no counter moves are not believed (three ticks, and inside the first minute). */
const stuckAfterSeconds = 45;
const counters = [
  'finishedTotal',
  'promptTokensTotal',
  'outputTokensTotal',
] as const satisfies readonly BaselineSignal[];

/**
 * Since when this replica claims work (running or waiting) without any counter moving; `undefined` while it moves, idles, or exposes no
 * counter to judge by. An engine that is never stepped again keeps its last gauges for ever: a fresh scrape is not a true one.
 */
export function stuckSince(replica: ReplicaSeen, baseline: ReplicaBaseline | undefined): Instant | undefined {
  if (baseline === undefined) return undefined;
  const counts = countsOf(replica.samples);
  if (!claimsWork(counts) || hasMoved(counts, baseline.counts)) return undefined;
  if (claimsWork(baseline.counts)) return baseline.stuckSince ?? baseline.at;
  return replica.samples.running.kind === 'missing' ? undefined : replica.samples.running.at;
}

export function isStuck(since: Instant | undefined, now: Instant): boolean {
  return since !== undefined && elapsed(since, now) >= stuckAfterSeconds;
}

function claimsWork({ running, waiting }: Counts): boolean {
  return (running ?? 0) > 0 || (waiting ?? 0) > 0;
}

/** A counter that moved, or none that could have. */
function hasMoved(is: Counts, was: Counts): boolean {
  let known = 0;
  for (const name of counters) {
    if (was[name] === undefined || is[name] === undefined) continue;
    if (was[name] !== is[name]) return true;
    known++;
  }
  return known === 0;
}
