/** Numbers that carry their unit. Each is built through its constructor, the only place that casts. */
declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

/** Milliseconds since the Unix epoch (or since the start of a simulation). Comes from a clock port or from a sample's own timestamp. */
export type Instant = Unit<'instant'>;
export type Seconds = Unit<'seconds'>;
export type Milliseconds = Unit<'milliseconds'>;
export type Replicas = Unit<'replicas'>;
export type Tokens = Unit<'tokens'>;
export type Bytes = Unit<'bytes'>;
/** A share; 0 to 1 unless its field says otherwise. */
export type Ratio = Unit<'ratio'>;
export type RequestsPerSecond = Unit<'requests/second'>;
export type TokensPerSecond = Unit<'tokens/second'>;

/** @throws RangeError unless `n` is an integer from 0 to 2^31 - 1 (I14). */
export function replicas(n: number): Replicas {
  if (!Number.isSafeInteger(n) || n < 0 || n > 2_147_483_647) {
    throw new RangeError(`replicas must be an integer from 0 to 2147483647, was ${n}`);
  }
  return n as Replicas;
}

/** @throws RangeError unless `ms` is finite; a fraction of a millisecond is dropped. */
export function instant(ms: number): Instant {
  if (!Number.isFinite(ms)) throw new RangeError(`an instant must be finite, was ${ms}`);
  return Math.trunc(ms) as Instant;
}

export const seconds = (n: number): Seconds => amount('seconds', n) as Seconds;
export const milliseconds = (n: number): Milliseconds => amount('milliseconds', n) as Milliseconds;
export const tokens = (n: number): Tokens => amount('tokens', n) as Tokens;
export const bytes = (n: number): Bytes => amount('bytes', n) as Bytes;
export const ratio = (n: number): Ratio => amount('a ratio', n) as Ratio;
export const requestsPerSecond = (n: number): RequestsPerSecond => amount('requests/second', n) as RequestsPerSecond;
export const tokensPerSecond = (n: number): TokensPerSecond => amount('tokens/second', n) as TokensPerSecond;

/** Time from `from` to `to`; negative when `to` is earlier. */
export function elapsed(from: Instant, to: Instant): number {
  return (to - from) / 1000;
}

export function after(at: Instant, seconds: number): Instant {
  return instant(at + seconds * 1000);
}

function amount(name: string, n: number): number {
  if (!Number.isFinite(n) || n < 0) throw new RangeError(`${name} must be finite and at least 0, was ${n}`);
  return n;
}
