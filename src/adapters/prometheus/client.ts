import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { PrometheusDriver } from 'prometheus-query';
import { instant, type Instant } from '../../core/model/units.ts';
import { explainError, ForewarmError } from '../../errors.ts';

export interface PrometheusOptions {
  /** `http://prometheus.monitoring:9090`, with a path prefix where the server has one. */
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Read before each pass, so that what is rotated on disk is used. */
  readonly bearerTokenFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** One series of an instant query. */
export interface QueriedSeries {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface QueryAnswer {
  readonly series: readonly QueriedSeries[];
  /** What the server warns of: with Thanos and Mimir, that a part of the data is not in the answer. */
  readonly warnings: readonly string[];
  /** Series that are native histograms and carry no number. */
  readonly skipped: number;
}

/** Points of a range query whose expression makes one series. */
export interface RangeAnswer {
  readonly points: readonly { readonly at: Instant; readonly value: number }[];
  readonly warnings: readonly string[];
}

export interface QueryRange {
  readonly start: Instant;
  readonly end: Instant;
  readonly stepSeconds: number;
}

export const maxAnswerBytes: number = 8 * 1024 * 1024;

/**
 * The only place that touches prometheus-query, with its faults fenced: time-outs that wait for silence, redirects and proxies that are followed,
 * unlimited bodies, the client's clock in `time`, warnings that are dropped, native histograms that crash it, thrown objects that are no errors.
 */
export class PrometheusClient {
  readonly #options: PrometheusOptions;
  #secrets: Secrets | undefined;

  constructor(options: PrometheusOptions) {
    this.#options = options;
  }

  /** Reads token and certificates again where they changed. Throws CONFIG_INVALID when a file cannot be read. */
  async refresh(): Promise<void> {
    const read = await readSecrets(this.#options);
    if (read.key === this.#secrets?.key) return;
    this.close();
    this.#secrets = read;
  }

  /** One instant query at the server's own time. Throws QUERY_FAILED with the server's text, or the signal's reason. */
  async query(promql: string, signal: AbortSignal): Promise<QueryAnswer> {
    const { result, ...rest } = await this.#ask('vector', promql, signal, (driver) => driver.instantQuery(promql));
    return { series: result.map(seriesOf), ...rest };
  }

  /** One range query, of an expression that makes one series or none. Throws as `query` does. */
  async queryRange(promql: string, { start, end, stepSeconds }: QueryRange, signal: AbortSignal): Promise<RangeAnswer> {
    const { result, warnings } = await this.#ask('matrix', promql, signal, (driver) =>
      driver.rangeQuery(promql, start, end, stepSeconds),
    );
    return { points: result.flatMap(pointsOf), warnings };
  }

  async #ask(
    wanted: ResultType,
    promql: string,
    signal: AbortSignal,
    ask: (driver: PrometheusDriver) => Promise<{ readonly result: readonly unknown[] }>,
  ): Promise<{ readonly result: readonly unknown[]; readonly warnings: readonly string[]; readonly skipped: number }> {
    signal.throwIfAborted();
    const warnings: string[] = [];
    let skipped = 0;
    const driver = new PrometheusDriver({
      endpoint: this.#options.endpoint,
      preferPost: true,
      headers: { ...this.#options.headers, ...this.#secrets?.headers },
      timeout: 60_000,
      requestInterceptor: { onFulfilled: (config) => fence(config, this.#secrets, signal) },
      responseInterceptor: {
        onFulfilled: (response) => {
          const { body, histograms } = checkedBody(wanted, response.data, response.status);
          skipped = histograms;
          warnings.push(...strings(response.data?.warnings));
          return { ...response, data: body };
        },
        onRejected: (err: unknown) => {
          throw new RejectedAnswer(rejectionOf(err));
        },
      },
    });
    try {
      const { result } = await ask(driver);
      return { result, warnings, skipped };
    } catch (err) {
      signal.throwIfAborted();
      throw new ForewarmError('QUERY_FAILED', `querying ${this.#options.endpoint}: ${textOf(err)}`, { cause: promql });
    }
  }

  close(): void {
    this.#secrets?.httpsAgent.destroy();
    this.#secrets?.httpAgent.destroy();
  }
}

/** Carries a finished sentence through the library's own handling of errors. */
class RejectedAnswer extends Error {}

interface Secrets {
  /** Equal while nothing changed on disk. */
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly httpAgent: http.Agent;
  readonly httpsAgent: https.Agent;
}

async function readSecrets({ bearerTokenFile, caFile, certFile, keyFile }: PrometheusOptions): Promise<Secrets> {
  const files = [bearerTokenFile, caFile, certFile, keyFile];
  const [token, ca, cert, key] = await Promise.all(files.map(readSecret));
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return {
    key: JSON.stringify([token, ca, cert, key]),
    headers: token ? { authorization: `Bearer ${token.trim()}` } : {},
    httpAgent: new http.Agent({ keepAlive: true, maxSockets: 8 }),
    httpsAgent: new https.Agent({ keepAlive: true, maxSockets: 8, ...tls }),
  };
}

async function readSecret(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ForewarmError('CONFIG_INVALID', `reading ${path}, which the Prometheus settings name`, { cause });
  });
}

type Config = Parameters<
  NonNullable<ConstructorParameters<typeof PrometheusDriver>[0]['requestInterceptor']>['onFulfilled']
>[0];

function fence(config: Config, secrets: Secrets | undefined, signal: AbortSignal): Config {
  // The library always sends this machine's clock; without `time` the server's own counts.
  if (config.data instanceof URLSearchParams) config.data.delete('time');
  config.signal = signal;
  config.maxRedirects = 0;
  config.maxContentLength = maxAnswerBytes;
  config.proxy = false;
  config.responseType = 'json';
  if (secrets !== undefined) Object.assign(config, { httpAgent: secrets.httpAgent, httpsAgent: secrets.httpsAgent });
  return config;
}

interface CheckedBody {
  readonly body: unknown;
  readonly histograms: number;
}

type ResultType = 'vector' | 'matrix';
const fieldOf: Readonly<Record<ResultType, string>> = { vector: 'value', matrix: 'values' };

/** A vector or matrix whose entries all carry numbers; an answer of another shape is an error in words. */
function checkedBody(wanted: ResultType, data: unknown, status: number): CheckedBody {
  const answer = isRecord(data) && isRecord(data['data']) ? data['data'] : undefined;
  const result = answer?.['result'];
  if (answer === undefined || !Array.isArray(result)) {
    throw new RejectedAnswer(`HTTP ${status} with ${shorten(data)}, which is no answer of Prometheus`);
  }
  if (answer['resultType'] !== wanted) throw new RejectedAnswer(`a ${wanted} was asked for, got ${shorten(answer)}`);
  const numbers = result.filter(
    (entry) => isRecord(entry) && Array.isArray(entry[fieldOf[wanted]]) && isRecord(entry['metric']),
  );
  return {
    body: { status: 'success', data: { resultType: wanted, result: numbers } },
    histograms: result.length - numbers.length,
  };
}

/** What has no time and number is no point. */
function pointsOf(entry: unknown): RangeAnswer['points'] {
  const values = isRecord(entry) && Array.isArray(entry['values']) ? entry['values'] : [];
  return values.flatMap((sample: unknown) => {
    const { time, value } = isRecord(sample) ? sample : {};
    const ms = time instanceof Date ? time.getTime() : Number.NaN;
    return typeof value === 'number' && Number.isFinite(value) && Number.isFinite(ms)
      ? [{ at: instant(ms), value }]
      : [];
  });
}

function seriesOf(entry: unknown): QueriedSeries {
  const metric = isRecord(entry) && isRecord(entry['metric']) ? entry['metric'] : {};
  const labels = isRecord(metric['labels']) ? metric['labels'] : {};
  const sample = isRecord(entry) && isRecord(entry['value']) ? entry['value']['value'] : undefined;
  return {
    name: typeof metric['name'] === 'string' ? metric['name'] : '',
    labels: new Map(Object.entries(labels).map(([label, value]) => [label, String(value)])),
    value: typeof sample === 'number' ? sample : NaN,
  };
}

/** The server's own text where it sent one, else the network's. */
function rejectionOf(err: unknown): string {
  if (err instanceof RejectedAnswer) return err.message;
  const response = isRecord(err) && isRecord(err['response']) ? err['response'] : undefined;
  if (response === undefined) return explainError(err);
  const { status, data } = response;
  const text = isRecord(data) && typeof data['error'] === 'string' ? data['error'] : shorten(data);
  const location = isRecord(response['headers']) ? response['headers']['location'] : undefined;
  if (typeof location === 'string') return `HTTP ${String(status)} to ${location}, which is not followed`;
  return `HTTP ${String(status)}: ${text}`;
}

function textOf(err: unknown): string {
  const original = isRecord(err) ? err['original'] : undefined;
  if (original instanceof Error) return original.message;
  return isRecord(err) && typeof err['error'] === 'string' ? err['error'] : explainError(err);
}

function strings(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
}

function isRecord(it: unknown): it is Record<string, unknown> {
  return typeof it === 'object' && it !== null && !Array.isArray(it);
}

function shorten(it: unknown): string {
  const text = typeof it === 'string' ? it : (JSON.stringify(it) ?? 'nothing');
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}
