import {
  histogramOf,
  isQuantile,
  type PeerSignal,
  type PodSignal,
  type QuantileSignal,
} from '../../core/model/peer-parameters.ts';
import type { HistogramName, PoolSeen, SignalName } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import { PoolQuantile } from './histogram-windows.ts';
import { PoolCounter } from './pool-counter.ts';
import { reading, replicasOf, sumOf } from './signals.ts';
import { meanOf } from './windows.ts';

export const sampleOf: Readonly<Record<PodSignal, SignalName>> = {
  Waiting: 'waiting',
  Running: 'running',
  KvUse: 'kvUse',
};

/** `error`: the source refuses; `none`: the query is right and answers no series. */
export type Queried =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'error' };

export interface MetricQuery {
  readonly signal: PeerSignal;
  readonly quantilePercent?: number;
}

/** What a Prometheus would answer to each query, kept up by one `look` a pass. */
export class MetricReader {
  readonly #output: PoolCounter;
  readonly #prompt: PoolCounter;
  readonly #ttftSum: PoolCounter;
  readonly #ttftCount: PoolCounter;
  readonly #quantiles: ReadonlyMap<HistogramName, PoolQuantile>;

  /** `signals`: what will be asked; of histograms only those are kept up. */
  constructor(windowSeconds: number, signals: readonly PeerSignal[]) {
    const names = new Set(signals.flatMap((signal) => histogramOf(signal) ?? []));
    this.#quantiles = new Map([...names].map((name) => [name, new PoolQuantile(name, windowSeconds)]));
    this.#output = new PoolCounter('outputTokensTotal', windowSeconds);
    this.#prompt = new PoolCounter('promptTokensTotal', windowSeconds);
    this.#ttftSum = new PoolCounter('ttftSecondsSum', windowSeconds);
    this.#ttftCount = new PoolCounter('ttftCount', windowSeconds);
  }

  /** Whether it has anything to read of histograms. */
  get readsHistograms(): boolean {
    return this.#quantiles.size > 0;
  }

  look(seen: PoolSeen, now: Instant): void {
    for (const quantile of this.#quantiles.values()) quantile.look(seen, now);
    for (const counter of [this.#output, this.#prompt, this.#ttftSum, this.#ttftCount]) counter.look(seen, now);
  }

  query({ signal, quantilePercent = 95 }: MetricQuery, seen: PoolSeen, now: Instant): Queried {
    if (!isQuantile(signal)) return this.#gaugeOrRate(signal, seen, now);
    const name = histogramOf(signal);
    return queried(name && this.#quantiles.get(name)?.quantile(quantilePercent / 100));
  }

  #gaugeOrRate(signal: Exclude<PeerSignal, QuantileSignal>, seen: PoolSeen, now: Instant): Queried {
    switch (signal) {
      case 'Waiting':
      case 'Running':
        return queried(sumOf(sampleOf[signal], seen, now));
      case 'KvUse':
        return queried(meanOf(series('kvUse', seen, now)));
      case 'WaitingSeries': {
        const values = series('waiting', seen, now);
        return values.length > 1 ? { kind: 'error' } : queried(values[0]);
      }
      case 'OutputTokenRate':
        return queried(this.#output.rate());
      case 'PromptTokenRate':
        return queried(this.#prompt.rate());
      case 'MeanTimeToFirstToken':
        return queried(this.#meanTtft());
    }
  }

  /** 0 / 0 is NaN in PromQL, which no scaler takes for a value. */
  #meanTtft(): number | undefined {
    const count = this.#ttftCount.increase() ?? 0;
    return count === 0 ? undefined : (this.#ttftSum.increase() ?? 0) / count;
  }
}

/** The replicas' own readings of one signal. */
export function series(signal: SignalName, seen: PoolSeen, now: Instant): readonly number[] {
  return replicasOf(seen).flatMap((replica) => reading(replica, signal, seen, now) ?? []);
}

function queried(value: number | undefined): Queried {
  return value === undefined ? { kind: 'none' } : { kind: 'value', value };
}
