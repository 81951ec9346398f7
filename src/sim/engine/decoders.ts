import { FinishHeap } from './finish-heap.ts';
import type { Sequence } from './sequence.ts';

/**
 * The sequences that produce one token each iteration, in order of admission. All of them advance together, so one clock says where each
 * stands and an iteration costs the same for 3 as for 300: computed = computed at joining + iterations since.
 */
export class Decoders {
  count = 0;
  /** Tokens in the cache over all of them. */
  context = 0;
  /** Iterations done. */
  clock = 0;
  tail: Sequence | undefined = undefined;
  #head: Sequence | undefined = undefined;
  readonly #blockTokens: number;
  /** How many sequences open a new block in the iteration that begins at a clock of this remainder. */
  readonly #opening: Int32Array;
  readonly #heap = new FinishHeap();

  constructor(blockTokens: number) {
    this.#blockTokens = blockTokens;
    this.#opening = new Int32Array(blockTokens);
  }

  join(sequence: Sequence): void {
    sequence.isDecoding = true;
    sequence.joinClock = this.clock;
    sequence.finishClock = this.clock + sequence.outputTokens - sequence.generated;
    sequence.previous = this.tail;
    sequence.next = undefined;
    if (this.tail === undefined) this.#head = sequence;
    else this.tail.next = sequence;
    this.tail = sequence;
    this.count++;
    this.context += sequence.computed;
    this.#count(sequence, 1);
    this.#heap.push(sequence);
  }

  /** Takes a sequence out and brings its own counts up to date. */
  leave(sequence: Sequence): void {
    this.#count(sequence, -1);
    const decoded = this.clock - sequence.joinClock;
    sequence.computed += decoded;
    sequence.generated += decoded;
    sequence.isDecoding = false;
    this.count--;
    this.context -= sequence.computed;
    if (sequence.previous === undefined) this.#head = sequence.next;
    else sequence.previous.next = sequence.next;
    if (sequence.next === undefined) this.tail = sequence.previous;
    else sequence.next.previous = sequence.previous;
    sequence.previous = undefined;
    sequence.next = undefined;
  }

  /** Every sequence gets `iterations` tokens. */
  advance(iterations: number): void {
    this.clock += iterations;
    this.context += iterations * this.count;
  }

  /** Blocks that the next `iterations` iterations open. */
  blocksFor(iterations: number): number {
    const rounds = Math.floor(iterations / this.#blockTokens);
    let blocks = rounds * this.count;
    for (let i = rounds * this.#blockTokens; i < iterations; i++) blocks += this.#openingAt(i);
    return blocks;
  }

  /** How many iterations fit into so many free blocks. */
  iterationsWithin(freeBlocks: number): number {
    const rounds = Math.floor(freeBlocks / this.count);
    let iterations = rounds * this.#blockTokens;
    let left = freeBlocks - rounds * this.count - this.#openingAt(iterations);
    while (left >= 0) {
      iterations++;
      left -= this.#openingAt(iterations);
    }
    return iterations;
  }

  /** Iterations until the first of them is done; at least 1, Infinity when there is none. */
  iterationsToFinish(): number {
    const first = this.#heap.peek();
    return first === undefined ? Number.POSITIVE_INFINITY : first.finishClock - this.clock;
  }

  /** Takes out a sequence that is done by now. */
  takeFinished(): Sequence | undefined {
    const first = this.#heap.peek();
    if (first === undefined || first.finishClock > this.clock) return undefined;
    this.#heap.pop();
    this.leave(first);
    return first;
  }

  /** All of them, oldest first. */
  *[Symbol.iterator](): Generator<Sequence> {
    for (let at = this.#head; at !== undefined; at = at.next) yield at;
  }

  #openingAt(iterationsAhead: number): number {
    return this.#opening[(this.clock + iterationsAhead) % this.#blockTokens] ?? 0;
  }

  #count(sequence: Sequence, by: number): void {
    const lag = (sequence.joinClock - sequence.computed) % this.#blockTokens;
    const slot = lag < 0 ? lag + this.#blockTokens : lag;
    this.#opening[slot] = (this.#opening[slot] ?? 0) + by;
  }
}
