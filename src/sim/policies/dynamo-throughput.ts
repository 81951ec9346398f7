import type { DynamoSlaParameters } from '../../core/model/peer-parameters.ts';
import type { PoolSeen } from '../../core/model/pool.ts';
import type { Instant } from '../../core/model/units.ts';
import type { DynamoPerformance } from './dynamo-performance.ts';
import { KalmanTrend } from './kalman.ts';
import { gatewayRequests } from './signals.ts';

/** Dynamo's own settings of its Kalman filter. */
const kalmanSetting = { levelNoise: 1, trendNoise: 0.1, readingNoise: 10, minPoints: 5 } as const;

export interface Traffic {
  readonly requestsPerSecond: number;
  readonly prompt: number;
  readonly output: number;
}

/** Forecasts one number an interval; leading zeros are not traffic yet. */
class Predictor {
  readonly #kalman = new KalmanTrend(kalmanSetting);
  readonly #isConstant: boolean;
  #last: number | undefined;

  constructor(kind: DynamoSlaParameters['predictor']) {
    this.#isConstant = kind === 'constant';
  }

  add(value: number): void {
    if (value === 0 && this.#last === undefined) return;
    this.#last = value;
    this.#kalman.add(value);
  }

  next(steps: number): number | undefined {
    if (this.#last === undefined || this.#isConstant) return this.#last;
    return this.#kalman.forecast(steps);
  }
}

/** Counts the requests of each interval and forecasts the next. */
export class TrafficForecast {
  readonly #parameters: DynamoSlaParameters;
  readonly #requests: Predictor;
  readonly #prompt: Predictor;
  readonly #output: Predictor;
  #began: { readonly at: Instant; readonly requests: number } | undefined;

  constructor(parameters: DynamoSlaParameters) {
    this.#parameters = parameters;
    this.#requests = new Predictor(parameters.predictor);
    this.#prompt = new Predictor(parameters.predictor);
    this.#output = new Predictor(parameters.predictor);
  }

  /** A forecast at the end of each interval, nothing in between. */
  look(
    seen: PoolSeen,
    now: Instant,
    lengths: { readonly prompt: number; readonly output: number } | undefined,
  ): Traffic | undefined {
    const requests = gatewayRequests(seen, now);
    if (requests === undefined) return undefined;
    this.#began ??= { at: now, requests };
    const { throughputTickSeconds: interval, horizonSeconds } = this.#parameters;
    if (now - this.#began.at < interval * 1000) return undefined;
    this.#requests.add(requests - this.#began.requests);
    this.#prompt.add(lengths?.prompt ?? 0);
    this.#output.add(lengths?.output ?? 0);
    this.#began = { at: now, requests };
    const steps = (horizonSeconds ?? interval) / interval;
    const [next, prompt, output] = [this.#requests.next(steps), this.#prompt.next(steps), this.#output.next(steps)];
    if (next === undefined || prompt === undefined || output === undefined) return undefined;
    return { requestsPerSecond: next / interval, prompt, output };
  }
}

export interface EngineLimits {
  readonly maxBatchedTokens: number;
  readonly maxKvTokens: number;
  readonly maxSequences: number;
  readonly ttftMilliseconds: number;
  readonly itlMilliseconds: number;
  readonly hitRate: number;
}

/**
 * The largest rate of one aggregated engine that keeps both objectives: more and more sequences decode, and each iteration prefills what replaces
 * those that end (Little's law). Where not even one sequence keeps them, the rate of one.
 */
export function bestEngineRate(
  model: Pick<DynamoPerformance, 'wall' | 'ttft'>,
  { prompt, output }: Pick<Traffic, 'prompt' | 'output'>,
  limits: EngineLimits,
): number | undefined {
  if (!(prompt > 0) || !(output > 0)) return undefined;
  const context = prompt + output / 2;
  const most = mostSequences(limits, prompt, output);
  let best: number | undefined;
  for (let sequences = 1; sequences <= most; sequences++) {
    const kvTokens = sequences * context;
    const computed = prompt * (1 - Math.min(0.95, limits.hitRate));
    const prefill = Math.min((sequences * computed) / Math.max(1, output), limits.maxBatchedTokens);
    const wall = model.wall(prefill, kvTokens);
    const ttft = model.ttft(Math.trunc(prefill), Math.trunc(kvTokens), 0);
    if (wall === undefined || ttft === undefined) return undefined;
    const rate = (1000 * sequences) / (output * wall);
    if (wall > limits.itlMilliseconds || ttft > limits.ttftMilliseconds) return best ?? rate;
    best = rate;
  }
  return best;
}

/** KV cache, sequence slots, and the point from which prompts cannot be admitted as fast as answers end. */
function mostSequences(limits: EngineLimits, prompt: number, output: number): number {
  const byKv = Math.max(1, Math.trunc(limits.maxKvTokens / Math.max(1, prompt + output / 2)));
  const byBalance = Math.max(1, Math.floor(limits.maxBatchedTokens - prompt / output));
  return Math.min(byKv, limits.maxSequences, limits.maxBatchedTokens - 1, byBalance);
}
