import { type Agenda, type Cancel, priorities } from './agenda.ts';
import type { ReplicaSnapshot } from './engine/counters.ts';
import { Replica, type ReplicaRequest } from './replica.ts';
import type { Scenario } from './scenario.ts';

export interface PrefillTierOptions {
  readonly scenario: Scenario;
  readonly agenda: Agenda;
  /** The request's KV has arrived: it may be decoded. */
  readonly transferred: (request: ReplicaRequest, atMs: number) => void;
  readonly shed: (id: number) => void;
}

interface Server {
  readonly engine: Replica;
  /** When the link has sent what it was given: one transfer after the other. */
  linkFreeMs: number;
  wake: Cancel;
}

/**
 * Replicas that only prefill, a fixed number of them and always Ready. The one with the least in flight takes a request; when its prompt is computed the
 * KV goes over the replica's link, behind what is already being sent, to whoever decodes. Blocks of the sender are free again when the prompt
 * is computed, not when it was sent.
 */
export class PrefillTier {
  readonly #options: PrefillTierOptions;
  readonly #servers: readonly Server[];
  readonly #requests = new Map<number, ReplicaRequest>();
  readonly #bytesPerMs: number;
  readonly #bytesPerToken: number;
  readonly #latencyMs: number;
  #turn = 0;
  #sending = 0;

  constructor(options: PrefillTierOptions, replicas: number) {
    const { disaggregation } = options.scenario;
    this.#options = options;
    this.#bytesPerMs = (disaggregation?.linkGbPerSecond ?? 0) * 1e6;
    this.#bytesPerToken = disaggregation?.kvBytesPerToken ?? 0;
    this.#latencyMs = disaggregation?.linkMilliseconds ?? 0;
    this.#servers = Array.from({ length: replicas }, () => this.#newServer());
  }

  /** Requests that wait, are computed or are being sent. */
  get inFlight(): number {
    return this.#requests.size;
  }

  /** Those among them whose KV is under way, or waits for the link. */
  get sending(): number {
    return this.#sending;
  }

  get snapshots(): readonly ReplicaSnapshot[] {
    return this.#servers.map(({ engine }) => engine.snapshot());
  }

  offer(request: ReplicaRequest, nowMs: number): void {
    this.settle(nowMs);
    const server = this.#leastLoaded();
    // Its first token is what shows that the prompt is computed; the client is given that of the decoder.
    const taken = server?.engine.submit({ ...request, outputTokens: 1 }, nowMs) === true;
    if (!taken || server === undefined) return this.#options.shed(request.id);
    this.#requests.set(request.id, request);
    this.#watch(server, nowMs);
  }

  /** Engines are brought to the present. */
  settle(nowMs: number): void {
    for (const { engine } of this.#servers) engine.advance(nowMs);
  }

  /** Milliseconds in which iterations ran, over all replicas; they must have been brought to `nowMs`. */
  busyMs(nowMs: number): number {
    return this.#servers.reduce((sum, { engine }) => sum + engine.busyMs(nowMs), 0);
  }

  #newServer(): Server {
    const { profile, workload, prefixCaching } = this.#options.scenario;
    const prefixBlockTokens = prefixCaching ? workload.prefixes?.blockTokens : undefined;
    const observer = {
      firstToken: () => undefined,
      finished: (id: number, atMs: number): void => this.#send(server, id, atMs),
    };
    const engine = new Replica({ profile, observer, startMs: 0, prefixBlockTokens });
    const server: Server = { engine, linkFreeMs: 0, wake: () => undefined };
    return server;
  }

  #leastLoaded(): Server | undefined {
    const count = this.#servers.length;
    const turn = this.#turn++;
    let best: Server | undefined;
    for (let i = 0; i < count; i++) {
      const server = this.#servers[(turn + i) % count];
      if (server === undefined) continue;
      if (best === undefined || server.engine.inFlight < best.engine.inFlight) best = server;
    }
    return best;
  }

  #send(server: Server, id: number, atMs: number): void {
    const request = this.#requests.get(id);
    if (request === undefined) return;
    const { agenda } = this.#options;
    const sentMs = Math.max(atMs, server.linkFreeMs) + (request.promptTokens * this.#bytesPerToken) / this.#bytesPerMs;
    server.linkFreeMs = sentMs;
    this.#sending++;
    agenda.schedule(Math.max(agenda.now, sentMs + this.#latencyMs), priorities.lifecycle, (at) => {
      this.#sending--;
      this.#requests.delete(id);
      this.#options.transferred(request, at);
    });
  }

  /** Looks again when something may have been computed. */
  #watch(server: Server, nowMs: number): void {
    server.wake();
    const next = server.engine.nextChangeMs;
    if (next === Number.POSITIVE_INFINITY) return;
    server.wake = this.#options.agenda.schedule(Math.max(nowMs, next) + 0.001, priorities.lifecycle, (at) => {
      server.engine.advance(at);
      this.#watch(server, at);
    });
  }
}
