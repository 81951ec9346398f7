import type { Sample } from '../model/sample.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { freshValue, gapCause, type GapCause } from './reading.ts';

/** One signal over the serving replicas of a pool. */
export interface SignalState {
  /** Replicas with a fresh value, of all that should have one. */
  readonly fresh: number;
  readonly of: number;
  /** Sum of the fresh values: gaps count 0, which is against us when more is wanted. */
  readonly sum: number;
  /** The same with each gap and each dark replica filled by the peers' maximum, which is against us when less is wanted. */
  readonly sumFilled: number;
  readonly ageSeconds: number;
  /** Too few replicas are known for a decrease (I2). */
  readonly isMissing: boolean;
  /** The engines do not have this signal at all: absent by nature, not a gap. */
  readonly isNotExposed: boolean;
  /** Why replicas are missing: the cause of the last gap. */
  readonly cause?: GapCause;
}

/** Running sums while the replicas are read once. */
export interface Tally {
  fresh: number;
  of: number;
  sum: number;
  max: number;
  ageSeconds: number;
  notExposed: number;
  cause: GapCause | undefined;
  /** Serving, and nothing told for so long that nobody waits for it: no gap, and no idler. */
  dark: number;
}

export function emptyTally(): Tally {
  return { dark: 0, fresh: 0, of: 0, sum: 0, max: 0, ageSeconds: 0, notExposed: 0, cause: undefined };
}

export interface TallyContext {
  readonly reading: { readonly isStuck: boolean; readonly isDark: boolean };
  readonly now: Instant;
  readonly maxAge: number;
}

export function tally(into: Tally, sample: Sample, { reading, now, maxAge }: TallyContext): void {
  if (reading.isDark) {
    into.dark++;
    return;
  }
  into.of++;
  const known = reading.isStuck ? undefined : freshValue(sample, now, maxAge);
  if (known === undefined || sample.kind === 'missing') {
    into.cause = reading.isStuck ? 'Stuck' : gapCause(sample, now, maxAge);
    if (into.cause === 'NotExposed') into.notExposed++;
    return;
  }
  into.fresh++;
  into.sum += known;
  into.max = Math.max(into.max, known);
  into.ageSeconds = Math.max(into.ageSeconds, elapsed(sample.at, now));
}

export function stateOf(from: Tally): SignalState {
  const gaps = from.of - from.fresh;
  return {
    fresh: from.fresh,
    of: from.of,
    sum: from.sum,
    sumFilled: from.sum + (gaps + from.dark) * from.max,
    ageSeconds: from.ageSeconds,
    isMissing: !isCovered(from.fresh, from.of),
    isNotExposed: from.of > 0 && from.notExposed === from.of,
    ...(from.cause === undefined ? {} : { cause: from.cause }),
  };
}

/**
 * I2: nothing fresh is missing; from five replicas on, fresh ones must cover 80 %; below five one gap is forgiven.
 * 0/3 no, 1/2 yes, 2/4 no, 3/4 yes, 4/5 yes, 7/9 no, 8/10 yes.
 */
export function isCovered(fresh: number, of: number): boolean {
  if (fresh === 0) return false;
  return of < 5 ? of - fresh <= 1 : fresh >= 0.8 * of;
}
