import { ok, type Problem, problem, type Result } from '../../core/model/result.ts';
import { RandomStream } from '../rng.ts';
import { at, listAt, notANumber, numberAt, tooManyFailed, within } from './fields.ts';
import type { MeasuredRun, SentLoad, SentRequest } from './measured-run.ts';
import { runOfRequests, type TimedRequest } from './request-lines.ts';

export type Arrivals = 'constant' | 'poisson';

const latency = 'successes/latency';
const needed: readonly string[] = [
  'load_summary/count',
  'load_summary/send_duration',
  `${latency}/request_latency/mean`,
  `${latency}/time_to_first_token/mean`,
  'successes/prompt_tokens/mean',
  'successes/output_len/mean',
];

/**
 * A stage's lifecycle report of inference-perf. Its own times per token count streamed chunks: they are taken from what a request took as a
 * whole. Lengths are drawn from the percentiles it gives, arrivals spaced as told.
 */
export function parseStageReport(report: unknown, name: string, arrivals: Arrivals): Result<MeasuredRun> {
  const failed = numberAt(report, 'failures/count') ?? 0;
  const sent = numberAt(report, 'load_summary/count') ?? 0;
  const bad = notANumber(report, needed, 0) ?? tooManyFailed('failures.count', failed, sent) ?? withoutRate(report);
  if (bad !== undefined) return { ok: false, problem: bad };
  const figure = (path: string): number => numberAt(report, path) ?? 0;
  const e2eMean = figure(`${latency}/request_latency/mean`) * 1000;
  const ttftMean = figure(`${latency}/time_to_first_token/mean`) * 1000;
  const median = numberAt(report, `${latency}/time_to_first_token/median`);
  const gaps = figure('successes/output_len/mean') - 1;
  const measured = {
    e2eMean,
    ttftMean,
    ...(median !== undefined && { ttftP50: median * 1000 }),
    ...(gaps > 0 && { itlMean: (e2eMean - ttftMean) / gaps }),
  };
  return ok({ name, loads: [loadOf(report, arrivals)], measured });
}

function withoutRate(report: unknown): Problem | undefined {
  if ((numberAt(report, 'load_summary/concurrency') ?? 0) > 0) return undefined;
  if ((numberAt(report, 'load_summary/achieved_rate') ?? 0) > 0) return undefined;
  const field = 'load_summary.achieved_rate';
  return problem(field, at(report, 'load_summary/achieved_rate') ?? 'absent', 'above 0: a report of one stage').problem;
}

function loadOf(report: unknown, arrivals: Arrivals): SentLoad {
  const count = Math.round(numberAt(report, 'load_summary/count') ?? 0);
  const users = numberAt(report, 'load_summary/concurrency');
  const spanMs = (numberAt(report, 'load_summary/send_duration') ?? 0) * 1000;
  const stream = new RandomStream(1, 'lengths');
  const prompt = lengthsOf(report, 'successes/prompt_tokens');
  const output = lengthsOf(report, 'successes/output_len');
  const times = arrivalTimes(count, spanMs, arrivals);
  const requests = times.map(
    (arrivalMs): SentRequest => ({
      arrivalMs,
      promptTokens: prompt(stream.uniform()),
      outputTokens: output(stream.uniform()),
    }),
  );
  if (users === undefined || users <= 0) return { kind: 'Open', requests };
  return { kind: 'Closed', users, untilMs: Number.POSITIVE_INFINITY, requests };
}

/** So many times within a span, evenly or by chance. */
export function arrivalTimes(count: number, spanMs: number, arrivals: Arrivals): readonly number[] {
  const even = Array.from({ length: count }, (_, i) => (i * spanMs) / Math.max(1, count - 1));
  if (arrivals === 'constant') return even;
  const stream = new RandomStream(1, 'arrivals');
  return even.map(() => stream.uniform() * spanMs).toSorted((a, b) => a - b);
}

const percentiles: readonly (readonly [name: string, share: number])[] = [
  ['min', 0],
  ['p1', 0.01],
  ['p5', 0.05],
  ['p10', 0.1],
  ['p25', 0.25],
  ['median', 0.5],
  ['p75', 0.75],
  ['p90', 0.9],
  ['p95', 0.95],
  ['p99', 0.99],
  ['max', 1],
];

/** Straight between the percentiles of the report. */
function lengthsOf(report: unknown, path: string): (share: number) => number {
  const mean = numberAt(report, `${path}/mean`) ?? 1;
  const known = percentiles.flatMap(([name, share]) => {
    const value = numberAt(report, `${path}/${name}`);
    return value === undefined ? [] : [{ share, value }];
  });
  return (share) => {
    const above = known.findIndex((point) => point.share > share);
    const [low, high] = [known[above - 1], known[above]];
    if (low === undefined || high === undefined) return Math.max(1, Math.round(mean));
    const part = (share - low.share) / (high.share - low.share);
    return Math.max(1, Math.round(low.value + part * (high.value - low.value)));
  };
}

/** per_request_lifecycle_metrics.json: every request with its own times. */
export function parseRequestReport(entries: readonly unknown[], name: string): Result<MeasuredRun> {
  const requests: TimedRequest[] = [];
  for (const [i, entry] of entries.entries()) {
    const read = requestOf(entry);
    if (!read.ok) return within(`[${i}].`, read.problem);
    requests.push(read.value);
  }
  return runOfRequests(name, requests);
}

const tokenTimes = 'info/response_metrics/output_token_times';

function requestOf(entry: unknown): Result<TimedRequest> {
  if ((at(entry, 'error') ?? null) !== null) return problem('error', 'a failed request', 'null in a measured run');
  const bad =
    notANumber(entry, ['start_time', 'end_time', 'info/input_tokens'], 0) ?? notANumber(entry, [`${tokenTimes}/0`], 0);
  if (bad !== undefined) return { ok: false, problem: bad };
  const start = numberAt(entry, 'start_time') ?? 0;
  return ok({
    arrivalMs: start * 1000,
    promptTokens: numberAt(entry, 'info/input_tokens') ?? 1,
    outputTokens: numberAt(entry, 'info/response_metrics/output_tokens') ?? listAt(entry, tokenTimes).length,
    ttft: ((numberAt(entry, `${tokenTimes}/0`) ?? 0) - start) * 1000,
    e2e: ((numberAt(entry, 'end_time') ?? 0) - start) * 1000,
  });
}
