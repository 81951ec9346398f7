interface Flight {
  readonly controller: AbortController;
  readonly done: Promise<void>;
  riders: number;
}

/** One run per key at a time: who asks meanwhile shares it. The run is aborted when nobody waits for it any more. */
export class Singleflight {
  readonly #flights = new Map<string, Flight>();

  async ride(key: string, run: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const flight = await this.#board(key, run);
    flight.riders += 1;
    try {
      await until(flight.done, signal);
    } finally {
      flight.riders -= 1;
      if (flight.riders === 0) {
        flight.controller.abort(signal.reason);
        await flight.done.catch(() => undefined); // two runs of one key never overlap
      }
    }
  }

  /** A flight that nobody rides any more is on its way down: the next one starts when it has ended. */
  async #board(key: string, run: (signal: AbortSignal) => Promise<void>): Promise<Flight> {
    for (;;) {
      const flight = this.#flights.get(key);
      if (flight === undefined) return this.#start(key, run);
      if (!flight.controller.signal.aborted) return flight;
      await flight.done.catch(() => undefined);
    }
  }

  #start(key: string, run: (signal: AbortSignal) => Promise<void>): Flight {
    const controller = new AbortController();
    const done = run(controller.signal).finally(() => this.#flights.delete(key));
    done.catch(() => undefined); // each rider gets the failure from its own wait
    const flight: Flight = { controller, done, riders: 0 };
    this.#flights.set(key, flight);
    return flight;
  }
}

function until(done: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    done.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
