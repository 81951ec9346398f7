import type { HistogramName, ReplicaHistograms } from '../../core/model/pool.ts';

/** Upper bounds of vLLM's latency histograms, seconds, without the last, +Inf (as vLLM 0.32 writes them). */
export const vllmBounds: Readonly<Record<HistogramName, readonly number[]>> = {
  timeToFirstToken: [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
  ],
  interTokenLatency: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  requestLatency: [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680],
};

/** One histogram of an engine's page; milliseconds in, cumulative counts out. */
export class LatencyBuckets {
  readonly #bounds: readonly number[];
  /** How many fell between a bound and the one before; the last is beyond all bounds. */
  readonly #counts: Float64Array;

  constructor(boundsSeconds: readonly number[]) {
    this.#bounds = boundsSeconds;
    this.#counts = new Float64Array(boundsSeconds.length + 1);
  }

  add(milliseconds: number, weight: number): void {
    this.#put(this.#bucketOf(milliseconds / 1000), weight);
  }

  /** `count` values that rise evenly from `from` by `step` (milliseconds, not below 0), each `weight` times. */
  addRamp(ramp: { readonly from: number; readonly step: number; readonly count: number }, weight: number): void {
    const { from, step, count } = ramp;
    const last = this.#bucketOf((from + step * (count - 1)) / 1000);
    let done = 0;
    for (let bucket = this.#bucketOf(from / 1000); bucket < last && done < count; bucket++) {
      const bound = (this.#bounds[bucket] ?? 0) * 1000;
      const upTo = Math.min(count, Math.max(done, Math.floor((bound - from) / step) + 1));
      this.#put(bucket, (upTo - done) * weight);
      done = upTo;
    }
    this.#put(last, (count - done) * weight);
  }

  read(): readonly number[] {
    let total = 0;
    return Array.from(this.#counts, (count) => (total += count));
  }

  /** A bucket holds its upper bound. */
  #bucketOf(seconds: number): number {
    const at = this.#bounds.findIndex((bound) => seconds <= bound);
    return at < 0 ? this.#bounds.length : at;
  }

  #put(bucket: number, weight: number): void {
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + weight;
  }
}

/** The three of one engine; kept only when the policy of the run reads them. */
export class LatencyHistograms {
  readonly timeToFirstToken: LatencyBuckets = new LatencyBuckets(vllmBounds.timeToFirstToken);
  readonly interTokenLatency: LatencyBuckets = new LatencyBuckets(vllmBounds.interTokenLatency);
  readonly requestLatency: LatencyBuckets = new LatencyBuckets(vllmBounds.requestLatency);

  read(): Omit<ReplicaHistograms, 'at'> {
    return {
      timeToFirstToken: { bounds: vllmBounds.timeToFirstToken, counts: this.timeToFirstToken.read() },
      interTokenLatency: { bounds: vllmBounds.interTokenLatency, counts: this.interTokenLatency.read() },
      requestLatency: { bounds: vllmBounds.requestLatency, counts: this.requestLatency.read() },
    };
  }
}
