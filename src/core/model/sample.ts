import type { Instant } from './units.ts';

/** Why there is no number. Absent, zero and stale are three things. */
export type MissingCause =
  /** Never scraped, or the scrape failed so long ago that nothing is known. */
  | 'NotScraped'
  | 'ScrapeFailed'
  /** The exposition was read and the family is not in it. */
  | 'NotExposed'
  /** NaN, infinite, negative where that is impossible, or more than 5 s in the future. */
  | 'NotANumber'
  | 'FromTheFuture'
  /** The engine sleeps or is paused: its gauges read 0 and mean nothing. */
  | 'Asleep'
  /** A query (Prometheus) failed or answered no series. */
  | 'QueryFailed'
  | 'NoSeries';

/** One reading. `at` is the time of the reading at its source, never the time at which it is looked at. */
export type Sample =
  | { readonly kind: 'value'; readonly value: number; readonly at: Instant }
  | { readonly kind: 'stale'; readonly value: number; readonly at: Instant }
  | { readonly kind: 'missing'; readonly cause: MissingCause };

/** Why a fresh-looking reading is not believed is the reader's business; the age limit is the caller's. */
export function aged(sample: Sample, now: Instant, maxAgeSeconds: number): Sample {
  if (sample.kind !== 'value') return sample;
  if (sample.at - now > 5000) return { kind: 'missing', cause: 'FromTheFuture' };
  if (now - sample.at <= maxAgeSeconds * 1000) return sample;
  return { kind: 'stale', value: sample.value, at: sample.at };
}

export function value(value: number, at: Instant): Sample {
  return Number.isFinite(value) ? { kind: 'value', value, at } : { kind: 'missing', cause: 'NotANumber' };
}

export function missing(cause: MissingCause): Sample {
  return { kind: 'missing', cause };
}
