import { TransferError } from './failure.ts';

/** A number from 0 (included) to 1 (excluded). */
export type Random = () => number;

const firstSeconds = 1;
const longestSeconds = 60;

/** Pause before the try after `failures` failures in a row (1 or more): exponential with full jitter, never shorter than what the other side asked for. */
export function backOffSeconds(failures: number, random: Random, err: unknown): number {
  const ceiling = Math.min(longestSeconds, firstSeconds * 2 ** Math.min(failures - 1, 16));
  const asked = err instanceof TransferError ? (err.retryAfterSeconds ?? 0) : 0;
  return Math.max(asked, random() * ceiling);
}

/** Pause before a failed artifact is tried anew: five minutes and up to half as much again, so that nodes do not come back together. */
export function slowRetrySeconds(random: Random): number {
  return 300 * (1 + random() / 2);
}
