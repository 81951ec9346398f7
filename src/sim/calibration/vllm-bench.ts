import { ok, problem, type Result } from '../../core/model/result.ts';
import { at, listAt, notANumber, numberAt, tooManyFailed } from './fields.ts';
import { type Arrivals, arrivalTimes } from './inference-perf.ts';
import type { MeasuredRun, SentLoad } from './measured-run.ts';
import { runOfRequests, type TimedRequest } from './request-lines.ts';

const needed = ['completed', 'total_input_tokens', 'total_output_tokens', 'duration', 'mean_ttft_ms'] as const;
/** What `--save-detailed` adds, one entry a request. */
const details = ['input_lens', 'output_lens', 'ttfts', 'itls', 'start_times'] as const;

/** Whether a document is a result of `vllm bench serve`. */
export function isVllmBench(document: unknown): boolean {
  return at(document, 'mean_ttft_ms') !== undefined && at(document, 'completed') !== undefined;
}

/**
 * A result of `vllm bench serve --save-result`. With `--save-detailed` every request has its own times. Without it the report has means only: all
 * requests are taken to be of the mean lengths and to have come as its `request_rate` says (evenly or by chance: `arrivals`), or, where
 * that is unlimited, from `max_concurrency` users, or all at once. Time per token is taken from whole requests: streamed chunks are no tokens.
 */
export function parseVllmBench(document: unknown, name: string, arrivals: Arrivals): Result<MeasuredRun> {
  const bad =
    notANumber(document, needed, 0) ??
    notANumber(document, ['completed'], 1) ??
    tooManyFailed('failed', numberAt(document, 'failed') ?? 0, numberAt(document, 'completed') ?? 0);
  if (bad !== undefined) return { ok: false, problem: bad };
  return at(document, 'start_times') === undefined ? ok(summary(document, name, arrivals)) : detailed(document, name);
}

function detailed(document: unknown, name: string): Result<MeasuredRun> {
  const count = listAt(document, 'input_lens').length;
  for (const field of details) {
    const { length } = listAt(document, field);
    if (length !== count) return problem(field, `${length} entries`, `as many as \`input_lens\` has (${count})`);
  }
  const requests: TimedRequest[] = [];
  for (let i = 0; i < count; i++) {
    const error = listAt(document, 'errors')[i];
    if (typeof error === 'string' && error !== '') continue;
    const read = requestOf(document, i);
    if (!read.ok) return read;
    requests.push(read.value);
  }
  return runOfRequests(name, requests);
}

function requestOf(document: unknown, i: number): Result<TimedRequest> {
  const bad =
    notANumber(document, [`input_lens/${i}`, `output_lens/${i}`], 1) ??
    notANumber(document, [`ttfts/${i}`, `start_times/${i}`], 0);
  if (bad !== undefined) return { ok: false, problem: bad };
  const gaps = listAt(document, `itls/${i}`);
  const ttft = (numberAt(document, `ttfts/${i}`) ?? 0) * 1000;
  const decoding = gaps.reduce<number>((sum, gap) => sum + (typeof gap === 'number' ? gap : Number.NaN), 0) * 1000;
  if (!(decoding >= 0)) return problem(`itls.${i}`, gaps, 'seconds between tokens');
  const whole = numberAt(document, `latencies/${i}`);
  return ok({
    arrivalMs: (numberAt(document, `start_times/${i}`) ?? 0) * 1000,
    promptTokens: Math.round(numberAt(document, `input_lens/${i}`) ?? 1),
    outputTokens: Math.round(numberAt(document, `output_lens/${i}`) ?? 1),
    ttft,
    // Newer ones say it themselves.
    e2e: whole === undefined ? ttft + decoding : whole * 1000,
  });
}

function summary(document: unknown, name: string, arrivals: Arrivals): MeasuredRun {
  const figure = (field: string): number => numberAt(document, field) ?? 0;
  const outputTokens = meanOf(document, 'total_output_tokens');
  const gaps = outputTokens - 1;
  const ttftMean = figure('mean_ttft_ms');
  const tpot = numberAt(document, 'mean_tpot_ms');
  const e2eMean = numberAt(document, 'mean_e2el_ms') ?? (tpot === undefined ? undefined : ttftMean + tpot * gaps);
  const median = numberAt(document, 'median_ttft_ms');
  const measured = {
    ttftMean,
    ...(median === undefined ? {} : { ttftP50: median }),
    ...(e2eMean === undefined ? {} : { e2eMean }),
    ...(e2eMean === undefined || gaps <= 0 ? {} : { itlMean: (e2eMean - ttftMean) / gaps }),
  };
  return { name, loads: [loadOf(document, arrivals)], measured };
}

function loadOf(document: unknown, arrivals: Arrivals): SentLoad {
  const count = Math.round(numberAt(document, 'completed') ?? 0);
  const size = {
    promptTokens: meanOf(document, 'total_input_tokens'),
    outputTokens: meanOf(document, 'total_output_tokens'),
  };
  // Unlimited is written as "inf".
  const rate = numberAt(document, 'request_rate');
  const users = numberAt(document, 'max_concurrency');
  const times = arrivalTimes(count, rate === undefined || rate <= 0 ? 0 : (count / rate) * 1000, arrivals);
  const requests = times.map((arrivalMs) => ({ arrivalMs, ...size }));
  if (rate !== undefined || users === undefined) return { kind: 'Open', requests };
  return { kind: 'Closed', users, untilMs: Number.POSITIVE_INFINITY, requests };
}

function meanOf(document: unknown, total: string): number {
  return Math.max(1, Math.round((numberAt(document, total) ?? 0) / (numberAt(document, 'completed') ?? 1)));
}
