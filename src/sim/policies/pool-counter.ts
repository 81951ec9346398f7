import type { PoolSeen, SignalName } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import { reading, replicasOf } from './signals.ts';
import type { Timed } from './windows.ts';

/** A cumulative number as a Prometheus keeps it: what came since a look, over resets, in a window. */
export class CounterSeries {
  readonly #milliseconds: number;
  #total = 0;
  #points: Timed[] = [];

  constructor(windowSeconds: number) {
    this.#milliseconds = windowSeconds * 1000;
  }

  add(at: Instant, increase: number): void {
    this.#total += increase;
    this.#points.push({ at, value: this.#total });
    while ((this.#points[1]?.at ?? at) <= at - this.#milliseconds && this.#points.length > 2) this.#points.shift();
  }

  /** What came inside the window, and over how many seconds; `undefined` before two looks. */
  increase(): { readonly amount: number; readonly seconds: number } | undefined {
    const first = this.#points[0];
    const last = this.#points.at(-1);
    if (first === undefined || last === undefined || last.at === first.at) return undefined;
    return { amount: last.value - first.value, seconds: (last.at - first.at) / 1000 };
  }
}

/** `sum(increase(counter[window]))` over replicas: a series counts from its second reading on, and all of it after a reset. */
export class PoolCounter {
  readonly #signal: SignalName;
  readonly #series: CounterSeries;
  #last: ReadonlyMap<string, number> = new Map();

  constructor(signal: SignalName, windowSeconds: number) {
    this.#signal = signal;
    this.#series = new CounterSeries(windowSeconds);
  }

  look(seen: PoolSeen, now: Instant): void {
    const next = new Map(this.#last);
    let increase = 0;
    for (const replica of replicasOf(seen)) {
      const value = reading(replica, this.#signal, seen, now);
      if (value === undefined) continue;
      const before = this.#last.get(replica.id);
      if (before !== undefined) increase += value < before ? value : value - before;
      next.set(replica.id, value);
    }
    this.#last = next;
    this.#series.add(now, increase);
  }

  increase(): number | undefined {
    return this.#series.increase()?.amount;
  }

  rate(): number | undefined {
    const increase = this.#series.increase();
    return increase === undefined ? undefined : increase.amount / increase.seconds;
  }
}

export interface MeanLengths {
  /** Tokens of a mean prompt, whole. */
  readonly prompt: number;
  readonly output: number;
  /** Share of prompt tokens that the prefix cache held. */
  readonly hitRate: number;
}

/** Mean lengths of the requests of a window, from the engines' counters. */
export class LengthReader {
  readonly #prompt: PoolCounter;
  readonly #cached: PoolCounter;
  readonly #started: PoolCounter;
  readonly #output: PoolCounter;
  readonly #finished: PoolCounter;
  #last: MeanLengths | undefined;

  constructor(windowSeconds: number) {
    this.#prompt = new PoolCounter('promptTokensTotal', windowSeconds);
    this.#cached = new PoolCounter('cachedPromptTokensTotal', windowSeconds);
    this.#started = new PoolCounter('ttftCount', windowSeconds);
    this.#output = new PoolCounter('outputTokensTotal', windowSeconds);
    this.#finished = new PoolCounter('finishedTotal', windowSeconds);
  }

  look(seen: PoolSeen, now: Instant): void {
    for (const counter of [this.#prompt, this.#cached, this.#started, this.#output, this.#finished]) {
      counter.look(seen, now);
    }
    const started = this.#started.increase() ?? 0;
    const finished = this.#finished.increase() ?? 0;
    const prompts = this.#prompt.increase() ?? 0;
    if (started === 0 || finished === 0) return;
    this.#last = {
      prompt: prompts / started,
      output: (this.#output.increase() ?? 0) / finished,
      hitRate: prompts === 0 ? 0 : (this.#cached.increase() ?? 0) / prompts,
    };
  }

  /** The last known; `undefined` before any request began and any ended. */
  get lengths(): MeanLengths | undefined {
    return this.#last;
  }
}
