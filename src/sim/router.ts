import { type Agenda, type Cancel, priorities } from './agenda.ts';
import type { FaultSchedule } from './faults/schedule.ts';
import type { SimPod } from './pod.ts';
import { mostOverMean, PrefixIndex } from './prefix-index.ts';
import type { Replica, ReplicaRequest } from './replica.ts';
import type { Scenario } from './scenario.ts';

export interface GatewayOptions {
  readonly scenario: Scenario;
  readonly agenda: Agenda;
  readonly faults: FaultSchedule;
  readonly shed: (id: number) => void;
}

interface Held {
  readonly request: ReplicaRequest;
  readonly sinceMs: number;
}

interface Backend {
  readonly pod: SimPod;
  readonly engine: Replica;
  readonly index: PrefixIndex;
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
    this.#backends = [...this.#backends, { pod, engine, index: this.#newIndex() }];
    this.#dispatch(nowMs);
  }

  remove(pod: SimPod): void {
    this.#backends = this.#backends.filter((backend) => backend.pod !== pod);
  }

  offer(request: ReplicaRequest, nowMs: number): void {
    this.#requests++;
    const backend = this.queued === 0 ? this.#choose(request, nowMs) : undefined;
    if (backend !== undefined) return this.#send(backend, request, nowMs);
    if (this.queued >= this.#options.scenario.gatewayQueueLimit) return this.#options.shed(request.id);
    this.#held.push({ request, sinceMs: nowMs });
    if (this.queued === 1) this.#watch(nowMs);
  }

  #send({ engine, index }: Backend, request: ReplicaRequest, nowMs: number): void {
    if (request.prefix !== undefined && this.#options.scenario.routing === 'PrefixAffine') index.sent(request.prefix);
    if (!engine.submit(request, nowMs)) this.#options.shed(request.id);
  }

  #choose(request: ReplicaRequest, nowMs: number): Backend | undefined {
    const count = this.#backends.length;
    if (count === 0) return undefined;
    const turn = this.#turn++ % count;
    const { routing } = this.#options.scenario;
    if (this.#options.faults.isSkewed(request.id, nowMs)) return this.#oldest(nowMs);
    if (routing === 'RoundRobin') return this.#nextInTurn(turn, nowMs);
    const least = this.#leastLoaded(turn, nowMs);
    if (least === undefined || this.#isHeldBack(least.engine)) return undefined;
    return routing === 'PrefixAffine' && request.prefix !== undefined ? this.#likeliest(request.prefix, least) : least;
  }

  #oldest(nowMs: number): Backend | undefined {
    for (const { engine } of this.#backends) if (engine.nextChangeMs <= nowMs) engine.advance(nowMs);
    const oldest = this.#backends[0];
    return oldest === undefined || this.#isHeldBack(oldest.engine) ? undefined : oldest;
  }

  #nextInTurn(turn: number, nowMs: number): Backend | undefined {
    const count = this.#backends.length;
    for (let i = 0; i < count; i++) {
      const backend = this.#backends[(turn + i) % count];
      if (backend === undefined) continue;
      if (backend.engine.nextChangeMs <= nowMs) backend.engine.advance(nowMs);
      if (!this.#isHeldBack(backend.engine)) return backend;
    }
    return undefined;
  }

  /** Equal loads are broken in turn, so that nobody is always first. */
  #leastLoaded(turn: number, nowMs: number): Backend | undefined {
    let best: Backend | undefined;
    let least = Number.POSITIVE_INFINITY;
    const count = this.#backends.length;
    for (let i = 0; i < count; i++) {
      const backend = this.#backends[(turn + i) % count];
      if (backend === undefined) continue;
      const { engine } = backend;
      if (engine.nextChangeMs <= nowMs) engine.advance(nowMs);
      const load = engine.inFlight;
      if (load >= least) continue;
      least = load;
      best = backend;
    }
    return best;
  }

  /** The one that was sent the most of the prompt's beginning, of equals the one with the least in flight; all engines are at the present. */
  #likeliest(prefix: Int32Array, least: Backend): Backend {
    const inFlight = this.#backends.reduce((sum, { engine }) => sum + engine.inFlight, 0);
    const most = Math.ceil((mostOverMean * (inFlight + 1)) / this.#backends.length);
    let best = least;
    let matched = least.index.matched(prefix);
    for (const backend of this.#backends) {
      const { engine, index } = backend;
      if (engine.inFlight >= most || this.#isHeldBack(engine)) continue;
      const here = index.matched(prefix);
      if (here < matched || (here === matched && engine.inFlight >= best.engine.inFlight)) continue;
      best = backend;
      matched = here;
    }
    return best;
  }

  #newIndex(): PrefixIndex {
    const { profile, workload } = this.#options.scenario;
    return new PrefixIndex(Math.floor(profile.kvCapacityTokens / (workload.prefixes?.blockTokens ?? 1)));
  }

  #isHeldBack(engine: Replica): boolean {
    const { gatewayHolds, profile } = this.#options.scenario;
    return gatewayHolds === 'AllFull' && engine.inFlight >= profile.maxNumSeqs;
  }

  /** Sends what is held for as long as somebody takes it. */
  #dispatch(nowMs: number): void {
    while (this.queued > 0) {
      const held = this.#held[this.#head];
      const backend = held === undefined ? undefined : this.#choose(held.request, nowMs);
      if (backend === undefined || held === undefined) break;
      this.#dropHead();
      this.#send(backend, held.request, nowMs);
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
