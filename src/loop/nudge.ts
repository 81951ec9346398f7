import type { Clock } from '../ports/index.ts';

/** Wakes a sleeper early. Many calls close together wake it once. */
export class Nudge {
  readonly #clock: Clock;
  readonly #settleMilliseconds: number;
  #since: number | undefined;
  #wake: () => void = () => undefined;

  /** `settleMilliseconds`: time from the first call to waking, so that what belongs together is seen together. */
  constructor(clock: Clock, settleMilliseconds = 200) {
    this.#clock = clock;
    this.#settleMilliseconds = settleMilliseconds;
  }

  call(): void {
    this.#since ??= this.#clock.monotonic();
    this.#wake();
  }

  /** Until `milliseconds` have passed, or until a call and its settling time, but never before `least`. */
  async wait(milliseconds: number, least: number, signal: AbortSignal): Promise<void> {
    const began = this.#clock.monotonic();
    if (this.#since === undefined) await this.#sleep(milliseconds, signal);
    const now = this.#clock.monotonic();
    const due =
      this.#since === undefined
        ? began + milliseconds
        : Math.max(began + least, this.#since + this.#settleMilliseconds);
    if (due > now && !signal.aborted)
      await this.#clock.sleep(Math.min(due, began + Math.max(milliseconds, least)) - now, signal);
    this.#since = undefined;
  }

  /** Ends early when called. */
  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await this.#clock.sleep(milliseconds, AbortSignal.any([signal, woken.signal]));
    } catch (err) {
      if (signal.aborted || !woken.signal.aborted) throw err;
    } finally {
      this.#wake = () => undefined;
    }
  }
}
