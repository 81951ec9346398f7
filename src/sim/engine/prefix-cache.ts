import type { Sequence } from './sequence.ts';

/** Blocks of one prefix block that is in the cache. */
interface Entry {
  readonly id: number;
  /** Running sequences that use it. Without any it is idle: it stays until its room is needed. */
  uses: number;
  /** Among the idle, from the longest unused to the latest. */
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** What the cache holds of a prompt. */
export interface PrefixHit {
  /** Prefix blocks from the start. */
  blocks: number;
  /** How many of them nobody uses now: to use them takes their room. */
  idle: number;
}

/**
 * Which prefix blocks an engine's KV cache holds. Blocks that running sequences share count once. Idle ones take no room that anybody else
 * needs: they count as free, and the longest unused goes first, the end of a prompt before its start.
 */
export class PrefixCache {
  /** Grows with each change that may change a hit. */
  version = 0;
  idle = 0;
  readonly #entries = new Map<number, Entry>();
  #oldest: Entry | undefined = undefined;
  #newest: Entry | undefined = undefined;

  /** The leading blocks of `prefix` that are here, `most` at most. */
  look(prefix: Int32Array, most: number, hit: PrefixHit): void {
    hit.blocks = 0;
    hit.idle = 0;
    while (hit.blocks < most) {
      const entry = this.#entries.get(prefix[hit.blocks] ?? -1);
      if (entry === undefined) return;
      if (entry.uses === 0) hit.idle++;
      hit.blocks++;
    }
  }

  /** The sequence uses the first `blocks` of its prefix, which are here. */
  claim(sequence: Sequence, blocks: number): void {
    for (let i = 0; i < blocks; i++) {
      const entry = this.#entries.get(sequence.prefix[i] ?? -1);
      if (entry !== undefined && entry.uses++ === 0) this.#unlink(entry);
    }
    sequence.sharedBlocks = blocks;
    sequence.isSharing = true;
    this.version++;
  }

  /** Blocks that the sequence has computed in full become shared, up to one that another sequence brought meanwhile: from there its own stay its own. */
  publish(sequence: Sequence, blocks: number): void {
    const { prefix } = sequence;
    while (sequence.sharedBlocks < blocks && sequence.isSharing) {
      const id = prefix[sequence.sharedBlocks] ?? -1;
      sequence.isSharing = !this.#entries.has(id);
      if (!sequence.isSharing) return;
      this.#entries.set(id, { id, uses: 1, older: undefined, newer: undefined });
      sequence.sharedBlocks++;
      this.version++;
    }
  }

  /** The sequence is done or preempted; answers how many blocks nobody uses any more. */
  release(sequence: Sequence): number {
    let freed = 0;
    for (let i = sequence.sharedBlocks - 1; i >= 0; i--) {
      const entry = this.#entries.get(sequence.prefix[i] ?? -1);
      if (entry === undefined || --entry.uses > 0) continue;
      this.#append(entry);
      freed++;
    }
    sequence.sharedBlocks = 0;
    if (freed > 0) this.version++;
    return freed;
  }

  /** Only so many idle blocks may stay. */
  trim(most: number): void {
    while (this.idle > most && this.#oldest !== undefined) {
      const entry = this.#oldest;
      this.#unlink(entry);
      this.#entries.delete(entry.id);
      this.version++;
    }
  }

  #append(entry: Entry): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.idle++;
  }

  #unlink(entry: Entry): void {
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    this.idle--;
  }
}
