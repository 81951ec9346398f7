import type { Histogram } from '../../core/model/pool.ts';

/**
 * PromQL's `histogram_quantile` of a classic histogram with positive bounds: linear inside the bucket, of which the first begins at 0; what lies
 * beyond the last bound is that bound. `undefined` where Prometheus answers NaN: nothing counted. Counts are cumulative, the last is +Inf's.
 */
export function histogramQuantile(quantile: number, { bounds, counts }: Histogram): number | undefined {
  const cumulative = rising(counts);
  const total = cumulative.at(-1) ?? 0;
  if (Number.isNaN(quantile) || bounds.length === 0 || !(total > 0)) return undefined;
  if (quantile < 0) return Number.NEGATIVE_INFINITY;
  if (quantile > 1) return Number.POSITIVE_INFINITY;
  return valueAt(quantile * total, bounds, cumulative);
}

function valueAt(rank: number, bounds: readonly number[], cumulative: readonly number[]): number | undefined {
  const bucket = bounds.findIndex((_, i) => (cumulative[i] ?? 0) >= rank);
  if (bucket < 0) return bounds.at(-1);
  const start = bounds[bucket - 1] ?? 0;
  const before = cumulative[bucket - 1] ?? 0;
  const inside = (cumulative[bucket] ?? 0) - before;
  // 0 / 0 only for quantile 0 of a histogram whose first bucket is empty: NaN in Prometheus too.
  return inside === 0 ? undefined : start + ((bounds[bucket] ?? 0) - start) * ((rank - before) / inside);
}

/** Differences of scrapes at different times can fall from one bucket to the next; Prometheus takes the largest before. */
function rising(counts: readonly number[]): readonly number[] {
  let highest = 0;
  return counts.map((count) => (highest = Math.max(highest, count)));
}
