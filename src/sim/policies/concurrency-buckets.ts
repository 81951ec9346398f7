import type { Instant } from '../../core/model/units.ts';

/** Smallest weight of the newest bucket, and what all weights of a window sum to. */
const leastCoefficient = 0.2;
const weightSum = 0.9999;

/**
 * Knative's ring of sums: what is recorded is added to the bucket of its time, gaps are zero, a silence as long as the window forgets everything.
 * Times in whole granules.
 */
export class ConcurrencyBuckets {
  readonly #granularityMs: number;
  readonly #sums: number[];
  #first = 0;
  #last: number | undefined;

  constructor(windowSeconds: number, granularitySeconds: number) {
    this.#granularityMs = granularitySeconds * 1000;
    this.#sums = Array.from({ length: Math.ceil(windowSeconds / granularitySeconds) }, () => 0);
  }

  get size(): number {
    return this.#sums.length;
  }

  record(at: Instant, value: number): void {
    const granule = this.#granule(at);
    const last = this.#last;
    if (last === undefined || granule - last >= this.size) this.#restart(granule);
    else if (granule > last) {
      for (let gap = last + 1; gap <= granule; gap++) this.#sums[this.#slot(gap)] = 0;
      this.#last = granule;
    } else if (last - granule >= this.size) return;
    else this.#first = Math.min(this.#first, granule);
    this.#sums[this.#slot(granule)] = this.#sum(granule) + value;
  }

  isEmpty(now: Instant): boolean {
    return this.#last === undefined || this.#granule(now) - this.#last >= this.size;
  }

  /** Mean over the window, of the buckets that were written since the first. */
  average(now: Instant): number {
    const last = this.#last;
    if (last === undefined || this.isEmpty(now)) return 0;
    const expired = Math.max(0, this.#granule(now) - last);
    const written = Math.min(last - this.#first + 1, this.size - expired);
    let total = 0;
    for (let granule = last; granule > last - (this.size - expired); granule--) total += this.#sum(granule);
    return rounded(total / written);
  }

  /** Newest first with falling weights: most of a short window's weight lies on its newest buckets. */
  weightedAverage(now: Instant): number {
    const last = this.#last;
    if (last === undefined || this.isEmpty(now)) return 0;
    const coefficient = weightedCoefficient(this.size);
    const expired = Math.max(0, this.#granule(now) - last);
    let weight = coefficient * (1 - coefficient) ** expired;
    let total = 0;
    for (let granule = last; granule > last - (this.size - expired); granule--) {
      total += this.#sum(granule) * weight;
      weight *= 1 - coefficient;
    }
    return rounded(total);
  }

  #restart(granule: number): void {
    this.#sums.fill(0);
    this.#first = granule;
    this.#last = granule;
  }

  #granule(at: Instant): number {
    return Math.floor(at / this.#granularityMs);
  }

  #slot(granule: number): number {
    return ((granule % this.size) + this.size) % this.size;
  }

  #sum(granule: number): number {
    return this.#sums[this.#slot(granule)] ?? 0;
  }
}

export function weightedCoefficient(buckets: number): number {
  return Math.max(1 - (1 - weightSum) ** (1 / buckets), leastCoefficient);
}

function rounded(n: number): number {
  return Math.round(n * 1e6) / 1e6;
}
