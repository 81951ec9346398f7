import type { EngineProfile } from '../../src/core/model/profile.ts';

export interface NaiveRequest {
  readonly id: number;
  readonly atMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}
interface Held extends NaiveRequest {
  computed: number;
  generated: number;
  target: number;
  lastMs: number;
}
export interface NaiveOutcome {
  readonly firstTokenMs: Map<number, number>;
  readonly finishedMs: Map<number, number>;
  readonly gaps: number[];
  preemptions: number;
  iterations: number;
}

/** The engine written down as slowly and plainly as possible: one iteration after the other, one sequence after the other. */
export function naiveEngine(profile: EngineProfile, requests: readonly NaiveRequest[]): NaiveOutcome {
  const engine = new NaiveEngine(profile, requests);
  while (engine.hasWork) engine.iterate();
  return engine.outcome;
}

class NaiveEngine {
  readonly outcome: NaiveOutcome = {
    firstTokenMs: new Map(),
    finishedMs: new Map(),
    gaps: [],
    preemptions: 0,
    iterations: 0,
  };
  readonly #profile: EngineProfile;
  readonly #arriving: NaiveRequest[];
  readonly #waiting: Held[] = [];
  #running: Held[] = [];
  #clock = 0;
  /** Of the present iteration. */
  #chunks = new Map<Held, number>();
  #budget = 0;
  #context = 0;
  #square = 0;

  constructor(profile: EngineProfile, requests: readonly NaiveRequest[]) {
    this.#profile = profile;
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
    this.#clock += alpha + Math.cbrt(w ** 3 + (beta * tokens) ** 3) + gamma * this.#context;
    this.#clock += delta * this.#chunks.size + kappa * admitted + gq * this.#square;
    this.outcome.iterations++;
    for (const held of this.#running) this.#emit(held);
    this.#running = this.#running.filter((held) => held.generated < held.outputTokens);
  }

  #arrive(): void {
    const next = this.#arriving[0];
    if (this.#waiting.length + this.#running.length === 0 && next !== undefined) {
      this.#clock = Math.max(this.#clock, next.atMs);
    }
    const count = this.#arriving.filter(({ atMs }) => atMs <= this.#clock).length;
    for (const request of this.#arriving.splice(0, count)) {
      this.#waiting.push({ ...request, computed: 0, generated: 0, target: request.promptTokens, lastMs: -1 });
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
      const chunk = Math.min(held.target, this.#budget);
      if (this.#blocks(chunk) > this.#free()) break;
      this.#waiting.shift();
      this.#running.push(held);
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
  }

  #evictYoungest(): void {
    const victim = this.#running.pop();
    if (victim === undefined) throw new Error('nothing runs, so nothing can be in the way');
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

  #free(): number {
    const used = this.#running.reduce((sum, held) => sum + this.#blocks(held.computed), 0);
    return Math.floor(this.#profile.kvCapacityTokens / this.#profile.blockTokens) - used;
  }
}
