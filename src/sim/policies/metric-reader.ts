import type { PeerSignal, PodSignal } from '../../core/model/peer-parameters.ts';
import type { PoolSeen, SignalName } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
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

/** What a Prometheus would answer to each query, kept up by one `look` a pass. */
export class MetricReader {
  readonly #output: PoolCounter;
  readonly #prompt: PoolCounter;
  readonly #ttftSum: PoolCounter;
  readonly #ttftCount: PoolCounter;

  constructor(windowSeconds: number) {
    this.#output = new PoolCounter('outputTokensTotal', windowSeconds);
    this.#prompt = new PoolCounter('promptTokensTotal', windowSeconds);
    this.#ttftSum = new PoolCounter('ttftSecondsSum', windowSeconds);
    this.#ttftCount = new PoolCounter('ttftCount', windowSeconds);
  }

  look(seen: PoolSeen, now: Instant): void {
    for (const counter of [this.#output, this.#prompt, this.#ttftSum, this.#ttftCount]) counter.look(seen, now);
  }

  query(signal: PeerSignal, seen: PoolSeen, now: Instant): Queried {
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
