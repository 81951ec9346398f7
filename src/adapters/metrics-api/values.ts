import type { PublishedSeries } from '../../ports/metric-source.ts';
import { quantity } from './quantity.ts';
import type { Labels, Selector } from './selector.ts';
import { groupVersion, Refusal } from './status.ts';

export interface Question {
  readonly namespace: string;
  readonly metric: string;
  /** As it was sent, for messages. */
  readonly selectorText: string;
  readonly selector: Selector;
  readonly isMetricKnown: boolean;
}

/**
 * The one series that is asked for, as an ExternalMetricValueList. Everything else is a Refusal: a follower adds up what a list holds and takes
 * an empty one for a fault, so neither many nor none is an answer, and what is not known is never a number.
 */
export function valueList(series: readonly PublishedSeries[], question: Question): object {
  const { metric } = question;
  const { labels, at, answer } = theOne(series, question);
  if ('problem' in answer)
    throw answer.isModeObserve ? new Refusal(404, answer.problem) : new Refusal(503, answer.problem);
  return {
    kind: 'ExternalMetricValueList',
    apiVersion: groupVersion,
    metadata: {},
    items: [{ metricName: metric, metricLabels: labels, timestamp: wholeSeconds(at), value: quantity(answer.milli) }],
  };
}

function theOne(series: readonly PublishedSeries[], question: Question): PublishedSeries {
  const { namespace, metric, selectorText, selector, isMetricKnown } = question;
  const found = series.filter(({ labels }) => selector(labels));
  const [only, ...more] = found;
  const details = { group: groupVersion.slice(0, groupVersion.indexOf('/')), kind: metric };
  if (!isMetricKnown)
    throw new Refusal(404, `the server could not find the metric ${metric} for ${namespace}`, details);
  if (only === undefined) {
    const there = series.length === 0 ? 'there is none in the namespace' : `there are ${listed(series)}`;
    const which = selectorText === '' ? '' : ` that matches ${JSON.stringify(selectorText)}`;
    throw new Refusal(
      404,
      `the server could not find a series of ${metric} for ${namespace}${which}: ${there}`,
      details,
    );
  }
  if (more.length === 0) return only;
  const which = selectorText === '' ? 'no selector' : `selector ${JSON.stringify(selectorText)}`;
  throw new Refusal(
    400,
    `a selector must match one series of ${metric}, ${which} matches ${found.length}: ${listed(found)}`,
  );
}

function listed(series: readonly PublishedSeries[]): string {
  const shown = series.slice(0, 5).map(({ labels }) => labelText(labels));
  return `${shown.sort().join(' ')}${series.length > 5 ? ` and ${series.length - 5} more` : ''}`;
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return `{${parts.sort().join(',')}}`;
}

function wholeSeconds(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
