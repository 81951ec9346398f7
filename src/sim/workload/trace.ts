import { ok, problem, type Result } from '../../core/model/result.ts';
import { cellsOf } from './cells.ts';
import { type ClientRates, ClientRatesParser, isClientHeader } from './client-tables.ts';
import { mooncakeBlockTokens, MooncakeParser } from './mooncake.ts';
import { isRateHeader, rateHeadersAllowed, type RateSeries, RateSeriesParser, type RateUnit } from './rate-series.ts';
import { azureHeaders, burstGptHeaders, headersAllowed, RequestCsvParser, requestHeaderIn } from './request-csv.ts';
import type { Workload } from './workload.ts';

export const traceFormats = ['azure', 'burstgpt', 'mooncake', 'rates', 'servegen', 'inference-perf'] as const;
export type TraceFormat = (typeof traceFormats)[number];
/** Those that are read line by line; an inference-perf config is one document. */
export type LineFormat = Exclude<TraceFormat, 'inference-perf'>;

/** What a trace holds: requests, rates that requests can be drawn from, or the rates of many clients. */
export type Trace =
  | { readonly kind: 'requests'; readonly workload: Workload }
  | { readonly kind: 'rates'; readonly series: RateSeries }
  | { readonly kind: 'clients'; readonly rates: ClientRates };

export interface TraceOptions {
  /** Absent: told by the first line. */
  readonly format?: LineFormat | undefined;
  readonly rateUnit?: RateUnit | undefined;
  readonly prefixBlockTokens?: number | undefined;
}

interface Lines {
  push(line: string): Result<undefined>;
  finish(): Result<Trace>;
}

/** A trace in any of the formats that come line by line. */
export class TraceParser {
  readonly #name: string;
  readonly #options: TraceOptions;
  #lines: Lines | undefined;

  constructor(name: string, options: TraceOptions = {}) {
    this.#name = name;
    this.#options = options;
    if (options.format !== undefined) this.#lines = this.#reader(options.format);
  }

  push(line: string): Result<undefined> {
    if (this.#lines !== undefined) return this.#lines.push(line);
    if (line.trim() === '') return ok(undefined);
    const format = formatOf(line);
    if (format === undefined) return problem('header', line.slice(0, 120), allowed());
    this.#lines = this.#reader(format);
    return this.#lines.push(line);
  }

  finish(): Result<Trace> {
    return this.#lines?.finish() ?? problem('header', 'an empty file', allowed());
  }

  #reader(format: LineFormat): Lines {
    const { rateUnit, prefixBlockTokens = mooncakeBlockTokens } = this.#options;
    const requests = (workload: Workload): Trace => ({ kind: 'requests', workload });
    if (format === 'mooncake') return asTrace(new MooncakeParser(this.#name, prefixBlockTokens), requests);
    if (format === 'servegen') return asTrace(new ClientRatesParser(), (rates) => ({ kind: 'clients', rates }));
    if (format === 'rates') {
      return asTrace(new RateSeriesParser(this.#name, rateUnit), (series) => ({ kind: 'rates', series }));
    }
    const headers = format === 'azure' ? azureHeaders : burstGptHeaders;
    return asTrace(new RequestCsvParser(this.#name, headers), requests);
  }
}

function asTrace<T>(
  parser: { push(line: string): Result<undefined>; finish(): Result<T> },
  kind: (read: T) => Trace,
): Lines {
  return {
    push: (line) => parser.push(line),
    finish: () => {
      const read = parser.finish();
      return read.ok ? ok(kind(read.value)) : read;
    },
  };
}

function formatOf(line: string): LineFormat | undefined {
  if (/^\uFEFF?\s*\{/.test(line)) return 'mooncake';
  const cells = cellsOf(line);
  if (requestHeaderIn(cells, azureHeaders) !== undefined) return 'azure';
  if (requestHeaderIn(cells, burstGptHeaders) !== undefined) return 'burstgpt';
  if (isClientHeader(cells)) return 'servegen';
  return isRateHeader(cells) ? 'rates' : undefined;
}

function allowed(): string {
  const requests = headersAllowed([...azureHeaders, ...burstGptHeaders]);
  return `${requests}, a JSON object of Mooncake's form, ServeGen's 't_s' and clients, or ${rateHeadersAllowed()} (or say --trace-format)`;
}
