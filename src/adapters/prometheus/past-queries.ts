import type { EngineTable, SeriesFilter, SignalRule, SignalSource } from '../../core/model/engines/table.ts';
import type { PastReplicas } from '../../ports/history-reader.ts';
import { collectionLabels } from './answers.ts';
import { anyOf, type PodLabels } from './queries.ts';

/** Who is asked about, and over which time a change is taken. */
export interface PastQuery {
  readonly replicas: PastReplicas;
  readonly labels: PodLabels;
  readonly windowSeconds: number;
}

/** What is asked of the past, a second and summed over the pool: counters by their increase, gauges by their change. */
export type PastSignal = 'finished' | 'prompt' | 'output' | 'cached' | 'waiting' | 'running';

/** One query a signal, through the rules by which it is read live. */
export function pastQueries({ signals }: EngineTable, about: PastQuery): Readonly<Record<PastSignal, string>> {
  return {
    finished: poolRate(signals.finishedTotal, about),
    prompt: poolRate(signals.promptTokensTotal, about),
    output: poolRate(signals.outputTokensTotal, about),
    cached: poolRate(signals.cachedPromptTokensTotal, about),
    waiting: poolChange(signals.waiting, about),
    running: poolChange(signals.running, about),
  };
}

/** Samples of the last hour of the series that has most: how often engines are scraped. */
export function scrapesQuery({ signature }: EngineTable, replicas: PastReplicas, labels: PodLabels): string {
  return `max(count_over_time({__name__=~${anyOf(signature)},${matchersOf(replicas, labels)}}[1h]))`;
}

/** Increases a second of each series, resets and all, and only then sums: never the increase of a sum. */
function poolRate(rule: SignalRule, about: PastQuery): string {
  return `sum(${podValues(rule, about, (series) => `rate(${series}[${about.windowSeconds}s])`)})`;
}

/** How fast gauges grow, those of a replica each for itself: one that comes or goes is no change. */
function poolChange(rule: SignalRule, about: PastQuery): string {
  const { windowSeconds } = about;
  return `sum(${podValues(rule, about, (series) => `delta(${series}[${windowSeconds}s])`)}) / ${windowSeconds}`;
}

/** One value a pod: of the first source that it has, or of the largest. */
function podValues({ pick, sources }: SignalRule, about: PastQuery, over: (series: string) => string): string {
  const each = sources.map((source) => podValue(source, about, over));
  if (pick === 'first') return each.join(' or ');
  const { namespace, pod } = about.labels;
  const told = each.map((value, i) => `label_replace(${value}, "source", "${i}", ${JSON.stringify(pod)}, ".*")`);
  return `max by (${namespace}, ${pod}) (${told.join(' or ')})`;
}

const operators: Readonly<Record<SignalSource['over'], string>> = { sum: 'sum', mean: 'avg', max: 'max' };

/** A series that two jobs collect is one. */
function podValue(source: SignalSource, { replicas, labels }: PastQuery, over: (series: string) => string): string {
  const filters = (source.where ?? []).map((filter) => `,${filterOf(filter)}`).join('');
  const series = `{__name__=${JSON.stringify(source.family)},${matchersOf(replicas, labels)}${filters}}`;
  const once = `max without (${collectionLabels.join(', ')}) (${over(series)})`;
  return `${operators[source.over]} by (${labels.namespace}, ${labels.pod}) (${once})`;
}

function filterOf({ label, noneOf, oneOf, endsWith }: SeriesFilter): string {
  return [
    ...(noneOf === undefined ? [] : [`${label}!~${anyOf(noneOf)}`]),
    ...(oneOf === undefined ? [] : [`${label}=~${anyOf(oneOf)}`]),
    ...(endsWith === undefined ? [] : [`${label}=~${endingWith(endsWith)}`]),
  ].join(',');
}

function endingWith(endings: readonly string[]): string {
  return anyOf(endings).replace(/^"(.*)"$/, '".*(?:$1)"');
}

function matchersOf({ namespace, podPatterns }: PastReplicas, labels: PodLabels): string {
  return `${labels.namespace}=${JSON.stringify(namespace)},${labels.pod}=~${JSON.stringify(podPatterns.join('|'))}`;
}
