import { Agent, request } from 'undici';
import type { Api } from './api.ts';
import { isReady } from './bed.ts';

export interface LoadShape {
  readonly namespace: string;
  /** Label selector of the engine pods. */
  readonly selector: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/**
 * An open-loop client and its router: sends at the rate it is told, whatever the servers answer, to the ready pod with the fewest requests of ours in flight.
 * Requests wait here while no pod is ready, as they would at a gateway.
 */
export class Load {
  readonly #api: Api;
  readonly #shape: LoadShape;
  readonly #agent = new Agent({ allowH2: false, headersTimeout: 120_000, bodyTimeout: 120_000, connections: 256 });
  readonly #inFlight = new Map<string, number>();
  #addresses: readonly string[] = [];
  #rate = 0;
  #owed = 0;
  #timers: NodeJS.Timeout[] = [];
  sent = 0;
  succeeded = 0;
  failed = 0;
  /** Of those that are to be sent, what waits for the first replica. */
  held = 0;

  constructor(api: Api, shape: LoadShape) {
    this.#api = api;
    this.#shape = shape;
  }

  start(): void {
    this.#timers = [setInterval(() => this.#send(), 50), setInterval(() => void this.#lookAround(), 300)];
  }

  /** Requests per second from now on. */
  set rate(perSecond: number) {
    this.#rate = perSecond;
  }

  get inFlight(): number {
    return [...this.#inFlight.values()].reduce((sum, n) => sum + n, 0);
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#agent.destroy();
  }

  async #lookAround(): Promise<void> {
    const path = `/api/v1/namespaces/${this.#shape.namespace}/pods?labelSelector=${encodeURIComponent(this.#shape.selector)}`;
    try {
      const pods = await this.#api.list(path);
      const ready = pods.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
      this.#addresses = ready.map((pod) => String(pod.status?.['podIP'])).sort();
    } catch {
      // The API server may be cut off on purpose; the router then keeps the addresses it knows.
    }
  }

  #send(): void {
    this.#owed += this.#rate * 0.05;
    if (this.#addresses.length === 0) {
      this.held = Math.floor(this.#owed);
      return;
    }
    this.held = 0;
    for (; this.#owed >= 1; this.#owed -= 1) void this.#one(this.#leastLoaded());
  }

  #leastLoaded(): string {
    const load = (address: string): number => this.#inFlight.get(address) ?? 0;
    return this.#addresses.reduce((best, address) => (load(address) < load(best) ? address : best));
  }

  async #one(address: string): Promise<void> {
    const { promptTokens, outputTokens } = this.#shape;
    this.sent += 1;
    this.#inFlight.set(address, (this.#inFlight.get(address) ?? 0) + 1);
    try {
      const response = await request(`http://${address}:8000/v1/completions`, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'm',
          prompt: 'ba '.repeat(promptTokens),
          max_tokens: outputTokens,
          ignore_eos: true,
        }),
      });
      await response.body.dump();
      if (response.statusCode === 200) this.succeeded += 1;
      else this.failed += 1;
    } catch {
      this.failed += 1;
    } finally {
      this.#inFlight.set(address, (this.#inFlight.get(address) ?? 1) - 1);
    }
  }
}
