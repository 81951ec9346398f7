import type { Sequence } from './sequence.ts';

/** First come, first served; what was preempted goes to the front, the latest preempted first (it is the oldest of one iteration). */
export class WaitQueue {
  readonly #preempted: Sequence[] = [];
  #queue: (Sequence | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#preempted.length + this.#queue.length - this.#head;
  }

  get first(): Sequence | undefined {
    return this.#preempted.at(-1) ?? this.#queue[this.#head];
  }

  push(sequence: Sequence): void {
    this.#queue.push(sequence);
  }

  pushFront(sequence: Sequence): void {
    this.#preempted.push(sequence);
  }

  shift(): Sequence | undefined {
    if (this.#preempted.length > 0) return this.#preempted.pop();
    const first = this.#queue[this.#head];
    if (first === undefined) return undefined;
    this.#queue[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}
