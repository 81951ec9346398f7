import type { EngineProfile } from '../../core/model/profile.ts';

/** Scheduled work of one iteration. */
export interface IterationWork {
  /** Tokens: one a decoding sequence and those of prefill chunks. */
  readonly tokens: number;
  /** Context tokens of the scheduled sequences. */
  readonly context: number;
  readonly sequences: number;
  readonly admitted: number;
  /** Sum over prefill chunks of chunk x (context before it + chunk / 2). */
  readonly prefillSquare: number;
}

/** Milliseconds of one iteration of the form in core/model/profile.ts. */
export class IterationTime {
  /** ms per context token. */
  readonly gamma: number;
  readonly #profile: EngineProfile;
  readonly #cube: number;
  /** alpha + knee(n) + delta n for n decoding sequences, computed once for each n. */
  readonly #decode: Float64Array;

  constructor(profile: EngineProfile) {
    this.#profile = profile;
    this.gamma = profile.gamma;
    this.#cube = profile.w ** 3;
    this.#decode = Float64Array.from({ length: profile.maxNumSeqs + 1 }, (_, n) => this.#base(n, n));
  }

  mixed(work: IterationWork): number {
    const { gamma, kappa, gq } = this.#profile;
    const base = this.#base(work.tokens, work.sequences);
    return base + gamma * work.context + kappa * work.admitted + gq * work.prefillSquare;
  }

  /** One iteration in which `count` sequences decode over `context` tokens. */
  decode(count: number, context: number): number {
    return (this.#decode[count] ?? 0) + this.gamma * context;
  }

  #base(tokens: number, sequences: number): number {
    const { alpha, beta, delta } = this.#profile;
    return alpha + Math.cbrt(this.#cube + (beta * tokens) ** 3) + delta * sequences;
  }
}

/** `iterations` decode iterations of which the first takes `first` and each next one `step` more. */
export function ramp(first: number, step: number, iterations: number): number {
  return iterations * first + (step * iterations * (iterations - 1)) / 2;
}

/** How many of them end within `span`; at most `limit`. */
export function rampWithin(first: number, step: number, span: number, limit: number): number {
  if (first > span) return 0;
  if (limit < Number.POSITIVE_INFINITY && ramp(first, step, limit) <= span) return limit;
  const linear = first - step / 2;
  const root = step > 1e-12 ? (Math.sqrt(linear * linear + 2 * step * span) - linear) / step : span / first;
  let count = Math.min(limit, Math.floor(root));
  while (count > 0 && ramp(first, step, count) > span) count--;
  while (count < limit && ramp(first, step, count + 1) <= span) count++;
  return count;
}
