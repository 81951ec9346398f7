import type { Histogram, HistogramName, PoolSeen, ReplicaSeen } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import { histogramQuantile } from './histogram-quantile.ts';
import { replicasOf } from './signals.ts';

interface Point {
  readonly at: Instant;
  readonly counts: readonly number[];
}

/** The histogram of a replica that a Prometheus would still have series for. */
function freshHistogram(
  { histograms }: ReplicaSeen,
  name: HistogramName,
  { now, scrapeIntervalSeconds }: { readonly now: Instant; readonly scrapeIntervalSeconds: number },
): Histogram | undefined {
  if (histograms === undefined || now - histograms.at > 3000 * scrapeIntervalSeconds) return undefined;
  return histograms[name];
}

/** What came into each bucket inside a window, from readings that only grow. */
class BucketSeries {
  readonly #milliseconds: number;
  #points: Point[] = [];

  constructor(windowSeconds: number) {
    this.#milliseconds = windowSeconds * 1000;
  }

  add(at: Instant, increase: readonly number[]): void {
    const last = this.#points.at(-1)?.counts ?? [];
    this.#points.push({ at, counts: sum(last, increase) });
    while ((this.#points[1]?.at ?? at) <= at - this.#milliseconds && this.#points.length > 2) this.#points.shift();
  }

  increase(): readonly number[] {
    const first = this.#points[0];
    const last = this.#points.at(-1);
    if (first === undefined || last === undefined) return [];
    return last.counts.map((count, i) => count - (first.counts[i] ?? 0));
  }
}

/** What each replica counted since the look before; a series counts from its second reading on, and all of it after a reset. */
class BucketIncreases {
  readonly #name: HistogramName;
  readonly #last = new Map<string, readonly number[]>();
  bounds: readonly number[] = [];

  constructor(name: HistogramName) {
    this.#name = name;
  }

  of(replica: ReplicaSeen, seen: PoolSeen, now: Instant): readonly number[] | undefined {
    const { scrapeIntervalSeconds } = seen;
    const histogram = freshHistogram(replica, this.#name, { now, scrapeIntervalSeconds });
    if (histogram === undefined) return undefined;
    this.bounds = histogram.bounds;
    const before = this.#last.get(replica.id);
    this.#last.set(replica.id, histogram.counts);
    if (before === undefined) return [];
    const isReset = (histogram.counts.at(-1) ?? 0) < (before.at(-1) ?? 0);
    return isReset ? histogram.counts : histogram.counts.map((count, i) => count - (before[i] ?? 0));
  }
}

/** `histogram_quantile(q, sum by (le) (rate(name_bucket[window])))` over all replicas. */
export class PoolQuantile {
  readonly #increases: BucketIncreases;
  readonly #series: BucketSeries;

  constructor(name: HistogramName, windowSeconds: number) {
    this.#increases = new BucketIncreases(name);
    this.#series = new BucketSeries(windowSeconds);
  }

  look(seen: PoolSeen, now: Instant): void {
    const increases = replicasOf(seen).flatMap((replica) => {
      const increase = this.#increases.of(replica, seen, now);
      return increase === undefined ? [] : [increase];
    });
    this.#series.add(now, increases.reduce<readonly number[]>(sum, []));
  }

  /** Seconds; `undefined`: nothing was counted in the window, which is NaN in PromQL. */
  quantile(share: number): number | undefined {
    return histogramQuantile(share, { bounds: this.#increases.bounds, counts: this.#series.increase() });
  }
}

/** The quantile of each replica by itself. */
export class ReplicaQuantiles {
  readonly #windowSeconds: number;
  readonly #increases: BucketIncreases;
  readonly #series = new Map<string, BucketSeries>();

  constructor(name: HistogramName, windowSeconds: number) {
    this.#windowSeconds = windowSeconds;
    this.#increases = new BucketIncreases(name);
  }

  look(seen: PoolSeen, now: Instant): void {
    for (const replica of replicasOf(seen)) {
      const increase = this.#increases.of(replica, seen, now);
      if (increase === undefined) {
        this.#series.delete(replica.id);
        continue;
      }
      const series = this.#series.get(replica.id) ?? new BucketSeries(this.#windowSeconds);
      series.add(now, increase);
      this.#series.set(replica.id, series);
    }
  }

  /** Seconds; `undefined`: nothing was counted, or nothing is read of it now. */
  quantile(replica: ReplicaSeen, share: number): number | undefined {
    const series = this.#series.get(replica.id);
    if (series === undefined) return undefined;
    return histogramQuantile(share, { bounds: this.#increases.bounds, counts: series.increase() });
  }
}

function sum(a: readonly number[], b: readonly number[]): readonly number[] {
  return a.length >= b.length ? a.map((count, i) => count + (b[i] ?? 0)) : sum(b, a);
}
