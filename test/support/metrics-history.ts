import type { EngineProfile } from '../../src/core/model/profile.ts';
import { Replica, type ReplicaSnapshot } from '../../src/sim/replica.ts';
import { RandomStream } from '../../src/sim/rng.ts';

/** What Prometheus has of one simulated vLLM: requests a second change every two minutes, a sample every 15 seconds. */
export function metricsHistory(profile: EngineProfile, { rates }: { readonly rates: readonly number[] }): unknown {
  const replica = new Replica({
    profile,
    startMs: 0,
    observer: { firstToken: () => undefined, finished: () => undefined },
  });
  const arrivals = arrivalsOf(rates);
  const samples: { readonly atS: number; readonly snapshot: ReplicaSnapshot }[] = [];
  let next = 0;
  for (let atS = 0; atS <= rates.length * 120; atS += 15) {
    for (; (arrivals[next]?.atMs ?? Infinity) <= atS * 1000; next++) {
      const { atMs = 0, promptTokens = 1, outputTokens = 1 } = arrivals[next] ?? {};
      replica.submit({ id: next, promptTokens, outputTokens }, atMs);
    }
    replica.advance(atS * 1000);
    samples.push({ atS, snapshot: replica.snapshot() });
  }
  return answer(profile, samples);
}

interface Arrival {
  readonly atMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

function arrivalsOf(rates: readonly number[]): readonly Arrival[] {
  const stream = new RandomStream(3, 'history');
  const arrivals: Arrival[] = [];
  for (const [i, rate] of rates.entries()) {
    for (let atMs = i * 120_000; atMs < (i + 1) * 120_000; atMs += stream.exponential(1000 / rate)) {
      const length = (mean: number): number => Math.round(mean * (0.5 + stream.uniform()));
      arrivals.push({ atMs, promptTokens: length(600), outputTokens: length(250) });
    }
  }
  return arrivals;
}

const metrics: Readonly<Record<string, (snapshot: ReplicaSnapshot) => number>> = {
  'vllm:num_requests_running': ({ running }) => running,
  'vllm:num_requests_waiting': ({ waiting }) => waiting,
  'vllm:kv_cache_usage_perc': ({ kvUse }) => kvUse,
  'vllm:inter_token_latency_seconds_sum': ({ itlSecondsSum }) => itlSecondsSum,
  'vllm:inter_token_latency_seconds_count': ({ itlCount }) => itlCount,
  'vllm:time_to_first_token_seconds_sum': ({ ttftSecondsSum }) => ttftSecondsSum,
  'vllm:time_to_first_token_seconds_count': ({ ttftCount }) => ttftCount,
  'vllm:prompt_tokens_total': ({ promptTokensTotal }) => promptTokensTotal,
};

function answer(
  { kvCapacityTokens, blockTokens }: EngineProfile,
  samples: readonly { readonly atS: number; readonly snapshot: ReplicaSnapshot }[],
): unknown {
  const series = Object.entries(metrics).map(([name, read]) => ({
    metric: { __name__: name, pod: 'engine-0', model_name: 'm' },
    values: samples.map(({ atS, snapshot }) => [1_700_000_000 + atS, String(read(snapshot))]),
  }));
  const info = {
    metric: {
      __name__: 'vllm:cache_config_info',
      pod: 'engine-0',
      block_size: `${blockTokens}`,
      num_gpu_blocks: `${kvCapacityTokens / blockTokens}`,
    },
    values: [[1_700_000_000, '1']],
  };
  return { status: 'success', data: { resultType: 'matrix', result: [...series, info] } };
}
