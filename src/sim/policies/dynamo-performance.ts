import type { PoolSeen, ReplicaSamples, ReplicaSeen, SignalName } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import { fitPlane, type Observation, type Plane } from './linear-fit.ts';
import { reading, replicasOf } from './signals.ts';
import { meanOf } from './windows.ts';

export interface PerformanceSetting {
  readonly minObservations: number;
  readonly maxSamples: number;
  readonly maxBatchedTokens: number;
}

/** Buckets of an axis: samples are retired from the fullest field of this grid, so that rare loads stay known. */
const bucketsPerAxis = 4;
const highestHitRate = 0.95;

/** What one engine did between two scrapes, a mean iteration. */
interface Iteration extends Observation {
  /** Mean prompt and decode context of a request, where any was seen. */
  readonly prompt?: number;
  readonly context?: number;
}

/**
 * Dynamo's regression for aggregated engines: time of an iteration from its prefill tokens (x) and the KV tokens it reads (z). Dynamo learns
 * from single iterations; a scraper sees their means over an interval.
 */
export class DynamoPerformance {
  readonly #setting: PerformanceSetting;
  readonly #last = new Map<string, { readonly at: number; readonly samples: ReplicaSamples }>();
  #iterations: Iteration[] = [];
  #axes = { x: { low: Infinity, high: -Infinity }, z: { low: Infinity, high: -Infinity } };
  #plane: Plane | undefined;

  constructor(setting: PerformanceSetting) {
    this.#setting = setting;
  }

  look(seen: PoolSeen, now: Instant): void {
    let isNew = false;
    for (const replica of replicasOf(seen)) {
      const { itlCount } = replica.samples;
      if (itlCount.kind === 'missing' || reading(replica, 'itlCount', seen, now) === undefined) continue;
      const before = this.#last.get(replica.id);
      if (before?.at === itlCount.at) continue;
      this.#last.set(replica.id, { at: itlCount.at, samples: replica.samples });
      const iteration = before === undefined ? undefined : iterationOf(replica, before);
      if (iteration === undefined) continue;
      this.#add(iteration);
      isNew = true;
    }
    if (isNew) this.#plane = this.#fit();
  }

  get isReady(): boolean {
    return this.#plane !== undefined;
  }

  get meanPrompt(): number {
    return meanOf(this.#iterations.flatMap(({ prompt }) => prompt ?? [])) ?? 0;
  }

  /** Milliseconds of an iteration; `undefined` until the fit is usable. */
  wall(prefillTokens: number, kvTokens: number): number | undefined {
    if (this.#plane === undefined) return undefined;
    const { base, perX, perZ } = this.#plane;
    return Math.max(1e-3, base + perX * prefillTokens + perZ * kvTokens);
  }

  /** Time to the first token of a request that comes now, in chunks of the token budget. */
  ttft(queuedTokens: number, kvTokens: number, hitRate: number): number | undefined {
    const total = (queuedTokens + this.meanPrompt) * (1 - Math.min(highestHitRate, Math.max(0, hitRate)));
    const budget = this.#setting.maxBatchedTokens;
    const whole = this.wall(budget, kvTokens);
    const rest = this.wall(total % budget, kvTokens);
    if (whole === undefined || rest === undefined) return undefined;
    return Math.floor(total / budget) * whole + (total % budget > 0 ? rest : 0);
  }

  itl(kvTokens: number): number | undefined {
    const prefill = meanOf(this.#iterations.map(({ x }) => x)) ?? 0;
    const context = meanOf(this.#iterations.flatMap((iteration) => iteration.context ?? [])) ?? 0;
    return this.wall(prefill, kvTokens + context);
  }

  #add(iteration: Iteration): void {
    this.#axes = { x: stretched(this.#axes.x, iteration.x), z: stretched(this.#axes.z, iteration.z) };
    this.#iterations.push(iteration);
    if (this.#iterations.length <= this.#setting.maxSamples) return;
    const fields = Map.groupBy(this.#iterations, (one) => this.#field(one));
    const fullest = [...fields.values()].reduce((best, field) => (field.length > best.length ? field : best), []);
    this.#iterations = this.#iterations.filter((one) => one !== fullest[0]);
  }

  #field({ x, z }: Iteration): string {
    return `${bucketOf(this.#axes.x, x)}/${bucketOf(this.#axes.z, z)}`;
  }

  /** More load cannot take less time: such a fit is refused. */
  #fit(): Plane | undefined {
    if (this.#iterations.length < this.#setting.minObservations) return undefined;
    const plane = fitPlane(this.#iterations);
    return plane === undefined || plane.perX < 0 || plane.perZ < 0 ? undefined : plane;
  }
}

interface Axis {
  readonly low: number;
  readonly high: number;
}

function stretched({ low, high }: Axis, n: number): Axis {
  return { low: Math.min(low, n), high: Math.max(high, n) };
}

function bucketOf({ low, high }: Axis, n: number): number {
  if (high <= low) return 0;
  return Math.min(bucketsPerAxis - 1, Math.trunc(((n - low) / (high - low)) * bucketsPerAxis));
}

/** The mean iteration between two readings; `undefined` when nothing was decoded or the counters began anew. */
function iterationOf(
  { samples }: ReplicaSeen,
  before: { readonly at: number; readonly samples: ReplicaSamples },
): Iteration | undefined {
  const change = (name: SignalName): number => raw(samples, name) - raw(before.samples, name);
  const mean = (name: SignalName): number => (raw(samples, name) + raw(before.samples, name)) / 2;
  const decoded = change('itlCount');
  const prompts = change('ttftCount');
  const tokens = change('promptTokensTotal') - change('cachedPromptTokensTotal');
  if (!(decoded > 0) || !(prompts >= 0) || !(tokens >= 0)) return undefined;
  const running = Math.max(1, mean('running'));
  const iterations = decoded / running;
  const kvTokens = raw(samples, 'kvCapacityTokens') * mean('kvUse');
  return {
    x: tokens / iterations,
    z: kvTokens,
    y: (change('itlSecondsSum') * 1000) / decoded,
    context: kvTokens / running,
    ...(prompts > 0 ? { prompt: change('promptTokensTotal') / prompts } : {}),
  };
}

function raw(samples: ReplicaSamples, name: SignalName): number {
  const sample = samples[name];
  return sample.kind === 'missing' ? NaN : sample.value;
}
