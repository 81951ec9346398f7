import type { EngineProfile } from '../src/core/model/profile.ts';
import { RandomStream } from '../src/sim/rng.ts';
import type { Workload } from '../src/sim/workload/workload.ts';

export interface Traffic {
  readonly count: number;
  /** Requests per second. */
  readonly rate: number;
  readonly seed: number;
  readonly promptTokens: (stream: RandomStream) => number;
  readonly outputTokens: (stream: RandomStream) => number;
}

/** Poisson arrivals, written straight into columns: ten million of them are to fit. */
export function traffic({ count, rate, seed, promptTokens, outputTokens }: Traffic): Workload {
  const gaps = new RandomStream(seed, 'bench/arrivals');
  const lengths = new RandomStream(seed, 'bench/lengths');
  const columns = {
    arrivalMs: new Float64Array(count),
    promptTokens: new Int32Array(count),
    outputTokens: new Int32Array(count),
  };
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += gaps.exponential(1000 / rate);
    columns.arrivalMs[i] = at;
    columns.promptTokens[i] = promptTokens(lengths);
    columns.outputTokens[i] = outputTokens(lengths);
  }
  return { name: `poisson ${rate}/s`, durationSeconds: at / 1000, ...columns };
}

/** Half to one and a half times the nominal length, evenly. */
export function around(nominal: number): (stream: RandomStream) => number {
  return (stream) => Math.round(nominal * (0.5 + stream.uniform()));
}

/** One sequence at a time and 1 ms an iteration: a request of n tokens is served for n ms. */
export const plainServer: EngineProfile = {
  name: 'plain server',
  alpha: 1,
  w: 0,
  beta: 0,
  gamma: 0,
  delta: 0,
  kappa: 0,
  gq: 0,
  tau0: 0,
  kvCapacityTokens: 1_000_000,
  blockTokens: 16,
  maxNumSeqs: 1,
  maxBatchedTokens: 8192,
  gpusPerReplica: 1,
  weightsBytes: 0,
  validity: 'a queue of theory, no engine',
  isValidated: false,
};
