import type { Instant } from '../../core/model/units.ts';

/** The largest value of the last `size` buckets; values of one bucket keep the larger. */
export class SlidingMaximum {
  readonly #granularityMs: number;
  readonly #size: number;
  #entries: { readonly granule: number; readonly value: number }[] = [];

  constructor(windowSeconds: number, granularitySeconds: number) {
    this.#granularityMs = granularitySeconds * 1000;
    this.#size = Math.ceil(windowSeconds / granularitySeconds);
  }

  record(at: Instant, value: number): void {
    const granule = Math.floor(at / this.#granularityMs);
    const young = this.#entries.filter((entry) => entry.granule > granule - this.#size && entry.value > value);
    this.#entries = [...young, { granule, value }];
  }

  get current(): number {
    return this.#entries[0]?.value ?? 0;
  }
}
