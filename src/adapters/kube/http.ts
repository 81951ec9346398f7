import { Agent, type Dispatcher } from 'undici';
import { ForewarmError } from '../../errors.ts';
import type { Clock } from '../../ports/index.ts';
import type { Credentials, KubeConnection } from './connection.ts';
import { number, text } from './fields.ts';
import { TokenBucket } from './token-bucket.ts';

export type Lane = 'call' | 'watch' | 'lease';
export type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface KubeCall {
  readonly verb: Verb;
  /** Path of the API, percent-encoded where names need it. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of a PATCH; merge-patch when absent. */
  readonly contentType?: string;
  readonly lane?: Lane;
  readonly deadlineMilliseconds?: number;
  /** Retries on 429 and 503; the lease brings its own rhythm. */
  readonly attempts?: number;
}

/** What the server answered, as the `cause` of KUBE_REQUEST_FAILED and KUBE_FORBIDDEN. */
export class KubeStatus extends Error {
  override readonly name = 'KubeStatus';
  readonly status: number;
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;
  constructor(status: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(`${status} ${reason}: ${message}`);
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The HTTP status behind an error of this client; undefined when no answer came. */
export function statusOf(err: unknown): number | undefined {
  return err instanceof ForewarmError && err.cause instanceof KubeStatus ? err.cause.status : undefined;
}

export interface KubeHttpOptions {
  readonly connection: KubeConnection;
  readonly clock: Clock;
  readonly random: () => number;
  readonly userAgent: string;
  readonly queriesPerSecond?: number;
  readonly burst?: number;
}

const longestRetrySeconds = 30;
const credentialsAgeMilliseconds = 30_000;

/**
 * The API server over HTTP/1.1 on three sets of kept connections: calls, watches, the lease. Each call ends: by answer, by deadline (10 s unless
 * told) or by the signal. client-node opens a connection a call and waits for ever.
 */
export class KubeHttp {
  readonly server: string;
  readonly #options: KubeHttpOptions;
  readonly #bucket: TokenBucket;
  #credentials: Credentials | undefined;
  #readAt = 0;
  #agents: Readonly<Record<Lane, Agent>> | undefined;
  #tlsKey = '';

  constructor(options: KubeHttpOptions) {
    this.server = options.connection.server;
    this.#options = options;
    this.#bucket = new TokenBucket(options.queriesPerSecond ?? 50, options.burst ?? 100, options.clock);
  }

  /** The JSON of the answer; throws KUBE_REQUEST_FAILED or KUBE_FORBIDDEN. */
  async call(call: KubeCall, signal: AbortSignal): Promise<unknown> {
    const attempts = call.attempts ?? 4;
    for (let attempt = 1; ; attempt++) {
      if (call.lane !== 'lease') await this.#bucket.take(signal);
      try {
        return await this.#once(call, signal);
      } catch (err) {
        signal.throwIfAborted();
        const wait = attempt < attempts ? this.#retryWait(err, call, attempt) : undefined;
        if (wait === undefined) throw err;
        await this.#options.clock.sleep(wait, signal);
      }
    }
  }

  /** Opens a stream (a watch): bytes as they come. The caller's signal is the only deadline once it is open. */
  async stream(call: KubeCall, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const answer = await this.#send({ ...call, lane: 'watch' }, signal);
    if (answer.statusCode >= 300) throw failure(call, await problemOf(answer));
    return answer.body;
  }

  async close(): Promise<void> {
    const agents = this.#agents;
    this.#agents = undefined;
    if (agents !== undefined)
      await Promise.all([agents.call.destroy(), agents.watch.destroy(), agents.lease.destroy()]);
  }

  async #once(call: KubeCall, signal: AbortSignal): Promise<unknown> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(call.deadlineMilliseconds ?? 10_000)]);
    let answer = await this.#send(call, deadline);
    if (answer.statusCode === 401) {
      await answer.body.dump();
      this.#readAt = 0;
      answer = await this.#send(call, deadline);
    }
    if (answer.statusCode >= 300) throw failure(call, await problemOf(answer));
    return await readJson(call, answer);
  }

  async #send(call: KubeCall, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { agents, headers } = await this.#prepare();
    const query = call.query === undefined ? '' : `?${new URLSearchParams(call.query).toString()}`;
    try {
      const answer = agents[call.lane ?? 'call'].request({
        origin: new URL(this.server).origin,
        path: `${new URL(this.server).pathname.replace(/\/$/, '')}${call.path}${query}`,
        method: call.verb,
        headers: { ...headers, ...contentHeaders(call) },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      return await abandonedAt(signal, answer);
    } catch (err) {
      throw failure(call, err);
    }
  }

  async #prepare(): Promise<{
    readonly agents: Readonly<Record<Lane, Agent>>;
    readonly headers: Record<string, string>;
  }> {
    const now = this.#options.clock.monotonic();
    if (this.#credentials === undefined || this.#readAt === 0 || now - this.#readAt > credentialsAgeMilliseconds) {
      this.#credentials = await this.#options.connection.credentials();
      this.#readAt = now;
    }
    const { tls, headers } = this.#credentials;
    const agents = this.#agentsFor(tls);
    return { agents, headers: { accept: 'application/json', 'user-agent': this.#options.userAgent, ...headers } };
  }

  /** New connections when the TLS material changed; the old ones end with their last answer. */
  #agentsFor(tls: Credentials['tls']): Readonly<Record<Lane, Agent>> {
    const key = JSON.stringify(tls);
    if (this.#agents !== undefined && key === this.#tlsKey) return this.#agents;
    const before = this.#agents;
    if (before !== undefined) for (const lane of ['call', 'lease', 'watch'] as const) void before[lane].close();
    const agent = (connections: number | null, timeout = 5000): Agent =>
      new Agent({
        allowH2: false,
        connections,
        pipelining: 1,
        connect: { timeout, ...tls },
        keepAliveTimeout: 60_000,
      });
    this.#tlsKey = key;
    this.#agents = { call: agent(16), watch: agent(null), lease: agent(4, 2000) };
    return this.#agents;
  }

  #retryWait(err: unknown, call: KubeCall, attempt: number): number | undefined {
    const cause = err instanceof ForewarmError && err.cause instanceof KubeStatus ? err.cause : undefined;
    if (cause === undefined || call.lane === 'lease') return undefined;
    const mayRepeat = cause.status === 429 || (cause.status === 503 && call.verb !== 'POST');
    if (!mayRepeat) return undefined;
    const seconds = Math.min(cause.retryAfterSeconds ?? 2 ** (attempt - 1), longestRetrySeconds);
    return Math.round(seconds * 1000 * (1 + 0.2 * this.#options.random()));
  }
}

/** undici heeds a signal only once it is connected; a deadline counts from the first packet. What comes too late is thrown away. */
async function abandonedAt(
  signal: AbortSignal,
  answer: Promise<Dispatcher.ResponseData>,
): Promise<Dispatcher.ResponseData> {
  const late = Promise.withResolvers<never>();
  const abandon = (): void => late.reject(signal.reason);
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return await Promise.race([answer, late.promise]);
  } catch (err) {
    if (signal.aborted) answer.then((data) => data.body.dump()).catch(() => undefined);
    throw err;
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

function contentHeaders(call: KubeCall): Record<string, string> {
  if (call.body === undefined) return {};
  return {
    'content-type': call.verb === 'PATCH' ? (call.contentType ?? 'application/merge-patch+json') : 'application/json',
  };
}

async function readJson(call: KubeCall, answer: Dispatcher.ResponseData): Promise<unknown> {
  try {
    return await answer.body.json();
  } catch (err) {
    throw failure(call, err);
  }
}

async function problemOf(answer: Dispatcher.ResponseData): Promise<KubeStatus> {
  const retryAfter = Number(answer.headers['retry-after']);
  const body = await bodyText(answer);
  const parsed = parseStatus(body);
  const message = (text(parsed, 'message') ?? body).replaceAll(/\s+/g, ' ').slice(0, 300);
  const reason = text(parsed, 'reason') ?? 'Unknown';
  const after =
    Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : number(parsed, 'details', 'retryAfterSeconds');
  return new KubeStatus(answer.statusCode, reason, message, after);
}

async function bodyText(answer: Dispatcher.ResponseData): Promise<string> {
  try {
    return await answer.body.text();
  } catch (err) {
    return `the body could not be read (${err instanceof Error ? err.message : 'unknown'})`;
  }
}

function parseStatus(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // proxies answer pages: the text itself is the message
  }
}

function failure(call: KubeCall, cause: unknown): ForewarmError {
  const isForbidden = cause instanceof KubeStatus && (cause.status === 403 || cause.status === 401);
  return new ForewarmError(isForbidden ? 'KUBE_FORBIDDEN' : 'KUBE_REQUEST_FAILED', `${call.verb} ${call.path}`, {
    cause,
  });
}
