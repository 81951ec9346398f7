import type { EngineProfile } from '../model/profile.ts';
import type { Lengths } from './mix.ts';

/** What an engine's scheduler is doing in a steady state. */
export interface OperatingPoint {
  /** Mean time of an iteration, ms: the mean inter-token latency. `Infinity` beyond saturation. */
  readonly iterationMs: number;
  /** Share of the engine's time that the load asks for, 0 to 1 and above. */
  readonly load: number;
  /** Requests being decoded. */
  readonly sequences: number;
  /** Tokens resident in the KV cache. */
  readonly kvTokens: number;
}

/** w and beta n meet in a smooth maximum: reading weights hides compute until compute is longer. */
export function knee(w: number, compute: number): number {
  return Math.cbrt(w * w * w + compute * compute * compute);
}

/** Time of one iteration, ms, of `sequences` decoding with `context` tokens each and `prefill` prompt tokens beside them. */
export function iterationMs(
  profile: EngineProfile,
  batch: { readonly sequences: number; readonly context: number; readonly prefill: number },
): number {
  const compute = profile.beta * (batch.sequences + batch.prefill);
  const read = profile.gamma * batch.sequences * batch.context;
  return profile.alpha + knee(profile.w, compute) + read + profile.delta * batch.sequences;
}

/** Time of prefill attention that grows with the square of a prompt, ms a request. */
export function quadraticMs(profile: EngineProfile, lengths: Lengths): number {
  return profile.gq * lengths.uncachedPrompt * (lengths.cachedPrompt + lengths.uncachedPrompt / 2);
}

export function meanContext(lengths: Lengths): number {
  return lengths.uncachedPrompt + lengths.cachedPrompt + lengths.output / 2;
}

/**
 * Steady state of a replica at `rate` requests/s. By Little's law an iteration of T ms holds r o T decoding sequences and r p T prompt tokens
 * (r = rate per ms, p uncached prompt, o output), so T solves T = alpha + knee(w, x T) + y T with x = beta r (o + p) and
 * y = r (gamma (o context + cached) + delta o + kappa + quadratic). Saturated where x + y >= 1.
 * Llama-3.1-8B on an H100, 1155 prompt and 211 output tokens at 15 requests/s: x = 0.51, y = 0.24, T = 12 ms, 37 sequences.
 */
export function operatingPoint(profile: EngineProfile, lengths: Lengths, rate: number): OperatingPoint {
  const r = rate / 1000;
  const context = meanContext(lengths);
  const x = profile.beta * r * (lengths.output + lengths.uncachedPrompt);
  const reads = profile.gamma * (lengths.output * context + lengths.cachedPrompt);
  const y = r * (reads + profile.delta * lengths.output + profile.kappa + quadraticMs(profile, lengths));
  const load = x + y;
  if (load >= 1) return { iterationMs: Infinity, load, sequences: Infinity, kvTokens: Infinity };
  const time = solve(profile, x, y);
  const sequences = r * lengths.output * time;
  return { iterationMs: time, load, sequences, kvTokens: sequences * context + r * time * lengths.uncachedPrompt };
}

/** Root of T (1 - y) - alpha - knee(w, x T): increasing and concave, so Newton from the right end converges from one side. */
function solve({ alpha, w }: EngineProfile, x: number, y: number): number {
  let time = (alpha + w) / (1 - x - y);
  for (let i = 0; i < 30; i++) {
    const curve = knee(w, x * time);
    const slope = 1 - y - (curve === 0 ? 0 : (x * x * x * time * time) / (curve * curve));
    const next = time - (time * (1 - y) - alpha - curve) / slope;
    if (Math.abs(next - time) < 1e-6 * time) return next;
    time = next;
  }
  return time;
}

/** The same engine with every time multiplied by `factor` (observed / predicted). */
export function scaled(profile: EngineProfile, factor: number): EngineProfile {
  if (factor === 1) return profile;
  return {
    ...profile,
    alpha: profile.alpha * factor,
    w: profile.w * factor,
    beta: profile.beta * factor,
    gamma: profile.gamma * factor,
    delta: profile.delta * factor,
    kappa: profile.kappa * factor,
    gq: profile.gq * factor,
  };
}
