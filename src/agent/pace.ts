import type { Clock } from '../ports/index.ts';

/** Holds all transfers together under one rate: who spends more than has accrued waits. */
export class Pace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number | undefined;
  /** Monotonic time at which everything spent so far is paid. */
  #paidAt = 0;
  constructor(clock: Clock, bytesPerSecond: number | undefined) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#bytesPerSecond === undefined) return;
    const now = this.#clock.monotonic();
    this.#paidAt = Math.max(this.#paidAt, now) + (bytes / this.#bytesPerSecond) * 1000;
    const wait = this.#paidAt - now;
    if (wait > 0) await this.#clock.sleep(wait, signal);
  }
}

/** Bytes per second over the last moments: an average that forgets with a half-life of about seven seconds. */
export class RateMeter {
  #last: { readonly at: number; readonly bytes: number } | undefined;
  #rate = 0;

  /** `at` in monotonic milliseconds, `bytes` counted from any origin; a count that falls starts anew. */
  observe(at: number, bytes: number): number {
    const last = this.#last;
    if (last !== undefined && at <= last.at) return this.#rate;
    this.#last = { at, bytes };
    if (last === undefined || bytes < last.bytes) return this.#rate;
    const seconds = (at - last.at) / 1000;
    const kept = this.#rate === 0 ? 0 : Math.exp(-seconds / 10);
    this.#rate = kept * this.#rate + (1 - kept) * ((bytes - last.bytes) / seconds);
    return this.#rate;
  }
}
