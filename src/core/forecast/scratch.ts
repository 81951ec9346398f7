/** Arrays of numbers cut from one block: a forecast needs some thirty, and a thousand pools would ask the allocator for each. */
export class Scratch {
  #block: Float64Array;
  #used = 0;

  constructor(size: number) {
    this.#block = new Float64Array(size);
  }

  /** `length` zeros of its own. */
  take(length: number): Float64Array {
    if (this.#used + length > this.#block.length) {
      this.#block = new Float64Array(Math.max(length, this.#block.length));
      this.#used = 0;
    }
    const end = this.#used + length;
    const taken = this.#block.subarray(this.#used, end);
    this.#used = end;
    return taken;
  }
}
