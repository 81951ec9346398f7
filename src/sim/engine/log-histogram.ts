const lowest = 0.01;
const binsPerE = 100;
const bins = 1800;

/** Weighted histogram of positive numbers in bins of 1 %, from 0.01 to 600,000 (milliseconds): quantiles are right to half a bin. */
export class LogHistogram {
  readonly #weights = new Float64Array(bins);
  #total = 0;
  #sum = 0;

  get total(): number {
    return this.#total;
  }

  get mean(): number | null {
    return this.#total === 0 ? null : this.#sum / this.#total;
  }

  add(value: number, weight: number): void {
    this.#total += weight;
    this.#sum += value * weight;
    this.#put(binOf(value), weight);
  }

  /** `count` values that rise evenly from `from` by `step`, each `weight` times. */
  addRamp(from: number, step: number, count: number, weight: number): void {
    this.#total += count * weight;
    this.#sum += weight * (count * from + (step * count * (count - 1)) / 2);
    const last = binOf(from + step * (count - 1));
    let bin = binOf(from);
    let done = 0;
    while (bin < last && done < count) {
      const upTo = Math.min(count, Math.max(done, Math.ceil((upperEdge(bin) - from) / step)));
      this.#put(bin, (upTo - done) * weight);
      done = upTo;
      bin++;
    }
    this.#put(last, (count - done) * weight);
  }

  /** Value below which this share of the weight lies; null when empty. */
  quantile(share: number): number | null {
    if (this.#total === 0) return null;
    let left = share * this.#total;
    for (let bin = 0; bin < bins; bin++) {
      left -= this.#weights[bin] ?? 0;
      if (left <= 0) return lowest * Math.exp((bin + 0.5) / binsPerE);
    }
    return upperEdge(bins - 1);
  }

  /** Adds what `other` holds to this and empties it. */
  drain(other: LogHistogram): void {
    this.#total += other.#total;
    this.#sum += other.#sum;
    for (let bin = 0; bin < bins; bin++) this.#put(bin, other.#weights[bin] ?? 0);
    other.#weights.fill(0);
    other.#total = 0;
    other.#sum = 0;
  }

  #put(bin: number, weight: number): void {
    this.#weights[bin] = (this.#weights[bin] ?? 0) + weight;
  }
}

function binOf(value: number): number {
  if (value <= lowest) return 0;
  return Math.min(bins - 1, Math.floor(Math.log(value / lowest) * binsPerE));
}

function upperEdge(bin: number): number {
  return lowest * Math.exp((bin + 1) / binsPerE);
}
