import type { LogHistogram } from './engine/log-histogram.ts';
import type { LatencySummary } from './result.ts';

/** Smallest value that at least this share of the values does not exceed. Sorts in place. */
export function quantile(values: Float64Array, share: number): number | null {
  if (values.length === 0) return null;
  values.sort();
  return at(values, share);
}

/** Milliseconds in, seconds out; null of nothing. The values are not changed. */
export function summaryOf(valuesMs: Float64Array): LatencySummary | null {
  if (valuesMs.length === 0) return null;
  const sorted = valuesMs.slice().sort();
  let sum = 0;
  for (const value of sorted) sum += value;
  return {
    p50: at(sorted, 0.5) / 1000,
    p95: at(sorted, 0.95) / 1000,
    p99: at(sorted, 0.99) / 1000,
    mean: sum / sorted.length / 1000,
  };
}

export function summaryOfHistogram(histogram: LogHistogram): LatencySummary | null {
  const { mean } = histogram;
  if (mean === null) return null;
  const seconds = (share: number): number => (histogram.quantile(share) ?? 0) / 1000;
  return { p50: seconds(0.5), p95: seconds(0.95), p99: seconds(0.99), mean: mean / 1000 };
}

function at(sorted: Float64Array, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? 0;
}
