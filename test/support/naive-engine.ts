import type { EngineProfile } from '../../src/core/model/profile.ts';

export interface NaiveRequest {
  readonly id: number;
  readonly atMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly prefix?: Int32Array;
}
interface Held extends NaiveRequest {
  computed: number;
  generated: number;
  target: number;
  lastMs: number;
  /** Prefix blocks it has in common with whoever wants them, from the first. */
  shared: number[];
  isSharing: boolean;
}
export interface NaiveOutcome {
  readonly firstTokenMs: Map<number, number>;
  readonly finishedMs: Map<number, number>;
  readonly gaps: number[];
  /** Tokens of each prompt that were cached when its first token was prefilled. */
  readonly cachedTokens: Map<number, number>;
  /** Free blocks during each iteration. */
  readonly freeBlocks: { readonly fromMs: number; readonly toMs: number; readonly free: number }[];
  evictions: number;
  preemptions: number;
  iterations: number;
}

/** The engine written down as slowly and plainly as possible: one iteration after the other, one sequence after the other. */
export function naiveEngine(
  profile: EngineProfile,
  requests: readonly NaiveRequest[],
  prefixTokens?: number,
): NaiveOutcome {
  const engine = new NaiveEngine(profile, requests, prefixTokens);
  while (engine.hasWork) engine.iterate();
  return engine.outcome;
}

class NaiveEngine {
  readonly outcome: NaiveOutcome = {
    firstTokenMs: new Map(),
    finishedMs: new Map(),
    gaps: [],
    cachedTokens: new Map(),
    freeBlocks: [],
    evictions: 0,
    preemptions: 0,
    iterations: 0,
  };
  readonly #profile: EngineProfile;
  readonly #arriving: NaiveRequest[];
  readonly #waiting: Held[] = [];
  #running: Held[] = [];
  /** Prefix blocks that nobody uses, the longest unused first. */
  readonly #idle: number[] = [];
  readonly #prefixTokens: number | undefined;
  #clock = 0;
  /** Of the present iteration. */
  #chunks = new Map<Held, number>();
  #budget = 0;
  #context = 0;
  #square = 0;

  constructor(profile: EngineProfile, requests: readonly NaiveRequest[], prefixTokens: number | undefined) {
    this.#profile = profile;
    this.#prefixTokens = prefixTokens;
    this.#arriving = [...requests].sort((a, b) => a.atMs - b.atMs);
  }

  get hasWork(): boolean {
    return this.#arriving.length + this.#waiting.length + this.#running.length > 0;
  }

  iterate(): void {
    this.#arrive();
    this.#chunks = new Map();
    this.#budget = this.#profile.maxBatchedTokens;
    this.#context = 0;
    this.#square = 0;
    const before = this.outcome.preemptions;
    for (let i = 0; i < this.#running.length; i++) this.#goOn(this.#running[i]);
    const admitted = this.outcome.preemptions === before ? this.#admit() : 0;
    const { alpha, w, beta, gamma, delta, kappa, gq } = this.#profile;
    const tokens = [...this.#chunks.values()].reduce((sum, chunk) => sum + chunk, 0);
    const fromMs = this.#clock;
    this.#clock += alpha + Math.cbrt(w ** 3 + (beta * tokens) ** 3) + gamma * this.#context;
    this.#clock += delta * this.#chunks.size + kappa * admitted + gq * this.#square;
    this.outcome.iterations++;
    this.outcome.freeBlocks.push({ fromMs, toMs: this.#clock, free: this.#free() });
    for (const held of this.#running) this.#emit(held);
    for (const done of this.#running.filter((held) => held.generated === held.outputTokens)) {
      this.#running = this.#running.filter((held) => held !== done);
      this.#release(done);
    }
  }

  #arrive(): void {
    const next = this.#arriving[0];
    if (this.#waiting.length + this.#running.length === 0 && next !== undefined) {
      this.#clock = Math.max(this.#clock, next.atMs);
    }
    const count = this.#arriving.filter(({ atMs }) => atMs <= this.#clock).length;
    for (const request of this.#arriving.splice(0, count)) {
      const held = { ...request, computed: 0, generated: 0, target: request.promptTokens, lastMs: -1 };
      this.#waiting.push({ ...held, shared: [], isSharing: true });
    }
  }

  /** A running sequence gets its token or its next chunk; who is youngest makes room. */
  #goOn(held: Held | undefined): void {
    if (held === undefined) return;
    const chunk = Math.min(held.target - held.computed, this.#budget);
    const needed = this.#blocks(held.computed + chunk) - this.#blocks(held.computed);
    while (this.#running.includes(held) && needed > this.#free()) this.#evictYoungest();
    if (this.#running.includes(held)) this.#schedule(held, chunk);
  }

  #admit(): number {
    let admitted = 0;
    while (this.#budget > 0 && this.#running.length < this.#profile.maxNumSeqs) {
      const held = this.#waiting[0];
      if (held === undefined) break;
      const hit = this.#cachedOf(held);
      const cached = hit.length * (this.#prefixTokens ?? 0);
      const chunk = Math.min(held.target - cached, this.#budget);
      const used = hit.filter((id) => !this.#idle.includes(id));
      if (this.#blocks(cached + chunk) - this.#blocksOf(used.length) > this.#free()) break;
      this.#waiting.shift();
      this.#running.push(held);
      for (const id of hit) if (this.#idle.includes(id)) this.#idle.splice(this.#idle.indexOf(id), 1);
      Object.assign(held, { shared: hit, isSharing: true, computed: cached });
      if (held.generated === 0) this.outcome.cachedTokens.set(held.id, cached);
      this.#schedule(held, chunk);
      admitted++;
    }
    return admitted;
  }

  #schedule(held: Held, chunk: number): void {
    this.#chunks.set(held, chunk);
    this.#context += held.computed;
    const isDecoding = held.generated > 0 && held.computed + 1 === held.target;
    if (!isDecoding) this.#square += chunk * (held.computed + chunk / 2);
    held.computed += chunk;
    this.#budget -= chunk;
    this.#share(held);
    while (this.#blocksOf(this.#idle.length) > this.#free()) {
      this.#idle.shift();
      this.outcome.evictions++;
    }
  }

  /** The leading blocks of its prefix that are in the cache; the last token of the prompt is always computed. */
  #cachedOf({ prefix, promptTokens }: Held): number[] {
    if (this.#prefixTokens === undefined || prefix === undefined) return [];
    const blocks = Array.from(prefix.subarray(0, Math.floor((promptTokens - 1) / this.#prefixTokens)));
    const end = blocks.findIndex((id) => !this.#isCached(id));
    return end < 0 ? blocks : blocks.slice(0, end);
  }

  #isCached(id: number): boolean {
    return this.#idle.includes(id) || this.#running.some(({ shared }) => shared.includes(id));
  }

  /** Whole blocks of its prompt become common property, up to one that is there already. */
  #share(held: Held): void {
    if (this.#prefixTokens === undefined || held.prefix === undefined) return;
    const whole = Math.floor(Math.min(held.computed, held.promptTokens) / this.#prefixTokens);
    for (const id of held.prefix.slice(held.shared.length, whole)) {
      if (this.#isCached(id)) held.isSharing = false;
      if (held.isSharing) held.shared.push(id);
    }
  }

  #release(held: Held): void {
    const { shared } = held;
    held.shared = [];
    this.#idle.push(...shared.toReversed().filter((id) => !this.#running.some((other) => other.shared.includes(id))));
  }

  #evictYoungest(): void {
    const victim = this.#running.pop();
    if (victim === undefined) throw new Error('nothing runs, so nothing can be in the way');
    this.#release(victim);
    victim.computed = 0;
    this.#waiting.unshift(victim);
    this.outcome.preemptions++;
  }

  #emit(held: Held): void {
    if (!this.#chunks.has(held) || held.computed < held.target) return;
    held.generated++;
    held.target = held.promptTokens + held.generated;
    if (held.lastMs < 0) this.outcome.firstTokenMs.set(held.id, this.#clock);
    else this.outcome.gaps.push(this.#clock - held.lastMs);
    held.lastMs = this.#clock;
    if (held.generated === held.outputTokens) this.outcome.finishedMs.set(held.id, this.#clock);
  }

  #blocks(tokens: number): number {
    return Math.ceil(tokens / this.#profile.blockTokens);
  }

  /** All but the blocks of their own of those that run and, once each, the blocks they share. */
  #free(): number {
    const own = this.#running.map(({ computed, shared }) => this.#blocks(computed) - this.#blocksOf(shared.length));
    const shared = new Set(this.#running.flatMap((held) => held.shared));
    const used = own.reduce((sum, blocks) => sum + blocks, this.#blocksOf(shared.size));
    return Math.floor(this.#profile.kvCapacityTokens / this.#profile.blockTokens) - used;
  }

  #blocksOf(prefixBlocks: number): number {
    return this.#blocks(prefixBlocks * (this.#prefixTokens ?? 0));
  }
}
