import { meanContext } from '../capacity/iteration-time.ts';
import type { Lengths } from '../capacity/mix.ts';
import type { DemandBin } from '../model/memory.ts';
import type { EngineProfile } from '../model/profile.ts';

/** Demand over time in requests of the present mix per second; seconds before `now`, oldest first. */
export interface Series {
  /** Seconds, increasing, the last at or before 0. */
  readonly t: Float64Array;
  readonly y: Float64Array;
  /** sum[i] = y[0] + ... + y[i - 1]. */
  readonly sum: Float64Array;
  readonly length: number;
}

/** What one prompt token and one output token cost, in any common unit. */
export interface TokenCosts {
  readonly prompt: number;
  readonly output: number;
}

/** Without a profile an output token is taken to cost as much as four prompt tokens: decoding is bound by memory, prefill by compute. */
const withoutProfile: TokenCosts = { prompt: 1, output: 4 };

export function tokenCosts(profile: EngineProfile | undefined, lengths: Lengths): TokenCosts {
  if (profile === undefined) return withoutProfile;
  const read = profile.gamma * meanContext(lengths) + profile.delta;
  return { prompt: profile.beta, output: profile.beta + read };
}

/**
 * Bins as work: tokens weighed by their cost, in units of one mean request of the present mix. So longer prompts at the same number of
 * requests are more demand, and the lumps of long prompts count in the forecast's error. How long the answers of a bin would become was not
 * known when it closed: they are taken at the present mean.
 */
export function seriesOf(bins: readonly DemandBin[], lengths: Lengths, costs: TokenCosts, nowMs: number): Series {
  const length = bins.length;
  const t = new Float64Array(length);
  const y = new Float64Array(length);
  const sum = new Float64Array(length + 1);
  const perRequest = costs.prompt * lengths.uncachedPrompt + costs.output * lengths.output;
  for (let i = 0; i < length; i++) {
    const bin = bins[i];
    if (bin === undefined) continue;
    t[i] = (bin.at - nowMs) / 1000;
    const answers = bin.requestsPerSecond * lengths.output;
    const value = (costs.prompt * bin.promptTokensPerSecond + costs.output * answers) / perRequest;
    y[i] = value;
    sum[i + 1] = (sum[i] ?? 0) + value;
  }
  return { t, y, sum, length };
}

/** Mean over bins from..to (to excluded). */
export function meanOf(series: Series, from: number, to: number): number {
  return ((series.sum[to] ?? 0) - (series.sum[from] ?? 0)) / Math.max(1, to - from);
}
