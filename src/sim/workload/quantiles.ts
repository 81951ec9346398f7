import type { RandomStream } from '../rng.ts';

/** A distribution of token counts as its mean and some quantiles. */
export interface Quantiles {
  readonly mean: number;
  /** p5, p25, p50, p75, p95, p99. */
  readonly values: readonly number[];
}

const shares = [0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
const tailShare = 0.01;

/** Draws by the quantiles, straight between them, flat below the first; beyond the last an exponential tail that makes the mean right where one can. */
export class QuantileSampler {
  readonly #values: readonly number[];
  readonly #last: number;
  readonly #tailMean: number;

  constructor({ mean, values }: Quantiles) {
    this.#values = values;
    this.#last = values.at(-1) ?? 1;
    const body = bodyMean(values);
    this.#tailMean = Math.min(9 * this.#last, Math.max(0, (mean - body) / tailShare));
  }

  draw(stream: RandomStream): number {
    const share = stream.uniform();
    const beyond = stream.exponential(1);
    return Math.max(1, Math.round(this.#at(share, beyond)));
  }

  #at(share: number, beyond: number): number {
    const above = shares.findIndex((one) => share < one);
    if (above === 0) return this.#values[0] ?? 1;
    if (above < 0) return this.#last + Math.min(9 * this.#last, beyond * this.#tailMean);
    const [from = 0, to = 1] = [shares[above - 1], shares[above]];
    const [low = 1, high = 1] = [this.#values[above - 1], this.#values[above]];
    return low + ((high - low) * (share - from)) / (to - from);
  }
}

function bodyMean(values: readonly number[]): number {
  const first = values[0] ?? 1;
  const between = values.slice(1).map((value, i) => {
    const weight = (shares[i + 1] ?? 0) - (shares[i] ?? 0);
    return (weight * (value + (values[i] ?? 1))) / 2;
  });
  return between.reduce((sum, part) => sum + part, 0.05 * first + tailShare * (values.at(-1) ?? 1));
}
