/** One request inside an engine. Objects are reused: a replica serves millions. */
export class Sequence {
  id = 0;
  submittedMs = 0;
  promptTokens = 0;
  outputTokens = 0;
  cachedTokens = 0;
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
  /** The engine's decode iteration at which it began to decode, and the one after which it is done. */
  joinClock = 0;
  finishClock = 0;
  previous: Sequence | undefined = undefined;
  next: Sequence | undefined = undefined;

  reset(): void {
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
