import { ok, problem, type Result } from '../../core/model/result.ts';
import { at, listAt } from './fields.ts';

/** What one engine did in a minute or so, from its metrics. */
export interface HistoryRow {
  readonly engine: string;
  readonly fromS: number;
  /** Mean gap between tokens, milliseconds. */
  readonly itl: number;
  readonly running: number;
  readonly waiting: number;
  /** Share of KV blocks in use. */
  readonly kvUse: number;
  /** Prompt tokens computed a second, without those that the prefix cache held. */
  readonly prefillRate: number;
  readonly promptTokens: number | undefined;
  readonly ttftMean: number | undefined;
}

export interface History {
  readonly rows: readonly HistoryRow[];
  /** As the engine says it; undefined where the history lacks it. */
  readonly kvCapacityTokens: number | undefined;
  readonly blockTokens: number | undefined;
}

const minSpanS = 60;
const itlNames = ['vllm:inter_token_latency_seconds', 'vllm:time_per_output_token_seconds'] as const;
const ttftName = 'vllm:time_to_first_token_seconds';
const needed: readonly (readonly [what: string, names: readonly string[]])[] = [
  ['vllm:num_requests_running', ['vllm:num_requests_running']],
  ['vllm:kv_cache_usage_perc', ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc']],
  ['vllm:inter_token_latency_seconds_sum', itlNames.map((name) => `${name}_sum`)],
  ['vllm:inter_token_latency_seconds_count', itlNames.map((name) => `${name}_count`)],
  ['vllm:prompt_tokens_total', ['vllm:prompt_tokens_total', 'vllm:prompt_tokens']],
];

/** Time of each sample to its value. */
type Samples = ReadonlyMap<number, number>;
/** By metric name. */
type Engine = ReadonlyMap<string, Samples>;

/** The answer of Prometheus' query_range for the series of vLLM engines. */
export function parseHistory(answer: unknown): Result<History> {
  if (at(answer, 'data/resultType') !== 'matrix') {
    return problem('data.resultType', at(answer, 'data/resultType') ?? 'absent', "'matrix': the answer of query_range");
  }
  const engines = enginesOf(listAt(answer, 'data/result'));
  for (const [what, names] of needed) {
    const has = [...engines.values()].some((engine) => names.some((name) => engine.has(name)));
    if (!has) return problem('data.result', `no series of ${what}`, `series of ${what} of at least one engine`);
  }
  const rows = [...engines].flatMap(([name, engine]) => rowsOf(name, engine));
  return ok({ rows: rows.toSorted((a, b) => a.fromS - b.fromS), ...capacityOf(listAt(answer, 'data/result')) });
}

function enginesOf(result: readonly unknown[]): ReadonlyMap<string, Engine> {
  const engines = new Map<string, Map<string, Samples>>();
  for (const series of result) {
    const name = at(series, 'metric/__name__');
    if (typeof name !== 'string') continue;
    const engine = ['namespace', 'pod', 'instance', 'engine'].map((label) => at(series, `metric/${label}`)).join('/');
    const own = engines.get(engine) ?? new Map<string, Samples>();
    engines.set(engine, own);
    own.set(name, samplesOf(series));
  }
  return engines;
}

function samplesOf(series: unknown): Samples {
  return new Map(
    listAt(series, 'values').flatMap((pair) => {
      const [time, value] = [Number(at(pair, '0')), Number(at(pair, '1'))];
      return Number.isFinite(time) && Number.isFinite(value) ? [[time, value] as const] : [];
    }),
  );
}

function capacityOf(result: readonly unknown[]): Pick<History, 'kvCapacityTokens' | 'blockTokens'> {
  const info = result.find((series) => at(series, 'metric/__name__') === 'vllm:cache_config_info');
  const [block, blocks] = [Number(at(info, 'metric/block_size')), Number(at(info, 'metric/num_gpu_blocks'))];
  if (!(block > 0 && blocks > 0)) return { kvCapacityTokens: undefined, blockTokens: undefined };
  return { kvCapacityTokens: block * blocks, blockTokens: block };
}

/** One row for each span of a minute or the step, whichever is longer, in which tokens came out and no counter was reset. */
function rowsOf(name: string, engine: Engine): readonly HistoryRow[] {
  const times = [...(seriesOf(engine, needed[3]?.[1] ?? [])?.keys() ?? [])].toSorted((a, b) => a - b);
  const rows: HistoryRow[] = [];
  let from = times[0];
  for (const to of times.slice(1)) {
    if (from === undefined || to - from < minSpanS) continue;
    const row = rowOf(name, engine, { from, to });
    if (row !== undefined) rows.push(row);
    from = to;
  }
  return rows;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function rowOf(name: string, engine: Engine, span: Span): HistoryRow | undefined {
  const [running, kvUse, sum, count, prompt] = needed.map(([, names]) => seriesOf(engine, names));
  const itl = ratio(grown(sum, span), grown(count, span));
  const prefilled = grown(prompt, span);
  const [meanRunning, meanUse] = [meanIn(running, span), meanIn(kvUse, span)];
  if (itl === undefined || prefilled === undefined || meanRunning === undefined || meanUse === undefined)
    return undefined;
  if (meanRunning < 0.5) return undefined;
  const cached = grown(seriesOf(engine, ['vllm:prefix_cache_hits_total', 'vllm:prefix_cache_hits']), span) ?? 0;
  const ttftCount = grown(engine.get(`${ttftName}_count`), span);
  const ttft = ratio(grown(engine.get(`${ttftName}_sum`), span), ttftCount);
  return {
    engine: name,
    fromS: span.from,
    itl: itl * 1000,
    running: meanRunning,
    waiting: meanIn(engine.get('vllm:num_requests_waiting'), span) ?? 0,
    kvUse: meanUse,
    prefillRate: Math.max(0, prefilled - cached) / (span.to - span.from),
    promptTokens: ratio(prefilled - cached, ttftCount),
    ttftMean: ttft === undefined ? undefined : ttft * 1000,
  };
}

function seriesOf(engine: Engine, names: readonly string[]): Samples | undefined {
  return names.map((name) => engine.get(name)).find((samples) => samples !== undefined);
}

/** Undefined after a restart or where an end has no sample. */
function grown(samples: Samples | undefined, { from, to }: Span): number | undefined {
  const [before, after] = [samples?.get(from), samples?.get(to)];
  return before === undefined || after === undefined || after < before ? undefined : after - before;
}

function ratio(sum: number | undefined, count: number | undefined): number | undefined {
  return sum === undefined || count === undefined || count <= 0 ? undefined : sum / count;
}

/** Mean of what a gauge showed, both ends included. */
function meanIn(samples: Samples | undefined, { from, to }: Span): number | undefined {
  const values = [...(samples ?? [])].filter(([time]) => time >= from && time <= to).map(([, value]) => value);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
