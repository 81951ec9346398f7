import { instant } from '../../core/model/units.ts';
import type { PublishedSeries } from '../../ports/metric-source.ts';

/** Path under which replicas ask the leader, beside the group's own paths. */
export const peerPath = '/forewarm/series';

/** Series between two replicas of this program, as JSON. */
export function encodeSeries(series: readonly PublishedSeries[]): string {
  const plain = series.map(({ answer, ...rest }) => ({
    ...rest,
    answer: 'milli' in answer ? { milli: String(answer.milli) } : answer,
  }));
  return JSON.stringify({ series: plain });
}

/** Throws SyntaxError or TypeError when it is not what `encodeSeries` writes. */
export function decodeSeries(text: string): readonly PublishedSeries[] {
  const document: unknown = JSON.parse(text);
  const list = isRecord(document) ? document['series'] : undefined;
  if (!Array.isArray(list)) throw new TypeError('an answer of the leader must hold a list `series`');
  return list.map(decodeOne);
}

function decodeOne(it: unknown): PublishedSeries {
  if (!isRecord(it) || !isRecord(it['labels'])) throw new TypeError('a series must be an object with labels');
  const { namespace, metric, at } = it;
  if (typeof namespace !== 'string' || typeof metric !== 'string' || typeof at !== 'number') {
    throw new TypeError('a series must have `namespace`, `metric` and `at`');
  }
  const labels = Object.fromEntries(Object.entries(it['labels']).map(([label, value]) => [label, String(value)]));
  return { namespace, metric, labels, at: instant(at), answer: decodeAnswer(it['answer']) };
}

function decodeAnswer(it: unknown): PublishedSeries['answer'] {
  if (isRecord(it) && typeof it['milli'] === 'string') return { milli: BigInt(it['milli']) };
  if (isRecord(it) && typeof it['problem'] === 'string') {
    return { problem: it['problem'], isModeObserve: it['isModeObserve'] === true };
  }
  throw new TypeError('a series must have an answer with `milli` or `problem`');
}

function isRecord(it: unknown): it is Record<string, unknown> {
  return typeof it === 'object' && it !== null && !Array.isArray(it);
}
