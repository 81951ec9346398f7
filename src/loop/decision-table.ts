import type { Decision } from '../core/model/decision.ts';
import type { Mode } from '../core/model/policy.ts';
import type { PoolSeen, ReplicaSamples, SignalName, TargetSeen } from '../core/model/pool.ts';
import { aged } from '../core/model/sample.ts';
import type { Instant } from '../core/model/units.ts';
import { ForewarmError } from '../errors.ts';
import type { Clock, Publisher, TickInput, TickOutput } from '../ports/index.ts';
import type { MetricSource, PublishedSeries } from '../ports/metric-source.ts';

export const decisionMetric = 'forewarm_desired_replicas';

/** Raw signals of a pool, summed or averaged over its replicas as of the last pass. */
const signalMetrics: Readonly<Record<string, { readonly signal: SignalName; readonly over: 'sum' | 'mean' }>> = {
  forewarm_pool_waiting: { signal: 'waiting', over: 'sum' },
  forewarm_pool_running: { signal: 'running', over: 'sum' },
  forewarm_pool_kv_use: { signal: 'kvUse', over: 'mean' },
};

type Answer = PublishedSeries['answer'];

/** Decisions and signals of the last pass, as the metrics door serves them. A table that is not renewed answers nothing: a follower then holds. */
export class DecisionTable implements MetricSource, Publisher {
  readonly #clock: Clock;
  readonly #staleSeconds: number;
  #series: ReadonlyMap<string, readonly PublishedSeries[]> = new Map();
  #at: Instant | undefined;

  constructor(clock: Clock, staleSeconds = 60) {
    this.#clock = clock;
    this.#staleSeconds = staleSeconds;
  }

  publish(output: TickOutput, input: TickInput): Promise<void> {
    const series = new Map<string, PublishedSeries[]>();
    const decided = Map.groupBy(output.decisions, ({ pool }) => pool);
    for (const { seen, policy } of input.pools) {
      const decisions = decided.get(seen.pool) ?? [];
      for (const one of poolSeries(seen, policy.mode, decisions, input.now)) {
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

function poolSeries(
  seen: PoolSeen,
  mode: Mode,
  decisions: readonly Decision[],
  now: Instant,
): readonly PublishedSeries[] {
  const [namespace = '', autoscaler = ''] = seen.pool.split('/');
  const decided = seen.targets.map((target) => ({
    namespace,
    metric: decisionMetric,
    labels: { autoscaler, target: target.target },
    at: now,
    answer: decisionAnswer(
      mode,
      decisions.find((one) => one.target === target.target),
    ),
  }));
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
export function decisionAnswer(mode: Mode, decision: Decision | undefined): Answer {
  if (mode !== 'Recommend') return { problem: `mode is ${mode}`, isModeObserve: mode === 'Observe' };
  if (decision?.replicas === undefined) {
    return { problem: decision?.because[0]?.message ?? 'nothing may be said about the size', isModeObserve: false };
  }
  return followable(decision.replicas, decision);
}

/**
 * The HPA compares with its status replicas and does nothing within 10 %: a raise that reactive need demands is lifted just over that line. In a
 * rollout's surge the status exceeds the spec; inside the tolerance the HPA would set spec to the surge, so it gets an error and holds spec.
 */
function followable(wanted: number, { statusReplicas: status, isReactiveRaise, isRollingOut }: Decision): Answer {
  if (status === undefined || status === 0) return { milli: BigInt(wanted) * 1000n };
  const isSwallowed = Math.abs(wanted / status - 1) <= 0.1;
  if (isRollingOut && isSwallowed) {
    return {
      problem: `a rollout surges to ${status} pods and the decision is ${wanted}: the follower holds its spec`,
      isModeObserve: false,
    };
  }
  const isRaise = isReactiveRaise && wanted > status;
  const published = isRaise && isSwallowed ? Math.floor((status * 11) / 10) + 1 : wanted;
  return { milli: BigInt(published) * 1000n };
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
