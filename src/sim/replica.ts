import type { EngineProfile } from '../core/model/profile.ts';
import { Counters, type ReplicaSnapshot } from './engine/counters.ts';
import { Decoders } from './engine/decoders.ts';
import { IterationTime, ramp, rampWithin } from './engine/iteration-time.ts';
import type { LatencyHistograms } from './engine/latency-histograms.ts';
import type { LogHistogram } from './engine/log-histogram.ts';
import { KvBlocks } from './engine/kv-blocks.ts';
import { noPrefix, Sequence } from './engine/sequence.ts';
import { WaitQueue } from './engine/wait-queue.ts';

export type { ReplicaSnapshot } from './engine/counters.ts';

export interface ReplicaRequest {
  readonly id: number;
  readonly promptTokens: number;
  /** At least 1. Known to the engine only by the end of the answer. */
  readonly outputTokens: number;
  /** Tokens of the prompt that the prefix cache holds: not computed, but their blocks are taken. */
  readonly cachedTokens?: number;
  /** The prompt was computed elsewhere and its KV came with it: `cachedTokens` are lost when the request is preempted. */
  readonly isImported?: boolean;
  /** Numbers of the blocks that the prompt begins with: an engine with a prefix cache finds by them what it holds, whatever `cachedTokens` says. */
  readonly prefix?: Int32Array | undefined;
}

/** Told at the exact times, in order; `atMs` is the end of the iteration (without tau0). */
export interface ReplicaObserver {
  firstToken(id: number, atMs: number): void;
  finished(id: number, atMs: number): void;
}

export interface ReplicaOptions {
  readonly profile: EngineProfile;
  readonly observer: ReplicaObserver;
  readonly startMs: number;
  /** Collects every gap between two tokens of a request, milliseconds. */
  readonly itl?: LogHistogram;
  /** The engine's own latency histograms, for policies that read them. */
  readonly histograms?: LatencyHistograms | undefined;
  /** The engine caches prefixes, known by blocks of so many tokens: a multiple of the profile's `blockTokens`. */
  readonly prefixBlockTokens?: number | undefined;
}

const never = Number.POSITIVE_INFINITY;

/**
 * One engine: continuous batching with chunked prefill, KV blocks, first come first served, preemption by recomputation of the youngest. Its
 * state is that of the last finished iteration; the iteration that runs across `now` is held in `#endMs` until time has passed it, so that
 * nobody sees a token before it exists. Runs of pure decode iterations are taken in one exact step. Time comes from the caller.
 */
export class Replica {
  readonly #profile: EngineProfile;
  readonly #observer: ReplicaObserver;
  readonly #time: IterationTime;
  readonly #itl: LogHistogram | undefined;
  readonly histograms: LatencyHistograms | undefined;
  readonly #counters: Counters;
  readonly #kv: KvBlocks;
  readonly #queue = new WaitQueue();
  readonly #decoders: Decoders;
  /** Whose prefill ends with the running iteration. */
  readonly #joining: Sequence[] = [];
  readonly #spare: Sequence[] = [];
  /** The one sequence whose prefill goes on; the youngest that runs. */
  #partial: Sequence | undefined = undefined;
  /** End of the last finished iteration, and of the one that runs (-1: none). */
  #clockMs: number;
  #endMs = -1;
  #busyMs = 0;
  #isDraining = false;
  #admissions = 0;
  #nextChangeMs = never;

  constructor(options: ReplicaOptions) {
    const { profile } = options;
    if (profile.maxBatchedTokens < profile.maxNumSeqs) {
      throw new RangeError(`maxBatchedTokens must be at least maxNumSeqs, was ${profile.maxBatchedTokens}`);
    }
    this.#profile = profile;
    this.#observer = options.observer;
    this.#itl = options.itl;
    this.histograms = options.histograms;
    this.#counters = new Counters(profile.tau0, options.itl, options.histograms);
    this.#time = new IterationTime(profile);
    this.#decoders = new Decoders(profile.blockTokens);
    this.#kv = new KvBlocks(profile, options.prefixBlockTokens);
    this.#clockMs = options.startMs;
  }

  /** Requests that wait or run. */
  get inFlight(): number {
    return this.#queue.length + this.running;
  }

  get running(): number {
    return this.#decoders.count + this.#joining.length + (this.#partial === undefined ? 0 : 1);
  }

  /** Blocks that no request uses; cached ones of requests that are done are among them. */
  get freeBlocks(): number {
    return this.#kv.free;
  }

  /** Milliseconds in which iterations ran, the part of the one that runs included. The engine must have been brought to `nowMs`. */
  busyMs(nowMs: number): number {
    return this.#busyMs + (this.#endMs < 0 ? 0 : Math.max(0, nowMs - this.#clockMs));
  }

  /** Nothing is finished before this time unless something is submitted; Infinity when idle. */
  get nextChangeMs(): number {
    return this.#nextChangeMs;
  }

  /** Whether a request of this size can ever be served: its last token needs all others in the cache. */
  fits(promptTokens: number, outputTokens: number): boolean {
    return this.#kv.blocks(promptTokens + outputTokens - 1) <= this.#kv.total;
  }

  /** Puts a request in the queue. False: refused, because it is too long for the cache or because the engine drains. */
  submit(request: ReplicaRequest, atMs: number): boolean {
    this.advance(atMs);
    if (this.#isDraining || !this.fits(request.promptTokens, request.outputTokens)) return false;
    const sequence = this.#spare.pop() ?? new Sequence();
    sequence.reset();
    sequence.id = request.id;
    sequence.submittedMs = atMs;
    sequence.promptTokens = request.promptTokens;
    sequence.outputTokens = request.outputTokens;
    sequence.cachedTokens = Math.max(0, Math.min(request.cachedTokens ?? 0, request.promptTokens - 1));
    sequence.isImported = request.isImported === true;
    sequence.prefix = request.prefix ?? noPrefix;
    sequence.target = request.promptTokens;
    this.#queue.push(sequence);
    if (this.#endMs < 0) this.#nextChangeMs = this.#clockMs;
    else if (this.#isHeadAdmissible()) this.#nextChangeMs = this.#endMs;
    return true;
  }

  /** Lets time pass: afterwards every iteration that ended by `untilMs` is done. */
  advance(untilMs: number): void {
    if (this.#endMs < 0 && this.inFlight === 0) {
      if (untilMs > this.#clockMs && untilMs < never) this.#clockMs = untilMs;
      return;
    }
    while (this.#advanceOnce(untilMs));
    this.#nextChangeMs = this.#earliestChange();
  }

  /** Takes no more requests; what it has is served. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Stops at once: the ids of the requests that are lost. Oldest first. */
  kill(): readonly number[] {
    const lost = [...this.#decoders, ...this.#joining, ...(this.#partial === undefined ? [] : [this.#partial])];
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) lost.push(next);
    this.#isDraining = true;
    this.#nextChangeMs = never;
    return lost.map((sequence) => sequence.id);
  }

  snapshot(): ReplicaSnapshot {
    return {
      ...this.#counters.read(),
      waiting: this.#queue.length,
      running: this.running,
      kvUse: this.#kv.total === 0 ? 0 : 1 - this.#kv.free / this.#kv.total,
      kvCapacityTokens: this.#kv.total * this.#profile.blockTokens,
      maxRunning: this.#profile.maxNumSeqs,
    };
  }

  /** One iteration or one run of them; false when nothing more happens by then. */
  #advanceOnce(untilMs: number): boolean {
    if (this.#endMs >= 0) {
      if (this.#endMs > untilMs) return false;
      this.#finishIteration();
    }
    if (this.inFlight === 0) {
      if (untilMs < never) this.#clockMs = Math.max(this.#clockMs, untilMs);
      return false;
    }
    if (this.#clockMs >= untilMs) return false;
    if (this.#isPureDecode() && this.#fastForward(untilMs)) return true;
    this.#beginIteration();
    return true;
  }

  /** Only decoding goes on, and nobody can be admitted before something ends. */
  #isPureDecode(): boolean {
    return this.#partial === undefined && this.#decoders.count > 0 && !this.#isHeadAdmissible();
  }

  #isHeadAdmissible(): boolean {
    const head = this.#queue.first;
    if (head === undefined || this.#decoders.count >= this.#profile.maxNumSeqs) return false;
    const budget = this.#profile.maxBatchedTokens - this.#decoders.count;
    return budget > 0 && this.#kv.toAdmit(head, budget) <= this.#kv.free;
  }

  #fastForward(untilMs: number): boolean {
    const decoders = this.#decoders;
    const count = decoders.count;
    const first = this.#time.decode(count, decoders.context);
    const step = this.#time.gamma * count;
    const room = this.#kv.roomForRun(this.#queue.first);
    const limit = Math.min(decoders.iterationsToFinish(), decoders.iterationsWithin(room));
    const iterations = rampWithin(first, step, untilMs - this.#clockMs, limit);
    if (iterations === 0) return false;
    const span = ramp(first, step, iterations);
    this.#kv.take(decoders.blocksFor(iterations));
    decoders.advance(iterations);
    this.#clockMs += span;
    this.#busyMs += span;
    this.#counters.decodedRun(count, iterations, span);
    this.#itl?.addRamp(first, step, iterations, count);
    this.histograms?.interTokenLatency.addRamp({ from: first, step, count: iterations }, count);
    this.#completeDecoders();
    return true;
  }

  /** Schedules in the engine's order: who decodes, the unfinished prefill, then admission; the length is then known. */
  #beginIteration(): void {
    const evicted = this.#makeRoomToDecode();
    const decoding = this.#decoders.count;
    this.#kv.take(this.#decoders.blocksFor(1));
    const batch = { tokens: decoding, context: this.#decoders.context, sequences: decoding, admitted: 0, square: 0 };
    const isShort = this.#continuePartial(batch);
    if (!evicted && !isShort) this.#admit(batch);
    const { tokens, context, sequences, admitted, square } = batch;
    this.#endMs = this.#clockMs + this.#time.mixed({ tokens, context, sequences, admitted, prefillSquare: square });
  }

  #makeRoomToDecode(): boolean {
    let evicted = false;
    while (this.#decoders.blocksFor(1) > this.#kv.free) {
      const victim = this.#partial ?? this.#decoders.tail;
      if (victim === undefined) break;
      this.#kv.dropIdle();
      this.#preempt(victim);
      evicted = true;
    }
    return evicted;
  }

  /** True when there was no room for the chunk: the sequence is the youngest, so it goes itself. */
  #continuePartial(batch: Batch): boolean {
    const sequence = this.#partial;
    if (sequence === undefined) return false;
    const chunk = Math.min(sequence.target - sequence.computed, this.#profile.maxBatchedTokens - batch.tokens);
    if (this.#kv.toExtend(sequence, chunk) > this.#kv.free) {
      this.#preempt(sequence);
      return true;
    }
    this.#prefill(sequence, chunk, batch);
    return false;
  }

  #admit(batch: Batch): void {
    for (let head = this.#queue.first; head !== undefined; head = this.#queue.first) {
      const budget = this.#profile.maxBatchedTokens - batch.tokens;
      if (budget <= 0 || batch.sequences >= this.#profile.maxNumSeqs) return;
      if (this.#partial !== undefined || this.#kv.toAdmit(head, budget) > this.#kv.free) return;
      this.#queue.shift();
      this.#kv.begin(head);
      head.order = this.#admissions++;
      this.#counters.scheduled(head, this.#clockMs);
      batch.admitted++;
      this.#prefill(head, Math.min(head.target - head.computed, budget), batch);
    }
  }

  #prefill(sequence: Sequence, chunk: number, batch: Batch): void {
    const before = sequence.computed;
    this.#kv.extend(sequence, chunk);
    batch.tokens += chunk;
    batch.context += before;
    batch.sequences++;
    batch.square += chunk * (before + chunk / 2);
    const isDone = sequence.computed === sequence.target;
    this.#partial = isDone ? undefined : sequence;
    if (isDone) this.#joining.push(sequence);
  }

  #preempt(sequence: Sequence): void {
    if (sequence === this.#partial) this.#partial = undefined;
    else this.#decoders.leave(sequence);
    this.#kv.giveBack(sequence);
    sequence.target = sequence.promptTokens + sequence.generated;
    sequence.computed = 0;
    if (sequence.isImported) sequence.cachedTokens = 0;
    if (sequence.generated > 0 && sequence.lastTokenMs < 0) sequence.lastTokenMs = this.#clockMs;
    this.#queue.pushFront(sequence);
    this.#counters.preemptions++;
  }

  #finishIteration(): void {
    const span = this.#endMs - this.#clockMs;
    const count = this.#decoders.count;
    this.#busyMs += span;
    this.#clockMs = this.#endMs;
    this.#endMs = -1;
    if (count > 0) {
      this.#decoders.advance(1);
      this.#counters.decoded(count, span);
      this.#completeDecoders();
    }
    for (const sequence of this.#joining) this.#emitAfterPrefill(sequence);
    this.#joining.length = 0;
  }

  #emitAfterPrefill(sequence: Sequence): void {
    const isFirst = sequence.firstTokenMs < 0;
    this.#counters.prefilled(sequence, this.#clockMs);
    sequence.generated++;
    if (isFirst) {
      sequence.firstTokenMs = this.#clockMs;
      this.#observer.firstToken(sequence.id, this.#clockMs);
    }
    if (sequence.generated < sequence.outputTokens) this.#decoders.join(sequence);
    else this.#complete(sequence);
  }

  #completeDecoders(): void {
    if (this.#kv.hasCache) return this.#completeInOrder();
    for (let done = this.#decoders.takeFinished(); done !== undefined; done = this.#decoders.takeFinished()) {
      this.#complete(done);
    }
  }

  /** What several leave in the cache at the same time is as old as they are. */
  #completeInOrder(): void {
    const all: Sequence[] = [];
    for (let done = this.#decoders.takeFinished(); done !== undefined; done = this.#decoders.takeFinished()) {
      all.push(done);
    }
    if (all.length > 1) all.sort((a, b) => a.order - b.order);
    for (const done of all) this.#complete(done);
  }

  #complete(sequence: Sequence): void {
    this.#kv.giveBack(sequence);
    this.#counters.completed(sequence, this.#clockMs);
    const id = sequence.id;
    this.#spare.push(sequence);
    this.#observer.finished(id, this.#clockMs);
  }

  /** A lower bound, exact while only decoding goes on. */
  #earliestChange(): number {
    if (this.inFlight === 0) return never;
    if (this.#endMs < 0) return this.#clockMs;
    if (this.#partial !== undefined || this.#joining.length > 0 || this.#isHeadAdmissible()) return this.#endMs;
    const decoders = this.#decoders;
    const opened = decoders.blocksFor(1);
    const limit = Math.min(decoders.iterationsToFinish(), decoders.iterationsWithin(this.#kv.free + opened));
    if (limit <= 1) return this.#endMs;
    const second = this.#time.decode(decoders.count, decoders.context + decoders.count);
    return this.#endMs + ramp(second, this.#time.gamma * decoders.count, limit - 1);
  }
}

/** What an iteration has been given so far. */
interface Batch {
  tokens: number;
  context: number;
  sequences: number;
  admitted: number;
  square: number;
}
