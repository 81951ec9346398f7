import type { KnativeKpaParameters } from '../../core/model/peer-parameters.ts';
import type { ReplicaSeen } from '../../core/model/pool.ts';
import { after, elapsed, type Instant } from '../../core/model/units.ts';
import { RandomStream } from '../rng.ts';
import { answerOf, held, noScale, within } from './answer.ts';
import { ConcurrencyBuckets } from './concurrency-buckets.ts';
import { KpaDecider, type KpaDecision, type KpaMetrics, type KpaSpec } from './kpa-decider.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf, gatewayQueue, reading, replicasOf } from './signals.ts';

/** Population size at which the sample for 95 % confidence is half of it, by Knative's formula. */
const sampleFactor = (1.96 ** 2 * 100) / 25;
/** Up to this many pods all are scraped. */
const allScraped = 3;
const bucketSeconds = 1;

/** Knative's pod autoscaler on the pool's total concurrency: what waits at the gateway (its activator) and what runs or waits in ready pods. */
export function createKnativeKpa(
  name: string,
  parameters: KnativeKpaParameters,
  setting: PolicySetting,
): SimulatedPolicy {
  const spec = specOf(parameters);
  const pipeline = new Pipeline(parameters, setting);
  let decider: KpaDecider | undefined;
  let idleSince: Instant | undefined;
  return {
    name,
    tickSeconds: parameters.tickSeconds,
    decide: (view: PolicyView): PolicyAnswer => {
      const { now } = view;
      pipeline.look(view);
      const counts = countsOf(view.seen);
      const metrics = pipeline.metrics(now);
      if (counts === undefined) return noScale;
      if (metrics === undefined) return held('ErrNoData: held');
      decider ??= new KpaDecider(spec, { ready: counts.ready, now });
      const decision = decider.decide(spec, now, counts.ready, metrics);
      idleSince = decision.replicas === 0 ? (idleSince ?? now) : undefined;
      const mayBeZero = idleSince !== undefined && elapsed(idleSince, now) >= parameters.scaleToZeroGraceSeconds;
      const least = mayBeZero || counts.spec === 0 ? 0 : 1;
      return answerOf(counts.spec, within(setting, Math.max(decision.replicas, least)), because(metrics, decision));
    },
  };
}

export function specOf(parameters: KnativeKpaParameters): KpaSpec {
  const { concurrency, utilizationPercent } = parameters;
  return {
    ...parameters,
    totalValue: concurrency,
    targetValue: Math.max(0.01, (concurrency * utilizationPercent) / 100),
    panicThreshold: parameters.panicThresholdPercent / 100,
    isReachable: true,
  };
}

/** How many of `pods` are scraped. */
export function sampleSize(pods: number): number {
  if (pods <= allScraped) return pods;
  return Math.ceil((pods * sampleFactor) / (pods + sampleFactor - 1));
}

/** From readings to the two window means. */
class Pipeline {
  readonly #parameters: KnativeKpaParameters;
  readonly #stream: RandomStream;
  readonly #stable: ConcurrencyBuckets;
  readonly #panic: ConcurrencyBuckets;

  constructor(parameters: KnativeKpaParameters, { seed }: PolicySetting) {
    const { stableWindowSeconds: window, panicWindowPercent } = parameters;
    this.#parameters = parameters;
    this.#stream = new RandomStream(seed, 'knative-kpa/sample');
    this.#stable = new ConcurrencyBuckets(window, bucketSeconds);
    this.#panic = new ConcurrencyBuckets(Math.max(bucketSeconds, (window * panicWindowPercent) / 100), bucketSeconds);
  }

  /** One value for each second since the last tick: between two ticks the readings are what they were. */
  look(view: PolicyView): void {
    const total = this.#concurrency(view);
    if (total === undefined) return;
    for (let age = this.#parameters.tickSeconds - bucketSeconds; age >= 0; age -= bucketSeconds) {
      this.#stable.record(after(view.now, -age), total);
      this.#panic.record(after(view.now, -age), total);
    }
  }

  metrics(now: Instant): KpaMetrics | undefined {
    if (this.#stable.isEmpty(now)) return undefined;
    if (this.#parameters.aggregation === 'Linear') {
      return { stable: this.#stable.average(now), panic: this.#panic.average(now) };
    }
    return { stable: this.#stable.weightedAverage(now), panic: this.#panic.weightedAverage(now) };
  }

  /** Mean of the scraped pods times all ready pods; absent when pods are ready and none answers. */
  #concurrency({ now, seen }: PolicyView): number | undefined {
    const waiting = gatewayQueue(seen, now) ?? 0;
    const ready = replicasOf(seen).filter(({ phase }) => phase === 'Ready');
    if (ready.length === 0) return waiting;
    const values: number[] = [];
    for (const pod of this.#scrapeOrder(ready, now)) {
      if (values.length === sampleSize(ready.length)) break;
      const running = reading(pod, 'running', seen, now);
      const queued = reading(pod, 'waiting', seen, now);
      if (running !== undefined && queued !== undefined) values.push(running + queued);
    }
    if (values.length === 0) return undefined;
    return waiting + (values.reduce((sum, value) => sum + value, 0) / values.length) * ready.length;
  }

  /** Old pods in random order, then those younger than the stable window. */
  #scrapeOrder(ready: readonly ReplicaSeen[], now: Instant): readonly ReplicaSeen[] {
    if (ready.length <= allScraped) return ready;
    const isYoung = ({ milestones, since }: ReplicaSeen): boolean =>
      elapsed(milestones.readyAt ?? since, now) < this.#parameters.stableWindowSeconds;
    const drawn = ready.map((pod) => ({ pod, at: this.#stream.uniform() + (isYoung(pod) ? 1 : 0) }));
    return drawn.toSorted((a, b) => a.at - b.at).map(({ pod }) => pod);
  }
}

function because(metrics: KpaMetrics, { isPanicking, replicas, excessBurstCapacity: ebc }: KpaDecision): string {
  const mode = isPanicking ? 'panic' : 'stable';
  return `${mode}: concurrency ${metrics.stable} stable, ${metrics.panic} panic ask for ${replicas}; burst capacity ${ebc}`;
}
