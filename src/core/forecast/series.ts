import { Scratch } from './scratch.ts';
import type { Lengths } from '../signals/mix.ts';
import type { DemandBin } from '../model/memory.ts';

/** Demand over time in requests of the present mix per second; seconds before now, oldest first. */
export interface Series {
  readonly length: number;
  /** Seconds, increasing, the last at or before 0. */
  readonly t: Float64Array;
  readonly y: Float64Array;
  /** sum[i] = y[0] + ... + y[i - 1]. */
  readonly sum: Float64Array;
  /** Seconds that are known up to bin i (it excluded): a bin speaks for the time since the one before, for a minute at most; the first for none. */
  readonly known: Float64Array;
  /** Room for what is computed from this series. */
  readonly scratch: Scratch;
}

const longestBinSeconds = 60;

/** What one prompt token and one output token cost, in any common unit. */
export interface TokenCosts {
  readonly prompt: number;
  readonly output: number;
}

/**
 * Bins as work: tokens weighed by their cost, in units of one mean request of the present mix. So longer prompts at the same number of
 * requests are more demand, and the lumps of long prompts count in the forecast's error. How long the answers of a bin would become, and the prompts that
 * waited when it closed, was not known: they are taken at the present mean.
 */
export function seriesOf(bins: readonly DemandBin[], lengths: Lengths, costs: TokenCosts, nowMs: number): Series {
  const perRequest = workOf(lengths, costs);
  const prompt = costs.prompt / perRequest;
  const answer = (costs.output * lengths.output) / perRequest;
  return seriesFrom(
    bins,
    (bin) => (bin.at - nowMs) / 1000,
    (bin) => prompt * promptTokensOf(bin, lengths) + answer * bin.requestsPerSecond,
  );
}

/** Prompt tokens a second of a bin, with those that waited at the present mean; where no engine counts them, all. */
export function promptTokensOf(bin: DemandBin, { uncachedPrompt }: Pick<Lengths, 'uncachedPrompt'>): number {
  const { promptTokensPerSecond, waitingPerSecond = 0, requestsPerSecond } = bin;
  const tokens = promptTokensPerSecond + waitingPerSecond * uncachedPrompt;
  return tokens > 0 ? tokens : requestsPerSecond * uncachedPrompt;
}

/** Work of one mean request. */
export function workOf(lengths: Lengths, costs: TokenCosts): number {
  return costs.prompt * lengths.uncachedPrompt + costs.output * lengths.output;
}

/** A series of points: `at` gives seconds, `of` the value. */
export function seriesFrom<T>(points: readonly T[], at: (point: T) => number, of: (point: T) => number): Series {
  const length = points.length;
  const scratch = new Scratch(24 * (length + 2));
  const t = scratch.take(length);
  const y = scratch.take(length);
  const sum = scratch.take(length + 1);
  const known = scratch.take(length + 1);
  let total = 0;
  let seconds = 0;
  let before = Number.POSITIVE_INFINITY;
  points.forEach((point, i) => {
    const when = at(point);
    const value = of(point);
    total += value;
    seconds += Math.max(0, Math.min(longestBinSeconds, when - before));
    t[i] = when;
    y[i] = value;
    sum[i + 1] = total;
    known[i + 1] = seconds;
    before = when;
  });
  return { t, y, sum, known, length, scratch };
}

/** Mean over bins from..to (to excluded). */
export function meanOf(series: Series, from: number, to: number): number {
  return ((series.sum[to] ?? 0) - (series.sum[from] ?? 0)) / Math.max(1, to - from);
}

/** First bin inside the `seconds` before bin i (it included), at or after `start`: a pointer that only moves on. */
export function windowStart(
  { t }: Series,
  start: number,
  window: { readonly i: number; readonly seconds: number },
): number {
  const edge = (t[window.i] ?? 0) - window.seconds + 1e-9;
  let first = start;
  while (first < window.i && (t[first] ?? 0) <= edge) first++;
  return first;
}

/** Mean of the `seconds` before each bin, it included. */
export function means(series: Series, seconds: number): Float64Array {
  const f = series.scratch.take(series.length);
  let start = 0;
  for (let i = 0; i < series.length; i++) {
    start = windowStart(series, start, { i, seconds });
    f[i] = meanOf(series, start, i + 1);
  }
  return f;
}
