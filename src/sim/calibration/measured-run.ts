/** One request as it was sent; milliseconds since the start of the run. */
export interface SentRequest {
  readonly arrivalMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/**
 * What was sent. Open: each request at its time. Closed: so many users, each of whom sends the next request of the list when its last was
 * answered, until `untilMs`; arrival times are not used.
 */
export type SentLoad =
  | { readonly kind: 'Open'; readonly requests: readonly SentRequest[] }
  | {
      readonly kind: 'Closed';
      readonly users: number;
      readonly untilMs: number;
      readonly requests: readonly SentRequest[];
    };

/** Milliseconds over the requests of a run, as the client saw them. */
export interface Latencies {
  readonly ttftMean: number;
  readonly ttftP50: number;
  /** Mean over requests of the mean gap between their tokens. */
  readonly tpotMean: number;
  /** Mean gap over all tokens. */
  readonly itlMean: number;
  readonly e2eMean: number;
}
export type LatencyName = keyof Latencies;
export const latencyNames: readonly LatencyName[] = ['ttftMean', 'ttftP50', 'tpotMean', 'itlMean', 'e2eMean'];

/** A run of a load generator against one engine: what was sent and what was measured of it. */
export interface MeasuredRun {
  readonly name: string;
  /** One of each repeat; simulated figures are the medians over them, as the measured ones are. */
  readonly loads: readonly SentLoad[];
  /** The report counts only what was answered by then. */
  readonly windowMs?: number;
  /** The figures cover only these of the requests, from `from` to before `to`. */
  readonly scored?: { readonly from: number; readonly to: number };
  readonly measured: Partial<Latencies>;
  /** What each request of the only load took, where that is known. */
  readonly timed?: readonly RequestTimes[];
}

/** What one request took, milliseconds. */
export interface RequestTimes {
  readonly ttft: number;
  readonly e2e: number;
  readonly outputTokens: number;
}

/** Undefined where there is nothing to take a mean of. */
export function latenciesOf(times: readonly RequestTimes[]): Partial<Latencies> {
  if (times.length === 0) return {};
  const several = times.filter(({ outputTokens }) => outputTokens > 1);
  const gaps = several.reduce((sum, { outputTokens }) => sum + outputTokens - 1, 0);
  const decoding = several.reduce((sum, { ttft, e2e }) => sum + e2e - ttft, 0);
  return {
    ttftMean: meanOf(times.map(({ ttft }) => ttft)),
    ttftP50: medianOf(times.map(({ ttft }) => ttft)),
    e2eMean: meanOf(times.map(({ e2e }) => e2e)),
    ...(gaps > 0 && {
      itlMean: decoding / gaps,
      tpotMean: meanOf(several.map(({ ttft, e2e, outputTokens }) => (e2e - ttft) / (outputTokens - 1))),
    }),
  };
}

/** Name by name, over those that have it. */
export function mediansOf(all: readonly Partial<Latencies>[]): Partial<Latencies> {
  return Object.fromEntries(
    latencyNames.flatMap((name) => {
      const values = all.map((one) => one[name]).filter((value) => value !== undefined);
      return values.length === 0 ? [] : [[name, medianOf(values)]];
    }),
  );
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function medianOf(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b);
  const middle = (ordered.length - 1) / 2;
  return ((ordered[Math.floor(middle)] ?? Number.NaN) + (ordered[Math.ceil(middle)] ?? Number.NaN)) / 2;
}
