import type { Sequence } from './sequence.ts';

/**
 * Which decoding sequence is done next. A preempted sequence stays in the heap until it surfaces: it decodes no more, or (once it joined
 * again) has a later clock than its old entry, and is then passed over.
 */
export class FinishHeap {
  readonly #sequences: Sequence[] = [];
  readonly #clocks: number[] = [];

  push(sequence: Sequence): void {
    const clock = sequence.finishClock;
    let child = this.#clocks.length;
    this.#clocks.push(clock);
    this.#sequences.push(sequence);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = this.#clocks[parent] ?? 0;
      if (above <= clock) break;
      this.#place(child, above, this.#sequences[parent] ?? sequence);
      child = parent;
    }
    this.#place(child, clock, sequence);
  }

  /** The sequence that is done first; its entry stays. */
  peek(): Sequence | undefined {
    for (;;) {
      const first = this.#sequences[0];
      if (first === undefined || (first.isDecoding && first.finishClock === this.#clocks[0])) return first;
      this.pop();
    }
  }

  pop(): void {
    const clock = this.#clocks.pop();
    const sequence = this.#sequences.pop();
    if (clock === undefined || sequence === undefined || this.#clocks.length === 0) return;
    let parent = 0;
    for (let child = this.#lesserChild(parent); child >= 0; child = this.#lesserChild(parent)) {
      const below = this.#clocks[child] ?? 0;
      if (below >= clock) break;
      this.#place(parent, below, this.#sequences[child] ?? sequence);
      parent = child;
    }
    this.#place(parent, clock, sequence);
  }

  /** -1 when there is none. */
  #lesserChild(parent: number): number {
    const left = 2 * parent + 1;
    if (left >= this.#clocks.length) return -1;
    const isRightLess = left + 1 < this.#clocks.length && (this.#clocks[left + 1] ?? 0) < (this.#clocks[left] ?? 0);
    return isRightLess ? left + 1 : left;
  }

  #place(index: number, clock: number, sequence: Sequence): void {
    this.#clocks[index] = clock;
    this.#sequences[index] = sequence;
  }
}
