import { type Agenda, type Cancel, priorities } from './agenda.ts';
import type { Disaggregation } from '../core/model/simulated-scenario.ts';
import type { ReplicaSnapshot } from './engine/counters.ts';
import type { GpuTally } from './gpu-time.ts';
import { Replica, type ReplicaRequest } from './replica.ts';
import type { Scenario } from './scenario.ts';

export interface PrefillTierOptions {
  readonly scenario: Scenario;
  readonly disaggregation: Disaggregation;
  readonly agenda: Agenda;
  /** Takes the GPU time of the replicas. */
  readonly tally: GpuTally;
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
  readonly #endMs: number;
  #isCounted = false;
  #turn = 0;

  constructor(options: PrefillTierOptions) {
    this.#options = options;
    this.#endMs = options.scenario.workload.durationSeconds * 1000;
    this.#servers = Array.from({ length: options.disaggregation.prefillReplicas }, () => this.#newServer());
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

  /** GPUs x milliseconds up to now and never beyond the end of the workload. */
  gpuMs(nowMs: number): number {
    const { profile } = this.#options.scenario;
    return this.#servers.length * Math.min(nowMs, this.#endMs) * profile.gpusPerReplica;
  }

  /** Puts the time of the replicas on the tally, once, at the workload's end; engines must have been brought to the present. */
  count(nowMs: number): void {
    if (this.#isCounted) return;
    this.#isCounted = true;
    const until = Math.min(nowMs, this.#endMs);
    for (const { engine } of this.#servers) this.#options.tally.add('Ready', until, engine.busyMs(until));
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
    const { agenda, disaggregation } = this.#options;
    const { kvBytesPerToken, linkGbPerSecond, linkMilliseconds = 0 } = disaggregation;
    const sentMs =
      Math.max(atMs, server.linkFreeMs) + (request.promptTokens * kvBytesPerToken) / (linkGbPerSecond * 1e6);
    server.linkFreeMs = sentMs;
    agenda.schedule(Math.max(agenda.now, sentMs + linkMilliseconds), priorities.lifecycle, (at) => {
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
