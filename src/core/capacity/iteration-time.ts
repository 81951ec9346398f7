import type { EngineProfile } from '../model/profile.ts';
import type { Lengths } from '../signals/mix.ts';

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

/** What the scheduler has in hand: `prompts` new ones an iteration on average, of `chunk` tokens each. */
export interface Batch {
  readonly sequences: number;
  readonly context: number;
  readonly prompts: number;
  readonly chunk: number;
}

/**
 * Mean time of an iteration, ms. Prompts come one by one: of iterations with m prompts on average, e^-m have none and stay at the weight-read
 * floor, the rest have m / (1 - e^-m). (Spreading their tokens evenly would hide them under the floor: 15 % too fast at half load.)
 */
export function iterationMs(profile: EngineProfile, { sequences, context, prompts, chunk }: Batch): number {
  const read = profile.gamma * sequences * context + profile.delta * sequences;
  return profile.alpha + read + computeMs(profile, { sequences, prompts, chunk });
}

function computeMs(
  { w, beta }: EngineProfile,
  { sequences, prompts, chunk }: { readonly sequences: number; readonly prompts: number; readonly chunk: number },
): number {
  const none = Math.exp(-prompts);
  const some = 1 - none;
  const quiet = knee(w, beta * sequences);
  if (some < 1e-9) return quiet;
  return none * quiet + some * knee(w, beta * (sequences + (prompts * chunk) / some));
}

/** Time of prefill attention that grows with the square of a prompt, ms a request. */
export function quadraticMs(profile: EngineProfile, lengths: Lengths): number {
  return profile.gq * lengths.uncachedPrompt * (lengths.cachedPrompt + lengths.uncachedPrompt / 2);
}

export function meanContext(lengths: Lengths): number {
  return lengths.uncachedPrompt + lengths.cachedPrompt + lengths.output / 2;
}

/**
 * Steady state of a replica at `rate` requests/s. By Little's law an iteration of T ms holds r o T decoding sequences and meets r T prompts
 * (r = rate per ms, o output tokens), so T solves T = alpha + compute(r o T, r T) + y T with y = r (gamma (o context + cached) + delta o + kappa
 * + quadratic). Saturated where y + beta r (o + p) >= 1.
 * Llama-3.1-8B on an H100, 1155 prompt and 211 output tokens at 15 requests/s: T = 15 ms, 47 sequences.
 */
export function operatingPoint(profile: EngineProfile, lengths: Lengths, rate: number): OperatingPoint {
  const r = rate / 1000;
  const context = meanContext(lengths);
  const x = profile.beta * r * (lengths.output + lengths.uncachedPrompt);
  const reads = profile.gamma * (lengths.output * context + lengths.cachedPrompt);
  const y = r * (reads + profile.delta * lengths.output + profile.kappa + quadraticMs(profile, lengths));
  const load = x + y;
  if (load >= 1) return { iterationMs: Infinity, load, sequences: Infinity, kvTokens: Infinity };
  const chunk = Math.min(lengths.uncachedPrompt, profile.maxBatchedTokens);
  const prompts = (r * lengths.uncachedPrompt) / chunk;
  const error = (time: number): number =>
    time * (1 - y) -
    profile.alpha -
    computeMs(profile, { sequences: r * lengths.output * time, prompts: prompts * time, chunk });
  const time = root(error, (profile.alpha + profile.w) / (1 - load));
  const sequences = r * lengths.output * time;
  return { iterationMs: time, load, sequences, kvTokens: sequences * context + r * time * lengths.uncachedPrompt };
}

/** Where an increasing function crosses 0 between 0 and `high`: regula falsi, with the stale end halved (Illinois). */
function root(f: (x: number) => number, high: number): number {
  let [a, b] = [0, high];
  let [fa, fb] = [f(a), f(b)];
  if (fb <= 0) return high;
  for (let i = 0; i < 40 && b - a > 1e-6 * b; i++) {
    const x = (a * fb - b * fa) / (fb - fa);
    const fx = f(x);
    if (fx > 0) {
      [b, fb] = [x, fx];
      fa /= 2;
    } else {
      [a, fa] = [x, fx];
      fb /= 2;
    }
    if (Math.abs(fx) < 1e-7 * high) return x;
  }
  return b;
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
