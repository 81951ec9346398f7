import type { EngineProfile } from '../../core/model/profile.ts';
import { PrefixCache, type PrefixHit } from './prefix-cache.ts';
import type { Sequence } from './sequence.ts';

/**
 * Whose an engine's KV blocks are. With a prefix cache, blocks that prompts share count once, and idle ones (of prompts that are done) count as
 * free until their room is taken. Always: free + own blocks of sequences + shared blocks in use = all.
 */
export class KvBlocks {
  readonly total: number;
  free: number;
  readonly #blockTokens: number;
  readonly #cache: PrefixCache | undefined;
  readonly #prefixTokens: number;
  /** KV blocks of one prefix block. */
  readonly #prefixBlocks: number;
  /** What the cache holds of the prompt of `#hitOf`, as of `#hitVersion`. */
  readonly #hit: PrefixHit = { blocks: 0, idle: 0 };
  #hitOf: Sequence | undefined = undefined;
  #hitVersion = -1;

  constructor({ kvCapacityTokens, blockTokens }: EngineProfile, prefixTokens: number | undefined) {
    this.total = Math.floor(kvCapacityTokens / blockTokens);
    this.free = this.total;
    this.#blockTokens = blockTokens;
    this.#prefixTokens = prefixTokens ?? 0;
    this.#prefixBlocks = this.#prefixTokens / blockTokens;
    this.#cache = prefixTokens === undefined ? undefined : new PrefixCache();
    if (!Number.isInteger(this.#prefixBlocks)) {
      throw new RangeError(`prefixBlockTokens must be a multiple of ${blockTokens}, was ${this.#prefixTokens}`);
    }
  }

  get hasCache(): boolean {
    return this.#cache !== undefined;
  }

  blocks(tokens: number): number {
    return Math.ceil(tokens / this.#blockTokens);
  }

  /** Free blocks that the next chunk of a waiting sequence takes, at most `budget` tokens. */
  toAdmit(sequence: Sequence, budget: number): number {
    if (this.#cache !== undefined && sequence.prefix.length > 0) return this.#toAdmitShared(sequence, budget);
    const chunk = Math.min(sequence.target - sequence.cachedTokens, budget);
    return this.blocks(sequence.cachedTokens + chunk);
  }

  /** Gives an admitted sequence what is cached of its prompt. */
  begin(sequence: Sequence): void {
    if (this.#cache === undefined || sequence.prefix.length === 0) {
      sequence.computed = sequence.cachedTokens;
      this.take(this.blocks(sequence.cachedTokens));
      return;
    }
    const { blocks, idle } = this.#look(sequence);
    this.#hitOf = undefined;
    this.#cache.claim(sequence, blocks);
    sequence.cachedTokens = blocks * this.#prefixTokens;
    sequence.computed = sequence.cachedTokens;
    this.take(idle * this.#prefixBlocks);
  }

  /** Blocks that a chunk adds to a sequence. */
  toExtend(sequence: Sequence, chunk: number): number {
    return this.blocks(sequence.computed + chunk) - this.blocks(sequence.computed);
  }

  /** Takes the blocks of a chunk; those of the prefix that are whole now can be shared from now on. */
  extend(sequence: Sequence, chunk: number): void {
    const taken = this.toExtend(sequence, chunk);
    sequence.computed += chunk;
    if (this.#cache !== undefined && sequence.prefix.length > 0) {
      const whole = Math.floor(Math.min(sequence.computed, sequence.promptTokens) / this.#prefixTokens);
      this.#cache.publish(sequence, Math.min(whole, sequence.prefix.length));
    }
    this.take(taken);
  }

  /** Idle prefix blocks go when their room is needed. */
  take(blocks: number): void {
    this.free -= blocks;
    if (this.#cache !== undefined) this.#cache.trim(Math.floor(this.free / this.#prefixBlocks));
  }

  /** Older sequences took all that was free before a younger one is preempted. */
  dropIdle(): void {
    this.#cache?.trim(0);
  }

  /** All blocks of a sequence that is done or preempted. */
  giveBack(sequence: Sequence): void {
    this.free += this.blocks(sequence.computed);
    if (this.#cache === undefined) return;
    const shared = sequence.sharedBlocks;
    this.free -= (shared - this.#cache.release(sequence)) * this.#prefixBlocks;
  }

  /**
   * Blocks that a run of decode iterations may take before the head of the queue could become admissible: it may once it loses idle blocks of
   * its own prompt, as it then asks for less at a time.
   */
  roomForRun(head: Sequence | undefined): number {
    if (this.#cache === undefined || head === undefined) return this.free;
    if (head.prefix.length === 0 || this.#look(head).idle === 0) return this.free;
    return this.free - this.#cache.idle * this.#prefixBlocks;
  }

  /** Idle blocks count: to use them takes them out of what is free. */
  #toAdmitShared(sequence: Sequence, budget: number): number {
    const { blocks, idle } = this.#look(sequence);
    const cached = blocks * this.#prefixTokens;
    const chunk = Math.min(sequence.target - cached, budget);
    return this.blocks(cached + chunk) - (blocks - idle) * this.#prefixBlocks;
  }

  /** What the cache holds of a waiting prompt; its last token is always computed. */
  #look(sequence: Sequence): PrefixHit {
    const cache = this.#cache;
    if (cache === undefined || (this.#hitOf === sequence && this.#hitVersion === cache.version)) return this.#hit;
    const most = Math.floor((sequence.promptTokens - 1) / this.#prefixTokens);
    cache.look(sequence.prefix, Math.min(most, sequence.prefix.length), this.#hit);
    this.#hitOf = sequence;
    this.#hitVersion = cache.version;
    return this.#hit;
  }
}
