import { type Agenda, type Cancel, priorities } from './agenda.ts';

/** An image or weights on their way to a node, or there. */
export interface Download {
  isDone(nowMs: number): boolean;
  /** Acts when it is done: now where it already is. */
  after(nowMs: number, act: (atMs: number) => void): Cancel;
  /** Whether it is known to be done only after this time. */
  isLaterThan(atMs: number): boolean;
  /** Nobody needs it any more. */
  cancel(): void;
}

/** Alone on its way: when it ends is known from the beginning. */
export class TimedDownload implements Download {
  readonly #agenda: Agenda;
  readonly #readyMs: number;

  constructor(agenda: Agenda, readyMs: number) {
    this.#agenda = agenda;
    this.#readyMs = readyMs;
  }

  isDone(nowMs: number): boolean {
    return this.#readyMs <= nowMs;
  }

  after(nowMs: number, act: (atMs: number) => void): Cancel {
    return this.#agenda.schedule(Math.max(nowMs, this.#readyMs), priorities.lifecycle, act);
  }

  isLaterThan(atMs: number): boolean {
    return this.#readyMs > atMs;
  }

  cancel(): void {
    // Nothing waits for it: it had no event of its own.
  }
}

/** One among transfers that slow each other: it is done when it says so. */
export class SharedDownload implements Download {
  readonly #agenda: Agenda;
  readonly #stop: Cancel;
  #waiting: readonly ((atMs: number) => void)[] = [];
  #isDone = false;

  /** `begin` is given what to call at the end, and answers how to stop. */
  constructor(agenda: Agenda, begin: (done: (atMs: number) => void) => Cancel) {
    this.#agenda = agenda;
    this.#stop = begin((atMs) => this.#finish(atMs));
  }

  isDone(): boolean {
    return this.#isDone;
  }

  after(nowMs: number, act: (atMs: number) => void): Cancel {
    if (this.#isDone) return this.#agenda.schedule(nowMs, priorities.lifecycle, act);
    this.#waiting = [...this.#waiting, act];
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== act);
    };
  }

  isLaterThan(): boolean {
    return false;
  }

  cancel(): void {
    this.#stop();
  }

  #finish(atMs: number): void {
    this.#isDone = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const act of waiting) act(atMs);
  }
}
