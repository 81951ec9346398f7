interface Passer {
  readonly isUrgent: () => boolean;
  /** Asks it to come back later. */
  readonly aside: AbortController;
}

interface Waiting {
  readonly passer: Passer;
  readonly enter: () => void;
}

/**
 * At most so many at once, first come first served. What is urgent goes before the rest and has the way for itself: others step aside while it passes,
 * and begin again behind it.
 */
export class Turnstile {
  readonly #places: number;
  readonly #passing = new Set<Passer>();
  #waiting: readonly Waiting[] = [];
  constructor(places: number) {
    this.#places = places;
  }

  /** `run` must end soon after its signal, and go on where it stopped when it is called again. */
  async pass<T>(
    run: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    isUrgent: () => boolean = () => false,
  ): Promise<T> {
    for (;;) {
      const passer: Passer = { isUrgent, aside: new AbortController() };
      await this.#enter(passer, signal);
      try {
        return await run(AbortSignal.any([signal, passer.aside.signal]));
      } catch (err) {
        if (signal.aborted || !passer.aside.signal.aborted) throw err;
      } finally {
        this.#passing.delete(passer);
        this.review();
      }
    }
  }

  /** Looks again at who may pass: call it when something became urgent, or no longer is. */
  review(): void {
    if (this.#isUrgency()) this.#clearTheWay();
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#leaveQueue(next);
      this.#passing.add(next.passer);
      next.enter();
    }
  }

  async #enter(passer: Passer, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const waiting: Waiting = { passer, enter };
      const giveUp = (): void => {
        this.#leaveQueue(waiting);
        reject(signal.reason);
        this.review();
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting = [...this.#waiting, waiting];
      this.review();
    });
  }

  #leaveQueue(left: Waiting): void {
    this.#waiting = this.#waiting.filter((one) => one !== left);
  }

  #isUrgency(): boolean {
    const all = [...this.#passing, ...this.#waiting.map(({ passer }) => passer)];
    return all.some(({ isUrgent }) => isUrgent());
  }

  #clearTheWay(): void {
    const reason = new Error('something urgent passes');
    for (const { isUrgent, aside } of this.#passing) if (!isUrgent()) aside.abort(reason);
  }

  #next(): Waiting | undefined {
    if (this.#passing.size >= this.#places) return undefined;
    return this.#isUrgency() ? this.#waiting.find(({ passer }) => passer.isUrgent()) : this.#waiting[0];
  }
}
