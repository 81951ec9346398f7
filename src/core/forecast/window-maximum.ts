/** Largest value of a window that slides down over `values`: candidates, each smaller and farther on than the one before. */
export class WindowMaximum {
  readonly #values: Float64Array;
  readonly #queue: Float64Array;
  #head = 0;
  #tail = 0;

  /** `room`: one place for each index that will be pushed. */
  constructor(values: Float64Array, room: Float64Array) {
    this.#values = values;
    this.#queue = room;
  }

  /** Takes in index i, one below the last. */
  push(i: number): void {
    const value = this.#at(i);
    while (this.#tail > this.#head && this.#at(this.#queue[this.#tail - 1]) <= value) this.#tail--;
    this.#queue[this.#tail++] = i;
  }

  /** The largest value up to index `end`; NaN when none is left. Ends only fall. */
  upTo(end: number): number {
    while (this.#head < this.#tail && (this.#queue[this.#head] ?? 0) > end) this.#head++;
    return this.#head < this.#tail ? this.#at(this.#queue[this.#head]) : Number.NaN;
  }

  #at(i: number | undefined): number {
    return this.#values[i ?? 0] ?? 0;
  }
}
