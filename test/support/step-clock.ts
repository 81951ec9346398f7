import { instant } from '../../src/core/model/units.ts';
import type { Clock } from '../../src/ports/index.ts';
import { epoch } from './builders.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** Time that moves when told, for tests whose other half is real I/O: `asleep` waits until everybody waits for time. */
export class StepClock implements Clock {
  #milliseconds = 0;
  /** How far the wall clock was set away from the monotonic one. */
  wallShift = 0;
  readonly #sleepers = new Set<Sleeper>();
  #watchers: (() => void)[] = [];

  now(): ReturnType<Clock['now']> {
    return instant(epoch + this.#milliseconds + this.wallShift);
  }
  monotonic(): number {
    return this.#milliseconds;
  }
  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const sleeper: Sleeper = { until: this.#milliseconds + milliseconds, wake: resolve };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      });
      for (const watcher of this.#watchers) watcher();
    });
  }

  /** Until at least `count` sleep. */
  asleep(count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#sleepers.size < count) return;
        this.#watchers = this.#watchers.filter((one) => one !== look);
        resolve();
      };
      this.#watchers.push(look);
      look();
    });
  }

  pass(milliseconds: number): void {
    this.#milliseconds += milliseconds;
    for (const sleeper of this.#sleepers) {
      if (sleeper.until > this.#milliseconds) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }

  /** Second by second, each time until `count` wait again. */
  async run(seconds: number, count = 1): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.asleep(count);
      this.pass(1000);
    }
    await this.asleep(count);
  }
}

/** A clock whose sleeps take no time: they move it. */
export class SkippingClock implements Clock {
  #milliseconds = 0;
  readonly slept: number[] = [];

  now(): ReturnType<Clock['now']> {
    return instant(epoch + this.#milliseconds);
  }
  monotonic(): number {
    return this.#milliseconds;
  }
  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.slept.push(milliseconds);
    this.#milliseconds += milliseconds;
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  }
  pass(milliseconds: number): void {
    this.#milliseconds += milliseconds;
  }
}
