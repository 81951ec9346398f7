/** Who goes first at equal time: a decision must not rewrite the sample that it was based on. */
export const priorities = { lifecycle: 0, arrival: 1, telemetry: 2, policy: 3, timeline: 4 } as const;
export type Priority = (typeof priorities)[keyof typeof priorities];

interface Entry {
  readonly at: number;
  readonly priority: Priority;
  readonly sequence: number;
  readonly act: (at: number) => void;
  isCancelled: boolean;
}

/** Takes an event off the agenda; a second call does nothing. */
export type Cancel = () => void;

/** What happens next: a heap by (time, priority, sequence). Time never goes back. */
export class Agenda {
  readonly #heap: Entry[] = [];
  #sequence = 0;
  #now = 0;

  /** Time of the last event taken, or to which the agenda was moved. */
  get now(): number {
    return this.#now;
  }

  /** @throws RangeError when `at` is earlier than now or not a number. */
  schedule(at: number, priority: Priority, act: (at: number) => void): Cancel {
    if (!(at >= this.#now)) throw new RangeError(`an event must not be earlier than ${this.#now}, was ${at}`);
    const entry: Entry = { at, priority, sequence: this.#sequence++, act, isCancelled: false };
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    return () => {
      entry.isCancelled = true;
    };
  }

  /** Time of the next event; Infinity when there is none. */
  nextAt(): number {
    this.#dropCancelled();
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the next event comes before something of this time and priority. */
  isBefore(at: number, priority: Priority): boolean {
    this.#dropCancelled();
    const first = this.#heap[0];
    if (first === undefined || first.at > at) return false;
    return first.at < at || first.priority < priority;
  }

  /** Performs the next event; false when there is none. */
  step(): boolean {
    this.#dropCancelled();
    const entry = this.#heap[0];
    if (entry === undefined) return false;
    this.#remove();
    this.#now = entry.at;
    entry.act(entry.at);
    return true;
  }

  /** Time passes without an event of the agenda (an arrival of a sorted list). */
  moveTo(at: number): void {
    if (!(at >= this.#now)) throw new RangeError(`time must not go back from ${this.#now}, was ${at}`);
    this.#now = at;
  }

  #dropCancelled(): void {
    while (this.#heap[0]?.isCancelled === true) this.#remove();
  }

  #remove(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #rise(from: number): void {
    let child = from;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfBefore(child, parent)) return;
      child = parent;
    }
  }

  #sink(): void {
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      const right = left + 1;
      const child = right < this.#heap.length && this.#precedes(right, left) ? right : left;
      if (child >= this.#heap.length || !this.#swapIfBefore(child, parent)) return;
      parent = child;
    }
  }

  #precedes(i: number, j: number): boolean {
    const a = this.#heap[i];
    const b = this.#heap[j];
    if (a === undefined || b === undefined) return false;
    if (a.at !== b.at) return a.at < b.at;
    return a.priority !== b.priority ? a.priority < b.priority : a.sequence < b.sequence;
  }

  #swapIfBefore(child: number, parent: number): boolean {
    const a = this.#heap[child];
    const b = this.#heap[parent];
    if (a === undefined || b === undefined || !this.#precedes(child, parent)) return false;
    this.#heap[child] = b;
    this.#heap[parent] = a;
    return true;
  }
}
