import type { BaselineSignal, ReplicaBaseline } from '../model/memory.ts';
import type { ReplicaSamples, ReplicaSeen, SignalName } from '../model/pool.ts';
import { aged, type MissingCause, type Sample } from '../model/sample.ts';
import type { Instant } from '../model/units.ts';

/** Why a replica has no usable value for a signal: the sample's own cause, its age, or gauges that no counter backs. */
export type GapCause = MissingCause | 'Stale' | 'Stuck';

/** A reading older than this many scrape intervals is stale. */
const staleAfterIntervals = 3;

/** No count, gauge or sum of seconds of one replica is larger: a number beyond it was misread, and sums of such numbers leave what can be computed with. */
const largestAmount = 1e15;

function isAmount(n: number): boolean {
  return n >= 0 && n <= largestAmount;
}

export function maxAgeSeconds(scrapeIntervalSeconds: number): number {
  return staleAfterIntervals * scrapeIntervalSeconds;
}

/** The number of a sample that is fresh at `now`; `undefined` otherwise. */
export function freshValue(sample: Sample, now: Instant, maxAge: number): number | undefined {
  const looked = aged(sample, now, maxAge);
  return looked.kind === 'value' && isAmount(looked.value) ? looked.value : undefined;
}

export function gapCause(sample: Sample, now: Instant, maxAge: number): GapCause {
  const looked = aged(sample, now, maxAge);
  if (looked.kind === 'missing') return looked.cause;
  return looked.kind === 'stale' ? 'Stale' : 'NotANumber';
}

/** Ready, or was Ready before and is still scraped (unready under load is not starting). */
export function isServing(replica: ReplicaSeen): boolean {
  return replica.phase === 'Ready' || replica.phase === 'Unready';
}

export type Counts = ReplicaBaseline['counts'];

/** The value of a reading whatever its age; `undefined` when it is missing or no amount. */
export function rawValue(samples: ReplicaSamples, name: SignalName): number | undefined {
  const sample = samples[name];
  return sample.kind === 'missing' || !isAmount(sample.value) ? undefined : sample.value;
}

const counted: readonly BaselineSignal[] = [
  'waiting',
  'running',
  'finishedTotal',
  'promptTokensTotal',
  'cachedPromptTokensTotal',
  'outputTokensTotal',
  'itlSecondsSum',
  'itlCount',
];

/** What a later look takes increases from. */
export function countsOf(samples: ReplicaSamples): Counts {
  const counts: { -readonly [K in BaselineSignal]?: number } = {};
  for (const name of counted) {
    const value = rawValue(samples, name);
    if (value !== undefined) counts[name] = value;
  }
  return counts;
}
