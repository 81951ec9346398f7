import type { ReplicaSamples, SignalName } from '../pool.ts';
import { missing, value, type MissingCause, type Sample } from '../sample.ts';
import type { Instant } from '../units.ts';
import type {
  EngineTable,
  FamilyReadings,
  LabelArithmetic,
  Reading,
  SeriesFilter,
  SignalRule,
  SignalSource,
} from './table.ts';

export interface ReadSamples {
  readonly samples: ReplicaSamples;
  /** Why gauges that were read are not believed, for people; absent when the engine is awake. */
  readonly rest?: string;
}

/** What a replica's readings say through the engine's table. `at` is the time of readings that carry none of their own. */
export function samplesFrom(table: EngineTable, readings: FamilyReadings, at: Instant): ReadSamples {
  const samples = mapSignals((name) => sampleOf(table.signals[name], readings, at));
  const rest = restOf(table, readings, samples);
  if (rest === undefined) return { samples };
  const gauges = table.rest?.gauges ?? [];
  return { samples: mapSignals((name) => (gauges.includes(name) ? missing('Asleep') : samples[name])), rest };
}

/** Every signal missing for the same cause. */
export function allMissing(cause: MissingCause): ReplicaSamples {
  return mapSignals(() => missing(cause));
}

/** The first table whose signature is among the families. */
export function recognise(tables: readonly EngineTable[], readings: FamilyReadings): EngineTable | undefined {
  const isThere = (family: string): boolean => readings.families.has(family) || readings.lost.has(family);
  return tables.find((table) => table.signature.some(isThere));
}

function mapSignals(sampleOf: (name: SignalName) => Sample): ReplicaSamples {
  return {
    waiting: sampleOf('waiting'),
    running: sampleOf('running'),
    kvUse: sampleOf('kvUse'),
    kvCapacityTokens: sampleOf('kvCapacityTokens'),
    finishedTotal: sampleOf('finishedTotal'),
    promptTokensTotal: sampleOf('promptTokensTotal'),
    cachedPromptTokensTotal: sampleOf('cachedPromptTokensTotal'),
    outputTokensTotal: sampleOf('outputTokensTotal'),
    preemptionsTotal: sampleOf('preemptionsTotal'),
    ttftSecondsSum: sampleOf('ttftSecondsSum'),
    ttftCount: sampleOf('ttftCount'),
    itlSecondsSum: sampleOf('itlSecondsSum'),
    itlCount: sampleOf('itlCount'),
    queueSecondsSum: sampleOf('queueSecondsSum'),
    queueCount: sampleOf('queueCount'),
    maxRunning: sampleOf('maxRunning'),
  };
}

function sampleOf(rule: SignalRule, readings: FamilyReadings, at: Instant): Sample {
  const found: Sample[] = [];
  for (const source of rule.sources) {
    const sample = readSource(source, readings, at);
    if (sample === undefined) continue;
    if (sample.kind === 'missing') return sample;
    found.push(withinRange(sample, rule.atMost));
    if (rule.pick === 'first') break;
  }
  if (found.length === 0) return missing(readings.absent);
  return found.reduce(larger);
}

/** A lost family is missing whatever else of it was read: part of a sum is not the sum. `undefined`: not exposed. */
function readSource(source: SignalSource, readings: FamilyReadings, at: Instant): Sample | undefined {
  const cause = readings.lost.get(source.family);
  if (cause !== undefined) return missing(cause);
  const kept = keptReadings(source, readings);
  if (kept.length === 0) return undefined;
  const times = kept.map((reading) => reading.at ?? at);
  return value(combine(source.over, kept), times.reduce(earlier));
}

function keptReadings(source: SignalSource, readings: FamilyReadings): readonly Reading[] {
  const all = distinct(readings.families.get(source.family) ?? []).filter(({ labels }) =>
    matches(labels, source.where),
  );
  const { fromLabels } = source;
  if (fromLabels === undefined) return all;
  return all.flatMap((reading) => computed(reading, fromLabels));
}

/** The same series twice (a page that repeats itself, two jobs that scrape one pod) counts once: the freshest, else the first. */
function distinct(readings: readonly Reading[]): readonly Reading[] {
  if (readings.length < 2) return readings;
  const byLabels = new Map<string, Reading>();
  for (const reading of readings) {
    const key = JSON.stringify([...reading.labels].sort(([a], [b]) => (a < b ? -1 : 1)));
    const seen = byLabels.get(key);
    if (seen === undefined || (reading.at ?? 0) > (seen.at ?? 0)) byLabels.set(key, reading);
  }
  return [...byLabels.values()];
}

function matches(labels: Reading['labels'], filters: readonly SeriesFilter[] = []): boolean {
  return filters.every(({ label, noneOf, oneOf, endsWith }) => {
    const seen = labels.get(label) ?? '';
    if (noneOf?.includes(seen)) return false;
    if (oneOf && !oneOf.includes(seen)) return false;
    return endsWith === undefined || endsWith.some((end) => seen.endsWith(end));
  });
}

/** Nothing where a label is not there or says `None`: the next source may know. */
function computed({ labels, at }: Reading, { product, less }: LabelArithmetic): readonly Reading[] {
  const numbers = [...product, ...(less === undefined ? [] : [less])].map((name) => Number(labels.get(name) || NaN));
  if (!numbers.every(Number.isFinite)) return [];
  const factors = numbers.slice(0, product.length);
  const minus = less === undefined ? 0 : (numbers.at(-1) ?? 0);
  return [{ labels, value: factors.reduce((a, b) => a * b, 1) - minus, ...(at === undefined ? {} : { at }) }];
}

function combine(over: SignalSource['over'], readings: readonly Reading[]): number {
  const values = readings.map((reading) => reading.value);
  // A single bad series spoils the whole: NaN and infinities stay what they are and end as a missing sample.
  if (values.some((v) => !(v >= 0))) return NaN;
  if (over === 'max') return Math.max(...values);
  const sum = values.reduce((a, b) => a + b, 0);
  return over === 'sum' ? sum : sum / values.length;
}

function withinRange(sample: Sample, atMost: number | undefined): Sample {
  if (sample.kind === 'missing' || atMost === undefined || sample.value <= atMost + 1e-9) return sample;
  return missing('NotANumber');
}

function larger(a: Sample, b: Sample): Sample {
  if (a.kind === 'missing' || b.kind === 'missing') return a.kind === 'missing' ? a : b;
  return b.value > a.value ? b : a;
}

function earlier(a: Instant, b: Instant): Instant {
  return b < a ? b : a;
}

function restOf(table: EngineTable, readings: FamilyReadings, samples: ReplicaSamples): string | undefined {
  if (table.rest === undefined) return undefined;
  for (const source of table.rest.asleep) {
    const asleep = keptReadings(source, readings).filter((reading) => reading.value > 0);
    const states = asleep.map((reading) => [...reading.labels.values()].join(' ')).sort();
    if (states.length > 0) return `asleep: ${source.family} is 1 for ${states.join(', ')}`;
  }
  const paused = total(table.rest.paused, readings) - total(table.rest.resumed, readings);
  const isQuiet = table.rest.gauges.every((name) => isZero(samples[name]));
  return paused > 0 && isQuiet
    ? `paused: ${paused} more calls of pause than of resume, and all gauges are 0`
    : undefined;
}

function total(sources: readonly SignalSource[], readings: FamilyReadings): number {
  return sources.reduce((sum, source) => sum + combine('sum', keptReadings(source, readings)), 0);
}

function isZero(sample: Sample): boolean {
  return sample.kind === 'value' && sample.value === 0;
}
