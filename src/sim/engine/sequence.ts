/** The prefix of a prompt of which nothing is known. */
export const noPrefix: Int32Array = new Int32Array(0);

/** One request inside an engine. Objects are reused: a replica serves millions. */
export class Sequence {
  id = 0;
  submittedMs = 0;
  promptTokens = 0;
  outputTokens = 0;
  /** Of the prompt, found in the prefix cache. */
  cachedTokens = 0;
  isImported = false;
  /** Numbers of the blocks that the prompt begins with. */
  prefix: Int32Array = noPrefix;
  /** How many of them, from the first, it uses together with whoever has the same; its other blocks are its own. */
  sharedBlocks = 0;
  /** Whether the blocks it computes next become shared. */
  isSharing = true;
  /** Tokens to compute before the next token comes out: the prompt, after a preemption also what was generated. */
  target = 0;
  /** Tokens whose keys and values are in the cache; while decoding as of `joinClock`. */
  computed = 0;
  /** Tokens that came out; while decoding as of `joinClock`. */
  generated = 0;
  /** -1 until the first token came out, and until it was scheduled. */
  firstTokenMs = -1;
  lastTokenMs = -1;
  scheduledMs = -1;
  isDecoding = false;
  /** Place in the order of admission. */
  order = 0;
  /** The engine's decode iteration at which it began to decode, and the one after which it is done. */
  joinClock = 0;
  finishClock = 0;
  previous: Sequence | undefined = undefined;
  next: Sequence | undefined = undefined;

  reset(): void {
    this.sharedBlocks = 0;
    this.computed = 0;
    this.generated = 0;
    this.firstTokenMs = -1;
    this.lastTokenMs = -1;
    this.scheduledMs = -1;
    this.isDecoding = false;
    this.previous = undefined;
    this.next = undefined;
  }
}
