import { type Agenda, type Cancel, priorities } from './agenda.ts';

/** Something that many transfers pass through: so many at full speed, equal shares beyond. */
export class Link {
  readonly streams: number;
  active = 0;

  constructor(streams: number) {
    this.streams = streams;
  }

  /** Of full speed, 0 to 1. */
  get share(): number {
    return this.active <= this.streams ? 1 : this.streams / this.active;
  }
}

interface Transfer {
  readonly links: readonly Link[];
  readonly done: (atMs: number) => void;
  /** At full speed. */
  remainingMs: number;
}

/** Transfers that slow each other: each goes at the smallest share of its links. What a link leaves unused by those slowed elsewhere stays unused. */
export class Transfers {
  readonly #agenda: Agenda;
  #active: readonly Transfer[] = [];
  #lastMs = 0;
  #next: Cancel = () => undefined;

  constructor(agenda: Agenda) {
    this.#agenda = agenda;
  }

  /** `workMs`: how long it takes alone. */
  begin(workMs: number, links: readonly Link[], done: (atMs: number) => void): Cancel {
    this.#progress();
    const transfer: Transfer = { links, done, remainingMs: workMs };
    this.#active = [...this.#active, transfer];
    for (const link of links) link.active++;
    this.#plan();
    return () => {
      if (!this.#active.includes(transfer)) return;
      this.#progress();
      this.#end(transfer);
      this.#plan();
    };
  }

  #progress(): void {
    const { now } = this.#agenda;
    for (const transfer of this.#active) transfer.remainingMs -= (now - this.#lastMs) * speedOf(transfer);
    this.#lastMs = now;
  }

  #plan(): void {
    this.#next();
    const [first] = this.#active;
    if (first === undefined) return;
    const next = this.#active.reduce((best, other) => (leftMs(other) < leftMs(best) ? other : best), first);
    const atMs = this.#agenda.now + leftMs(next);
    this.#next = this.#agenda.schedule(atMs, priorities.lifecycle, (at) => {
      this.#progress();
      this.#end(next);
      this.#plan();
      next.done(at);
    });
  }

  #end(transfer: Transfer): void {
    this.#active = this.#active.filter((other) => other !== transfer);
    for (const link of transfer.links) link.active--;
  }
}

function speedOf({ links }: Transfer): number {
  return Math.min(1, ...links.map(({ share }) => share));
}

function leftMs(transfer: Transfer): number {
  return Math.max(0, transfer.remainingMs) / speedOf(transfer);
}
