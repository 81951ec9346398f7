import type { EngineTable, SeriesFilter, SignalRule, SignalSource } from './table.ts';

/** vLLM's own exporter, and Ray Serve's re-export of it, which cannot use a colon. */
const prefixes = ['vllm:', 'ray_vllm_'] as const;

/** Handlers whose requests are the work of the pool; the others (`/metrics`, `/v1/models`, `/pause`) are not. */
const workHandlers = [
  '/completions',
  '/v1/responses',
  '/v1/messages',
  '/generate',
  '/embeddings',
  '/pooling',
  '/classify',
  '/score',
  '/rerank',
  '/transcriptions',
  '/translations',
] as const;

/** A 4xx was refused before it reached the engine: no demand. A 5xx is demand that was turned away. */
const served: readonly SeriesFilter[] = [
  { label: 'handler', endsWith: workHandlers },
  { label: 'status', noneOf: ['4xx'] },
];

const everyName = (...names: readonly string[]): readonly string[] =>
  names.flatMap((name) => prefixes.map((prefix) => prefix + name));

const first = (sources: readonly SignalSource[]): SignalRule => ({ pick: 'first', sources });

const gauges = (over: SignalSource['over'], ...names: readonly string[]): readonly SignalSource[] =>
  everyName(...names).map((family) => ({ family, over }));

/** Some builds expose counters without `_total`. Names match exactly, so `..._created` gauges and histograms in `_total` do not. */
const counters = (...names: readonly string[]): readonly SignalSource[] =>
  gauges('sum', ...names.flatMap((name) => [`${name}_total`, name]));

const controlCalls = (handler: string): readonly SignalSource[] => [
  {
    family: 'http_requests_total',
    over: 'sum',
    where: [
      { label: 'handler', endsWith: [handler] },
      { label: 'status', oneOf: ['2xx'] },
    ],
  },
];

/** V1 keeps one null block out of use: usable tokens are one block less than the cache. V0 (no `engine` label) has none. */
const capacity: readonly SignalSource[] = everyName('cache_config_info').flatMap((family) => [
  { family, over: 'sum', fromLabels: { product: ['kv_cache_size_tokens'], less: 'block_size' } },
  {
    family,
    over: 'sum',
    where: [{ label: 'engine', noneOf: [''] }],
    fromLabels: { product: ['block_size', 'num_gpu_blocks'], less: 'block_size' },
  },
  { family, over: 'sum', fromLabels: { product: ['block_size', 'num_gpu_blocks'] } },
]);

/**
 * vLLM V0 (to 0.7), V1 early (0.8 to 0.10), 0.26 and later, 0.32. Left out on purpose: `gpu_prefix_cache_hits_total` (blocks, not tokens, in
 * the versions that have it) and `iteration_tokens_total` (a histogram).
 */
export const vllm: EngineTable = {
  name: 'vLLM',
  signature: everyName('num_requests_running', 'num_requests_waiting'),
  signals: {
    waiting: first(gauges('sum', 'num_requests_waiting')),
    running: first(gauges('sum', 'num_requests_running')),
    kvUse: { ...first(gauges('mean', 'kv_cache_usage_perc', 'gpu_cache_usage_perc')), atMost: 1 },
    kvCapacityTokens: first(capacity),
    // Hang-ups are in the HTTP counter only; the prompts of one batched request are in the engine's only.
    finishedTotal: {
      pick: 'largest',
      sources: [{ family: 'http_requests_total', over: 'sum', where: served }, ...counters('request_success')],
    },
    promptTokensTotal: first(counters('prompt_tokens')),
    cachedPromptTokensTotal: first(counters('prompt_tokens_cached', 'prefix_cache_hits')),
    outputTokensTotal: first(counters('generation_tokens')),
    preemptionsTotal: first(counters('num_preemptions')),
    ttftSecondsSum: first(gauges('sum', 'time_to_first_token_seconds_sum')),
    ttftCount: first(gauges('sum', 'time_to_first_token_seconds_count')),
    itlSecondsSum: first(gauges('sum', 'inter_token_latency_seconds_sum', 'time_per_output_token_seconds_sum')),
    itlCount: first(gauges('sum', 'inter_token_latency_seconds_count', 'time_per_output_token_seconds_count')),
    queueSecondsSum: first(gauges('sum', 'request_queue_time_seconds_sum')),
    queueCount: first(gauges('sum', 'request_queue_time_seconds_count')),
    maxRunning: first([]),
  },
  rest: {
    asleep: everyName('engine_sleep_state').map((family) => ({
      family,
      over: 'max',
      where: [{ label: 'sleep_state', noneOf: ['awake'] }],
    })),
    paused: controlCalls('/pause'),
    resumed: controlCalls('/resume'),
    gauges: ['waiting', 'running', 'kvUse'],
  },
};
