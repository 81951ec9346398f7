import type { Instant } from '../../core/model/units.ts';

export interface Timed {
  readonly at: Instant;
  readonly value: number;
}

/** Readings younger than the window; one exactly as old as the window has left it. */
export class TimedWindow {
  readonly #milliseconds: number;
  #readings: Timed[] = [];

  constructor(seconds: number) {
    this.#milliseconds = seconds * 1000;
  }

  add(at: Instant, value: number): void {
    this.#readings.push({ at, value });
  }

  values(now: Instant): readonly number[] {
    this.#readings = this.#readings.filter(({ at }) => at > now - this.#milliseconds);
    return this.#readings.map(({ value }) => value);
  }

  mean(now: Instant): number | undefined {
    return meanOf(this.values(now));
  }

  max(now: Instant): number | undefined {
    const values = this.values(now);
    return values.length === 0 ? undefined : Math.max(...values);
  }
}

/** A counter of looks that agree: one in the other direction starts it anew. */
export class Streak {
  #direction: 'up' | 'down' | undefined;
  #length = 0;

  /** How many looks in a row now point this way, this one included. */
  next(direction: 'up' | 'down'): number {
    this.#length = direction === this.#direction ? this.#length + 1 : 1;
    this.#direction = direction;
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }
}

export function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}
