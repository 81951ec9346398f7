/**
 * Which prompts' beginnings a gateway sent to one replica, as far back as that replica can hold them. The gateway does not see the engine's cache:
 * what was evicted there may still be known here, as in real gateways that route by prefix.
 */
export class PrefixIndex {
  readonly #capacity: number;
  /** Block numbers, the longest unused first. */
  readonly #known = new Set<number>();

  /** `capacity`: prefix blocks that the replica's whole cache holds. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many leading blocks were sent there. */
  matched(prefix: Int32Array): number {
    const end = prefix.findIndex((id) => !this.#known.has(id));
    return end < 0 ? prefix.length : end;
  }

  /** The start of a prompt outlives its end. */
  sent(prefix: Int32Array): void {
    for (let i = prefix.length - 1; i >= 0; i--) {
      const id = prefix[i] ?? 0;
      this.#known.delete(id);
      this.#known.add(id);
    }
    for (const oldest of this.#known) {
      if (this.#known.size <= this.#capacity) return;
      this.#known.delete(oldest);
    }
  }
}

/** Prefix affinity ends at a replica with more than this many times the mean in flight, the new request counted. */
export const mostOverMean = 1.25;
