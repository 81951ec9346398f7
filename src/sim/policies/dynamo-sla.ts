import type { DynamoSlaParameters } from '../../core/model/peer-parameters.ts';
import { answerOf, held, noScale, within } from './answer.ts';
import { type DynamoEngine, dynamoEngines } from './dynamo-engines.ts';
import { DynamoPerformance } from './dynamo-performance.ts';
import { bestEngineRate, type Traffic, TrafficForecast } from './dynamo-throughput.ts';
import { LengthReader } from './pool-counter.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { type Counts, countsOf, reading, replicasOf } from './signals.ts';

/**
 * Dynamo's planner with `optimization_target: sla`. Load: one step by the times that its regression predicts. Throughput, its default: the size for the forecast
 * of the next interval. Hybrid: the second is the floor of the first.
 */
export function createDynamoSla(
  name: string,
  parameters: DynamoSlaParameters,
  setting: PolicySetting,
): SimulatedPolicy {
  const planner = new Planner(parameters);
  return {
    name,
    tickSeconds: parameters.mode === 'Throughput' ? 5 : parameters.loadTickSeconds,
    decide: (view: PolicyView): PolicyAnswer => {
      const counts = countsOf(view.seen);
      if (counts === undefined) return noScale;
      const { replicas, because } = planner.look(view, counts);
      if (replicas === undefined) return held(because);
      return answerOf(counts.spec, within(setting, Math.max(replicas, parameters.minEndpoint)), because);
    },
  };
}

interface Plan {
  readonly replicas?: number;
  readonly because: string;
}

class Planner {
  readonly #parameters: DynamoSlaParameters;
  readonly #performance: DynamoPerformance;
  readonly #lengths: LengthReader;
  readonly #forecast: TrafficForecast;
  #floor = 0;

  constructor(parameters: DynamoSlaParameters) {
    this.#parameters = parameters;
    this.#performance = new DynamoPerformance(parameters);
    this.#lengths = new LengthReader(parameters.throughputTickSeconds);
    this.#forecast = new TrafficForecast(parameters);
  }

  look(view: PolicyView, counts: Counts): Plan {
    const { seen, now } = view;
    this.#performance.look(seen, now);
    this.#lengths.look(seen, now);
    const { mode } = this.#parameters;
    const traffic = mode === 'Load' ? undefined : this.#forecast.look(seen, now, this.#lengths.lengths);
    const wanted = traffic === undefined ? undefined : this.#size(view, traffic);
    if (mode === 'Throughput') return wanted ?? { because: 'between two intervals, or model_not_ready: held' };
    if (wanted?.replicas !== undefined) this.#floor = wanted.replicas;
    return this.#step(view, counts);
  }

  #size({ seen, now }: PolicyView, traffic: Traffic): Plan | undefined {
    const of = (name: 'kvCapacityTokens' | 'maxRunning'): number =>
      Math.max(0, ...replicasOf(seen).map((replica) => reading(replica, name, seen, now) ?? 0));
    const rate = bestEngineRate(this.#performance, traffic, {
      ...this.#parameters,
      maxKvTokens: of('kvCapacityTokens'),
      maxSequences: of('maxRunning') || Infinity,
      hitRate: this.#lengths.lengths?.hitRate ?? 0,
    });
    if (rate === undefined) return undefined;
    const replicas = Math.max(this.#parameters.minEndpoint, Math.ceil(traffic.requestsPerSecond / rate));
    const because = `forecast ${traffic.requestsPerSecond.toFixed(2)} requests/s, ${rate.toFixed(2)} an engine`;
    return { replicas, because };
  }

  #step({ seen, now }: PolicyView, counts: Counts): Plan {
    const read = dynamoEngines(seen, now, counts, this.#performance.meanPrompt);
    if (read.kind === 'held') return { because: `${read.because}: held` };
    if (!this.#performance.isReady) return { because: 'insufficient_data: held' };
    const hitRate = this.#lengths.lengths?.hitRate ?? 0;
    const step = slaStep(this.#performance, read.engines, { ...this.#parameters, hitRate });
    const replicas = Math.max(read.engines.length + step, this.#floor);
    return { replicas, because: `the predicted times ask for ${step > 0 ? '+' : ''}${step}; floor ${this.#floor}` };
  }
}

export interface SlaLimits
  extends Pick<DynamoSlaParameters, 'ttftMilliseconds' | 'itlMilliseconds' | 'sensitivityPercent'> {
  readonly hitRate: number;
}

/** +1 when ALL engines miss one of the objectives; -1 when every engine would keep both with the load of one engine less. */
export function slaStep(
  model: Pick<DynamoPerformance, 'ttft' | 'itl'>,
  engines: readonly DynamoEngine[],
  limits: SlaLimits,
): -1 | 0 | 1 {
  const misses = (time: number | undefined, limit: number): boolean => time !== undefined && time > limit;
  const isLate = engines.every((engine) =>
    misses(model.ttft(engine.queuedPrefillTokens, engine.kvTokens, limits.hitRate), limits.ttftMilliseconds),
  );
  const isSlow = engines.every((engine) => misses(model.itl(engine.kvTokens), limits.itlMilliseconds));
  if (isLate || isSlow) return 1;
  if (engines.length < 2) return 0;
  const share = engines.length / (engines.length - 1);
  return engines.every((engine) => keepsWithOneLess(model, engine, { ...limits, share })) ? -1 : 0;
}

/** The margin is kept of what queueing may cost, not of the request's own computing time, which no engine more would shorten. */
function keepsWithOneLess(
  model: Pick<DynamoPerformance, 'ttft' | 'itl'>,
  { kvTokens, maxKvTokens, queuedPrefillTokens }: DynamoEngine,
  limits: SlaLimits & { readonly share: number },
): boolean {
  const { share, hitRate } = limits;
  const sensitivity = limits.sensitivityPercent / 100;
  const kvAfter = kvTokens * share;
  const own = model.ttft(0, kvAfter, hitRate);
  const after = model.ttft(queuedPrefillTokens * share, kvAfter, hitRate);
  if (own === undefined || after === undefined) return false;
  const budget = (limits.ttftMilliseconds - own) * sensitivity;
  if (budget <= 0 || after - own >= budget) return false;
  const everything = (kvTokens + queuedPrefillTokens) * share;
  const itl = model.itl(everything);
  return everything < maxKvTokens && itl !== undefined && itl < limits.itlMilliseconds * sensitivity;
}
