import { Agent, request } from 'undici';
import { explainError, ForewarmError, isForewarmError } from '../../errors.ts';
import type { Clock } from '../../ports/index.ts';
import type { MetricSource, PublishedSeries } from '../../ports/metric-source.ts';
import type { LeaderAddress } from '../../ports/metrics-door.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { decodeSeries, peerPath } from './wire.ts';

export interface LeaderSourceOptions {
  /** This process's own decisions; absent in a process that never leads. */
  readonly local?: MetricSource;
  /** Names for discovery, which must not depend on a leader. */
  readonly metricNames: readonly string[];
  readonly leader: LeaderAddress;
  /** Our own `host:port`: a lease that names it is not asked again. */
  readonly ownAddress: string | undefined;
  /** Says to the leader who asks. */
  readonly token: () => Promise<string | undefined>;
  /** The CA under which all replicas serve, and the name that their certificate carries. */
  readonly ca: () => string | undefined;
  readonly serverName: string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** @default 1000 */
  readonly deadlineMilliseconds?: number;
}

const addressKeptMilliseconds = 2000;
const mostBytes = 1024 * 1024;

/** Decisions from this process's memory, else from the leader's: one hop, over TLS, within a second. */
export class LeaderSource implements MetricSource {
  readonly #options: LeaderSourceOptions;
  #agent: { readonly ca: string; readonly agent: Agent } | undefined;
  #address: { readonly at: number; readonly address: string | undefined } | undefined;

  constructor(options: LeaderSourceOptions) {
    this.#options = options;
  }

  metricNames(): readonly string[] {
    return this.#options.metricNames;
  }

  async series(namespace: string, metric: string, signal: AbortSignal): Promise<readonly PublishedSeries[]> {
    const { local } = this.#options;
    try {
      if (local !== undefined) return await local.series(namespace, metric, signal);
    } catch (err) {
      if (!isForewarmError(err, 'NOT_LEADER')) throw err;
    }
    return await this.#counted(() => this.#ask(namespace, metric, signal));
  }

  async close(): Promise<void> {
    await this.#agent?.agent.destroy();
  }

  async #counted<T>(ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await ask();
      this.#options.telemetry.count('forewarm_metrics_api_forwards_total', { outcome: 'answered' });
      return answer;
    } catch (err) {
      this.#options.telemetry.count('forewarm_metrics_api_forwards_total', { outcome: 'failed' });
      throw err;
    }
  }

  async #ask(namespace: string, metric: string, signal: AbortSignal): Promise<readonly PublishedSeries[]> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#options.deadlineMilliseconds ?? 1000)]);
    const address = await this.#leader(limit);
    const url = `https://${address}${peerPath}/${encodeURIComponent(namespace)}/${encodeURIComponent(metric)}`;
    try {
      const { statusCode, body } = await request(url, {
        dispatcher: this.#dispatcher(),
        signal: limit,
        headers: await this.#headers(),
      });
      const text = await body.text();
      if (statusCode === 200) return decodeSeries(text);
      throw new Error(`HTTP ${statusCode} ${text.slice(0, 200)}`);
    } catch (err) {
      this.#address = undefined;
      throw new ForewarmError('NOT_LEADER', `asking the leader at ${address}`, { cause: err });
    }
  }

  async #leader(signal: AbortSignal): Promise<string> {
    const now = this.#options.clock.monotonic();
    if (this.#address === undefined || now - this.#address.at > addressKeptMilliseconds) {
      this.#address = { at: now, address: await this.#find(signal) };
    }
    const { address } = this.#address;
    if (address === undefined) throw new ForewarmError('NOT_LEADER', 'no leader has said where it serves metrics');
    if (address === this.#options.ownAddress) {
      throw new ForewarmError('NOT_LEADER', 'this process holds the lease and has made no decision yet');
    }
    return address;
  }

  async #find(signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.#options.leader.find(signal);
    } catch (err) {
      throw new ForewarmError('NOT_LEADER', `looking for the leader: ${explainError(err)}`, { cause: err });
    }
  }

  async #headers(): Promise<Record<string, string>> {
    const token = await this.#options.token();
    if (token === undefined) throw new Error('this process has no bearer token to show to the leader');
    return { authorization: `Bearer ${token}`, accept: 'application/json' };
  }

  #dispatcher(): Agent {
    const ca = this.#options.ca();
    if (ca === undefined) throw new Error('no serving certificate has been issued yet');
    if (this.#agent?.ca === ca) return this.#agent.agent;
    void this.#agent?.agent.close();
    const agent = new Agent({
      maxResponseSize: mostBytes,
      connections: 8,
      pipelining: 1,
      keepAliveTimeout: 60_000,
      connect: { ca, servername: this.#options.serverName, timeout: 1000 },
    });
    this.#agent = { ca, agent };
    return agent;
  }
}
