import { type Json, list, text, texts } from './fields.ts';

/** A label selector of the API: `matchLabels` and `matchExpressions`, all of which must hold. */
export interface LabelSelector {
  readonly labels: Readonly<Record<string, string>>;
  readonly expressions: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

export function selectorOf(raw: Json): LabelSelector {
  return {
    labels: texts(raw, 'matchLabels'),
    expressions: list(raw, 'matchExpressions').map((one) => ({
      key: text(one, 'key') ?? '',
      operator: text(one, 'operator') ?? '',
      values: list(one, 'values').filter((value) => typeof value === 'string'),
    })),
  };
}

/** An empty selector selects nothing here: a pool of all pods is a mistake, never a wish. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector.labels);
  if (wanted.length + selector.expressions.length === 0) return false;
  return (
    wanted.every(([key, value]) => labels[key] === value) && selector.expressions.every((one) => meets(one, labels))
  );
}

function meets(one: LabelSelector['expressions'][number], labels: Readonly<Record<string, string>>): boolean {
  const value = labels[one.key];
  if (one.operator === 'In') return value !== undefined && one.values.includes(value);
  if (one.operator === 'NotIn') return value === undefined || !one.values.includes(value);
  if (one.operator === 'Exists') return value !== undefined;
  return one.operator === 'DoesNotExist' && value === undefined;
}

const clause = /^(!)?\s*([A-Za-z0-9./_-]+)\s*(?:(==|!=|=)\s*([A-Za-z0-9._-]*)|\s(in|notin)\s*\(([^)]*)\))?$/;

/** The string form, as a scale's status gives it: `app=chat,tier in (gold,silver),!spot`. What cannot be read selects nothing. */
export function parseSelector(written: string): LabelSelector {
  const clauses = written.split(/,(?![^(]*\))/).map((one) => clause.exec(one.trim()));
  if (written.trim() === '' || clauses.some((one) => one === null)) return { labels: {}, expressions: [] };
  return { labels: {}, expressions: clauses.flatMap((one) => (one === null ? [] : [expressionOf(one)])) };
}

function expressionOf([
  ,
  not,
  key = '',
  sign,
  value = '',
  word,
  values = '',
]: RegExpExecArray): LabelSelector['expressions'][number] {
  if (word !== undefined) {
    return { key, operator: word === 'in' ? 'In' : 'NotIn', values: values.split(',').map((one) => one.trim()) };
  }
  if (sign !== undefined) return { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] };
  return { key, operator: not === undefined ? 'Exists' : 'DoesNotExist', values: [] };
}
