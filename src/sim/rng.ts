/**
 * A stream of random numbers, known by its name: what one part of the simulation draws never shifts what another part sees. Same seed and
 * name, same numbers, on every platform (32-bit integer arithmetic; logarithm and cosine only in the derived draws).
 */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, name: string) {
    this.#a = hash(`${seed}`, 0x9e3779b9);
    this.#b = hash(name, 0x85ebca6b);
    this.#c = hash(`${name}/${seed}`, 0xc2b2ae35);
    for (let i = 0; i < 12; i++) this.#next();
  }

  /** From 0 to 1, never 1; 32 bits. */
  uniform(): number {
    return this.#next() / 4_294_967_296;
  }

  /** An integer from 0 to `n` - 1. */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  /** Standard normal (Box-Muller, one of the pair). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** `sigma` is the standard deviation of the logarithm. */
  lognormal(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal());
  }

  #next(): number {
    // sfc32: three words of state and a counter.
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

/** FNV-1a with a final mix. */
function hash(text: string, basis: number): number {
  let h = basis;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) | 0;
}
