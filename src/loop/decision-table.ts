import type { Decision } from '../core/model/decision.ts';
import type { Mode } from '../core/model/policy.ts';
import type { PoolId, PoolSeen, ReplicaSamples, SignalName, TargetName, TargetSeen } from '../core/model/pool.ts';
import type { Reason } from '../core/model/reason.ts';
import { aged } from '../core/model/sample.ts';
import type { Instant } from '../core/model/units.ts';
import { withheldPrefix } from '../core/model/withheld.ts';
import { ForewarmError } from '../errors.ts';
import type { Clock, Publisher, TickInput, TickOutput } from '../ports/index.ts';
import type { FollowerView, MetricSource, PublishedSeries } from '../ports/metric-source.ts';
import { followable } from './followable.ts';

export const decisionMetric = 'forewarm_desired_replicas';

/** Raw signals of a pool, summed or averaged over its replicas as of the last pass. */
const signalMetrics: Readonly<Record<string, { readonly signal: SignalName; readonly over: 'sum' | 'mean' }>> = {
  forewarm_pool_waiting: { signal: 'waiting', over: 'sum' },
  forewarm_pool_running: { signal: 'running', over: 'sum' },
  forewarm_pool_kv_use: { signal: 'kvUse', over: 'mean' },
};

type Answer = PublishedSeries['answer'];

/** Binding reasons of a size that is only the one that stands: the follower holds it better than we do. */
const knowsNothing: ReadonlySet<Reason> = new Set<Reason>(['AllSignalsMissing', 'DecisionFailed']);

/** One series as of the last pass. What a follower makes of a decision depends on the moment at which it asks: the answer is made when it is read. */
class LiveSeries implements PublishedSeries {
  readonly namespace: string;
  readonly metric: string;
  readonly labels: PublishedSeries['labels'];
  readonly at: Instant;
  readonly #answer: () => Answer;

  constructor(series: Omit<PublishedSeries, 'answer'>, answer: () => Answer) {
    this.namespace = series.namespace;
    this.metric = series.metric;
    this.labels = series.labels;
    this.at = series.at;
    this.#answer = answer;
  }

  get answer(): Answer {
    return this.#answer();
  }
}

export interface DecisionTableOptions {
  /** What a follower of the target may have read by now; without it the pass's own look counts. */
  readonly view?: (pool: PoolId, target: TargetName) => FollowerView | undefined;
  /** @default 60 */
  readonly staleSeconds?: number;
}

/** Decisions and signals of the last pass, as the metrics door serves them. A table that is not renewed answers nothing: a follower then holds. */
export class DecisionTable implements MetricSource, Publisher {
  readonly #clock: Clock;
  readonly #staleSeconds: number;
  readonly #view: NonNullable<DecisionTableOptions['view']>;
  #series: ReadonlyMap<string, readonly PublishedSeries[]> = new Map();
  #at: Instant | undefined;

  constructor(clock: Clock, { view = () => undefined, staleSeconds = 60 }: DecisionTableOptions = {}) {
    this.#clock = clock;
    this.#staleSeconds = staleSeconds;
    this.#view = view;
  }

  publish(output: TickOutput, input: TickInput): Promise<void> {
    const series = new Map<string, PublishedSeries[]>();
    const decided = Map.groupBy(output.decisions, ({ pool }) => pool);
    for (const { seen, policy } of input.pools) {
      const decisions = decided.get(seen.pool) ?? [];
      const { mode } = policy;
      for (const one of poolSeries({ seen, mode, decisions, view: this.#view, now: input.now })) {
        const key = `${one.namespace}/${one.metric}`;
        const group = series.get(key);
        if (group === undefined) series.set(key, [one]);
        else group.push(one);
      }
    }
    this.#series = series;
    this.#at = this.#clock.now();
    return Promise.resolve();
  }

  /** Forgets everything: this process decides no more. */
  clear(): void {
    this.#at = undefined;
    this.#series = new Map();
  }

  series(namespace: string, metric: string): Promise<readonly PublishedSeries[]> {
    const now = this.#clock.now();
    if (this.#at === undefined)
      return Promise.reject(new ForewarmError('NOT_LEADER', 'no pass has been made by this process'));
    if (now - this.#at > this.#staleSeconds * 1000) {
      const seconds = Math.round((now - this.#at) / 1000);
      return Promise.reject(new ForewarmError('NOT_LEADER', `the last pass was ${seconds} s ago`));
    }
    return Promise.resolve(this.#series.get(`${namespace}/${metric}`) ?? []);
  }

  metricNames(): readonly string[] {
    return [decisionMetric, ...Object.keys(signalMetrics)];
  }
}

interface PoolPass {
  readonly seen: PoolSeen;
  readonly mode: Mode;
  readonly decisions: readonly Decision[];
  readonly view: NonNullable<DecisionTableOptions['view']>;
  readonly now: Instant;
}

function poolSeries({ seen, mode, decisions, view, now }: PoolPass): readonly PublishedSeries[] {
  const [namespace = '', autoscaler = ''] = seen.pool.split('/');
  const decided = seen.targets.map(({ target }) => {
    const decision = decisions.find((one) => one.target === target);
    const about = { namespace, metric: decisionMetric, labels: { autoscaler, target }, at: now };
    return new LiveSeries(about, () => decisionAnswer(mode, decision, view(seen.pool, target)));
  });
  const signals = Object.entries(signalMetrics).map(([metric, { signal, over }]) => ({
    namespace,
    metric,
    labels: { autoscaler },
    at: now,
    answer: signalAnswer(seen, { signal, over, now }),
  }));
  return [...decided, ...signals];
}

/** What an HPA on AverageValue 1 needs to read to set exactly the decision. */
export function decisionAnswer(mode: Mode, decision: Decision | undefined, view?: FollowerView): Answer {
  if (mode !== 'Recommend') return { problem: `mode is ${mode}`, isModeObserve: mode === 'Observe' };
  const [binding] = decision?.because ?? [];
  if (decision?.replicas === undefined || (binding !== undefined && knowsNothing.has(binding.reason))) {
    return withheld(binding?.message ?? 'nothing may be said about the size');
  }
  const number = followable(decision, decision.replicas, view ?? ownView(decision));
  return typeof number === 'string' ? withheld(number) : { milli: BigInt(number) * 1000n };
}

function withheld(why: string): Answer {
  return { problem: `${withheldPrefix}: ${why}`, isModeObserve: false };
}

/** The pass's own look at the target, and a cluster's usual tolerance. */
function ownView({ from, statusReplicas }: Decision): FollowerView {
  const sizes = from === undefined || statusReplicas === undefined ? [] : [{ spec: from, status: statusReplicas }];
  return { sizes, tolerance: { up: 0.1, down: 0.1 } };
}

interface SignalQuestion {
  readonly signal: SignalName;
  readonly over: 'sum' | 'mean';
  readonly now: Instant;
}

/** Missing is not zero: one gap among the Ready replicas and there is no number. */
function signalAnswer(seen: PoolSeen, { signal, over, now }: SignalQuestion): Answer {
  const ready = seen.targets.flatMap((target) => readySamples(target));
  if (ready.length === 0) return { problem: 'no replica is ready', isModeObserve: false };
  const values: number[] = [];
  for (const samples of ready) {
    const sample = aged(samples[signal], now, 3 * seen.scrapeIntervalSeconds + 2);
    if (sample.kind !== 'value')
      return { problem: `${signal} is not known of every ready replica`, isModeObserve: false };
    values.push(sample.value);
  }
  const sum = values.reduce((a, b) => a + b, 0);
  return { milli: BigInt(Math.round((over === 'sum' ? sum : sum / values.length) * 1000)) };
}

function readySamples(target: TargetSeen): readonly ReplicaSamples[] {
  return target.replicas.flatMap(({ phase, samples }) => (phase === 'Ready' ? [samples] : []));
}
