import type { WvaV2Parameters } from '../../core/model/peer-parameters.ts';
import type { PoolSeen } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import type { MeanLengths } from './pool-counter.ts';
import { reading, replicasOf } from './signals.ts';
import { meanOf, medianOf, type Timed } from './windows.ts';

export interface LoadedReplica {
  /** Tokens in the KV cache now, and how many it holds. */
  readonly tokens: number;
  readonly kvTokens: number;
  readonly waiting: number;
}

/** Ready replicas of which everything is known. */
export function loadedReplicas(seen: PoolSeen, now: Instant): readonly LoadedReplica[] {
  return replicasOf(seen)
    .filter(({ phase }) => phase === 'Ready')
    .flatMap((replica) => {
      const kvUse = reading(replica, 'kvUse', seen, now);
      const kvTokens = reading(replica, 'kvCapacityTokens', seen, now);
      const waiting = reading(replica, 'waiting', seen, now);
      if (kvUse === undefined || kvTokens === undefined || waiting === undefined) return [];
      return [{ tokens: kvUse * kvTokens, kvTokens, waiting }];
    });
}

type OutputBucket = 'short' | 'medium' | 'long';
const historyLength = 10;
const historyMs = 24 * 3_600_000;
const storedMs = 7 * 24 * 3_600_000;

/** Learns how many tokens a replica carries: memory bound (k1) or compute bound (k2), whichever is less. */
export class CapacityStore {
  readonly #parameters: WvaV2Parameters;
  readonly #history = new Map<OutputBucket, readonly Timed[]>();
  #stored: Timed | undefined;

  constructor(parameters: WvaV2Parameters) {
    this.#parameters = parameters;
  }

  /** Median of the replicas; without any, what was last known, for a week. */
  look(now: Instant, replicas: readonly LoadedReplica[], lengths: MeanLengths | undefined): number | undefined {
    const bucket = bucketOf(lengths?.output ?? 0);
    const capacities = replicas.map((replica) => this.#capacity(now, replica, { bucket, lengths }));
    const median = medianOf(capacities);
    if (median !== undefined && median > 0) this.#stored = { at: now, value: median };
    return this.#stored !== undefined && now - this.#stored.at <= storedMs ? this.#stored.value : undefined;
  }

  #capacity(
    now: Instant,
    { tokens, kvTokens, waiting }: LoadedReplica,
    { bucket, lengths }: { readonly bucket: OutputBucket; readonly lengths: MeanLengths | undefined },
  ): number {
    const k1 = (kvTokens * this.#parameters.kvCacheThresholdPercent) / 100;
    if (waiting >= this.#parameters.queueLengthThreshold && tokens > 0) {
      this.#history.set(bucket, [...this.#young(now, bucket), { at: now, value: tokens }].slice(-historyLength));
      return Math.min(k1, tokens);
    }
    const known = meanOf(this.#young(now, bucket).map(({ value }) => value));
    return Math.min(k1, known ?? derivedCapacity(this.#parameters, lengths) ?? k1);
  }

  #young(now: Instant, bucket: OutputBucket): readonly Timed[] {
    return (this.#history.get(bucket) ?? []).filter(({ at }) => now - at <= historyMs);
  }
}

function bucketOf(output: number): OutputBucket {
  if (output < 100) return 'short';
  return output < 500 ? 'medium' : 'long';
}

/** Sequences that the token budget can prefill while the others decode, each with half of its answer. */
export function derivedCapacity(
  { maxBatchedTokens, maxNumSeqs }: Pick<WvaV2Parameters, 'maxBatchedTokens' | 'maxNumSeqs'>,
  lengths: Pick<MeanLengths, 'prompt' | 'output'> | undefined,
): number | undefined {
  if (lengths === undefined || lengths.prompt + lengths.output <= 0 || lengths.output <= 0) return undefined;
  const { prompt, output } = lengths;
  const sequences = Math.min((maxBatchedTokens * output) / (prompt + output), maxNumSeqs);
  return sequences * (prompt + output / 2);
}
