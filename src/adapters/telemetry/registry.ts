import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { MetricLabels, Telemetry } from '../../ports/telemetry.ts';
import { catalogue, type MetricEntry } from './catalogue.ts';

/** Label sets in use, which prom-client cannot list: by pool, so that one pool among thousands is found at once. */
type Series = Map<string, Map<string, MetricLabels>>;
type Instrument = Counter | Gauge | Histogram;

export interface RegistryOptions {
  readonly entries?: readonly MetricEntry[];
  /** Roles whose metrics this process exports. */
  readonly roles: readonly MetricEntry['of'][];
  /** Also export `process_*` and `nodejs_*`. @default true */
  readonly hasProcessMetrics?: boolean;
}

/** The catalogue as live instruments. */
export class MetricRegistry implements Telemetry {
  readonly #registry = new Registry();
  readonly #instruments: ReadonlyMap<string, Instrument>;
  readonly #series: ReadonlyMap<string, Series>;

  constructor({ entries = catalogue, roles, hasProcessMetrics = true }: RegistryOptions) {
    const kept = entries.filter((entry) => roles.includes(entry.of));
    this.#instruments = new Map(kept.map((entry) => [entry.name, instrument(entry, this.#registry)]));
    this.#series = new Map(kept.map(({ name, starts = [] }) => [name, seriesOf(starts)]));
    if (hasProcessMetrics) collectDefaultMetrics({ register: this.#registry });
  }

  count(metric: string, labels: MetricLabels = {}, by = 1): void {
    this.#find(metric, Counter, labels).inc(labels, by);
  }

  set(metric: string, value: number, labels: MetricLabels = {}): void {
    this.#find(metric, Gauge, labels).set(labels, value);
  }

  observe(metric: string, value: number, labels: MetricLabels = {}): void {
    this.#find(metric, Histogram, labels).observe(labels, value);
  }

  forget(metric: string, labels: MetricLabels): void {
    const series = this.#series.get(metric);
    if (series === undefined) throw new RangeError(`${metric} is not in the catalogue of this process`);
    const { pool } = labels;
    for (const [at, some] of pool === undefined ? series : [[pool, series.get(pool)] as const]) {
      for (const [key, own] of some ?? []) {
        if (!Object.entries(labels).every(([label, value]) => own[label] === value)) continue;
        this.#instruments.get(metric)?.remove(own);
        some?.delete(key);
      }
      if (some?.size === 0) series.delete(at);
    }
  }

  /** The classic text format. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #find<Kind extends Instrument>(
    metric: string,
    kind: abstract new (...args: never[]) => Kind,
    labels: MetricLabels,
  ): Kind {
    const found = this.#instruments.get(metric);
    if (!(found instanceof kind)) {
      throw new RangeError(`${metric} must be a ${kind.name} in the catalogue of this process`);
    }
    const series = this.#series.get(metric);
    if (series !== undefined) keep(series, labels);
    return found;
  }
}

function seriesOf(starts: readonly MetricLabels[]): Series {
  const series: Series = new Map();
  for (const labels of starts) keep(series, labels);
  return series;
}

function keep(series: Series, labels: MetricLabels): void {
  const at = labels['pool'] ?? '';
  const some = series.get(at) ?? new Map<string, MetricLabels>();
  some.set(JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))), labels);
  series.set(at, some);
}

function instrument(entry: MetricEntry, registry: Registry): Instrument {
  const { name, help, labels, buckets = [], starts = [] } = entry;
  const configuration = { name, help, labelNames: [...labels], registers: [registry] };
  switch (entry.type) {
    case 'counter': {
      const counter = new Counter(configuration);
      for (const set of starts) counter.inc(set, 0);
      return counter;
    }
    case 'gauge': {
      const gauge = new Gauge(configuration);
      for (const set of starts) gauge.set(set, 0);
      return gauge;
    }
    case 'histogram':
      return new Histogram({ ...configuration, buckets: [...buckets] });
  }
}
