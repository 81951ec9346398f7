import type { ReplicaPhase } from '../core/model/pool.ts';
import type { ReplicaSnapshot } from './engine/counters.ts';
import type { LogHistogram } from './engine/log-histogram.ts';
import type { Ledger } from './ledger.ts';
import type { SimPod } from './pod.ts';
import { quantile } from './quantile.ts';
import type { ReplicaPoint, Timeline } from './result.ts';

export interface Moment {
  readonly atMs: number;
  readonly pods: readonly SimPod[];
  readonly spec: number;
  readonly queuedAtGateway: number;
  /** Engines that are no pods of the policy's. */
  readonly others: readonly ReplicaSnapshot[];
}

type Columns = {
  -readonly [Column in keyof Timeline]: Timeline[Column] extends readonly (infer Cell)[] ? Cell[] : never;
};

/** Writes down what happened, step by step, for the report. It sees the truth; policies never see it. */
export class TimelineRecorder {
  readonly #ledger: Ledger;
  readonly #itl: LogHistogram;
  readonly #columns: Columns = {
    t: [],
    replicas: [],
    spec: [],
    queued: [],
    running: [],
    kvUse: [],
    arrivalRate: [],
    ttftP95: [],
    itlP95: [],
  };
  #lastMs = 0;
  #lastArrivals = 0;

  /** `itl` holds the gaps of the present step; who records empties it afterwards. */
  constructor(ledger: Ledger, itl: LogHistogram) {
    this.#ledger = ledger;
    this.#itl = itl;
  }

  get timeline(): Timeline {
    return this.#columns;
  }

  record({ atMs, pods, spec, queuedAtGateway, others }: Moment): void {
    const columns = this.#columns;
    const own = pods.flatMap((pod) => (pod.engine === undefined ? [] : [pod.engine.snapshot()]));
    const engines = [...own, ...others];
    const ready = pods.flatMap((pod) =>
      pod.phase === 'Ready' && pod.engine !== undefined ? [pod.engine.snapshot()] : [],
    );
    columns.t.push(atMs / 1000);
    columns.replicas.push(pointOf(pods));
    columns.spec.push(spec);
    columns.queued.push(queuedAtGateway + engines.reduce((sum, engine) => sum + engine.waiting, 0));
    columns.running.push(engines.reduce((sum, engine) => sum + engine.running, 0));
    columns.kvUse.push(ready.length === 0 ? null : ready.reduce((sum, { kvUse }) => sum + kvUse, 0) / ready.length);
    columns.arrivalRate.push(this.#takeArrivalRate(atMs));
    columns.ttftP95.push(seconds(quantile(Float64Array.from(this.#ledger.takeStepTtft()), 0.95)));
    columns.itlP95.push(seconds(this.#itl.quantile(0.95)));
  }

  #takeArrivalRate(atMs: number): number {
    const { arrivals } = this.#ledger;
    const span = (atMs - this.#lastMs) / 1000;
    const rate = span === 0 ? 0 : (arrivals - this.#lastArrivals) / span;
    this.#lastMs = atMs;
    this.#lastArrivals = arrivals;
    return rate;
  }
}

function pointOf(pods: readonly SimPod[]): ReplicaPoint {
  const count = (phase: ReplicaPhase): number => pods.filter((pod) => pod.phase === phase).length;
  return {
    scheduling: count('Scheduling'),
    unschedulable: count('Unschedulable'),
    image: count('PullingImage'),
    weights: count('LoadingWeights'),
    engine: count('StartingEngine') + count('Unready') + count('CrashLooping'),
    ready: count('Ready'),
    draining: count('Draining'),
  };
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
