import { type Agenda, type Cancel, priorities } from './agenda.ts';
import type { SimPod } from './pod.ts';
import type { Replica, ReplicaRequest } from './replica.ts';
import type { Scenario } from './scenario.ts';

export interface GatewayOptions {
  readonly scenario: Scenario;
  readonly agenda: Agenda;
  readonly shed: (id: number) => void;
}

interface Held {
  readonly request: ReplicaRequest;
  readonly sinceMs: number;
}

interface Backend {
  readonly pod: SimPod;
  readonly engine: Replica;
}

/** The pool's gateway: sends each request to a ready replica, holds it while it may not, sheds what waited too long. */
export class Gateway {
  readonly #options: GatewayOptions;
  #backends: Backend[] = [];
  #held: Held[] = [];
  #head = 0;
  #turn = 0;
  #requests = 0;
  #expiry: Cancel | undefined = undefined;
  #wake: Cancel | undefined = undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  get queued(): number {
    return this.#held.length - this.#head;
  }

  /** All requests that ever came. */
  get requestsTotal(): number {
    return this.#requests;
  }

  add(pod: SimPod, engine: Replica, nowMs: number): void {
    this.#backends = [...this.#backends, { pod, engine }];
    this.#dispatch(nowMs);
  }

  remove(pod: SimPod): void {
    this.#backends = this.#backends.filter((backend) => backend.pod !== pod);
  }

  offer(request: ReplicaRequest, nowMs: number): void {
    this.#requests++;
    const engine = this.queued === 0 ? this.#choose(nowMs) : undefined;
    if (engine !== undefined) return this.#send(engine, request, nowMs);
    if (this.queued >= this.#options.scenario.gatewayQueueLimit) return this.#options.shed(request.id);
    this.#held.push({ request, sinceMs: nowMs });
    if (this.queued === 1) this.#watch(nowMs);
  }

  #send(engine: Replica, request: ReplicaRequest, nowMs: number): void {
    if (!engine.submit(request, nowMs)) this.#options.shed(request.id);
  }

  #choose(nowMs: number): Replica | undefined {
    const count = this.#backends.length;
    if (count === 0) return undefined;
    const turn = this.#turn++ % count;
    if (this.#options.scenario.routing === 'RoundRobin') return this.#nextInTurn(turn, nowMs);
    const engine = this.#leastLoaded(turn, nowMs);
    return engine === undefined || this.#isHeldBack(engine) ? undefined : engine;
  }

  #nextInTurn(turn: number, nowMs: number): Replica | undefined {
    const count = this.#backends.length;
    for (let i = 0; i < count; i++) {
      const engine = this.#backends[(turn + i) % count]?.engine;
      if (engine === undefined) continue;
      if (engine.nextChangeMs <= nowMs) engine.advance(nowMs);
      if (!this.#isHeldBack(engine)) return engine;
    }
    return undefined;
  }

  /** Equal loads are broken in turn, so that nobody is always first. */
  #leastLoaded(turn: number, nowMs: number): Replica | undefined {
    let best: Replica | undefined;
    let least = Number.POSITIVE_INFINITY;
    const count = this.#backends.length;
    for (let i = 0; i < count; i++) {
      const engine = this.#backends[(turn + i) % count]?.engine;
      if (engine === undefined) continue;
      if (engine.nextChangeMs <= nowMs) engine.advance(nowMs);
      const load = engine.inFlight;
      if (load >= least) continue;
      least = load;
      best = engine;
    }
    return best;
  }

  #isHeldBack(engine: Replica): boolean {
    const { gatewayHolds, profile } = this.#options.scenario;
    return gatewayHolds === 'AllFull' && engine.inFlight >= profile.maxNumSeqs;
  }

  /** Sends what is held for as long as somebody takes it. */
  #dispatch(nowMs: number): void {
    while (this.queued > 0) {
      const engine = this.#choose(nowMs);
      const held = this.#held[this.#head];
      if (engine === undefined || held === undefined) break;
      this.#dropHead();
      this.#send(engine, held.request, nowMs);
    }
    this.#watch(nowMs);
  }

  #expire(nowMs: number): void {
    const timeoutMs = this.#options.scenario.gatewayTimeoutSeconds * 1000;
    for (let held = this.#held[this.#head]; held !== undefined && held.sinceMs + timeoutMs <= nowMs; ) {
      this.#dropHead();
      this.#options.shed(held.request.id);
      held = this.#held[this.#head];
    }
    this.#watch(nowMs);
  }

  /** While something is held: looks again when it times out, and when a full replica may have room. */
  #watch(nowMs: number): void {
    this.#expiry?.();
    this.#wake?.();
    const first = this.#held[this.#head];
    if (first === undefined) return;
    const { agenda, scenario } = this.#options;
    const expiresMs = Math.max(nowMs, first.sinceMs + scenario.gatewayTimeoutSeconds * 1000);
    this.#expiry = agenda.schedule(expiresMs, priorities.lifecycle, (at) => this.#expire(at));
    if (this.#backends.length === 0) return;
    const soonest = Math.min(...this.#backends.map(({ engine }) => engine.nextChangeMs));
    if (soonest === Number.POSITIVE_INFINITY) return;
    this.#wake = agenda.schedule(Math.max(nowMs, soonest) + 0.001, priorities.lifecycle, (at) => this.#dispatch(at));
  }

  #dropHead(): void {
    this.#head++;
    if (this.#head < 1024 || this.#head * 2 < this.#held.length) return;
    this.#held = this.#held.slice(this.#head);
    this.#head = 0;
  }
}
