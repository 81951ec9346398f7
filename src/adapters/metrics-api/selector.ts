import { ok, problem, type Result } from '../../core/model/result.ts';

export type Labels = Readonly<Record<string, string>>;
/** Whether a series' labels satisfy all requirements. */
export type Selector = (labels: Labels) => boolean;

const key = String.raw`(?:[a-zA-Z0-9](?:[-a-zA-Z0-9.]*[a-zA-Z0-9])?\/)?[a-zA-Z0-9](?:[-._a-zA-Z0-9]*[a-zA-Z0-9])?`;
const valuePattern = /^(?:[a-zA-Z0-9](?:[-._a-zA-Z0-9]*[a-zA-Z0-9])?)?$/;
const exists = new RegExp(String.raw`^(!?)\s*(${key})$`);
const equality = new RegExp(String.raw`^(${key})\s*(=|==|!=)\s*([^=!\s()]*)$`);
const membership = new RegExp(String.raw`^(${key})\s+(in|notin)\s*\(([^()]*)\)$`);

/** The label selector of a request, as the API server reads it: equality and set-based, a comma means and. Empty selects everything. */
export function parseSelector(text: string): Result<Selector> {
  if (text.trim() === '') return ok(() => true);
  const requirements: Selector[] = [];
  for (const part of splitOutsideBrackets(text)) {
    const requirement = parseRequirement(part.trim());
    if (requirement === undefined) {
      return problem(
        'labelSelector',
        part.trim(),
        "requirements as a=b, a!=b, a in (b,c), a notin (b,c), a or !a, joined by ','",
      );
    }
    requirements.push(requirement);
  }
  return ok((labels) => requirements.every((holds) => holds(labels)));
}

function splitOutsideBrackets(text: string): readonly string[] {
  return text.split(/,(?![^(]*\))/);
}

function parseRequirement(part: string): Selector | undefined {
  return parseExists(part) ?? parseEquality(part) ?? parseMembership(part);
}

function parseExists(part: string): Selector | undefined {
  const [, not, name = ''] = exists.exec(part) ?? [];
  if (not === undefined) return undefined;
  return (labels) => Object.hasOwn(labels, name) === (not === '');
}

/** A series without the label satisfies `!=` and `notin`. */
function parseEquality(part: string): Selector | undefined {
  const [, name = '', operator, value = ''] = equality.exec(part) ?? [];
  if (operator === undefined || !valuePattern.test(value)) return undefined;
  const isEqual: Selector = (labels) => Object.hasOwn(labels, name) && labels[name] === value;
  return operator === '!=' ? (labels) => !isEqual(labels) : isEqual;
}

function parseMembership(part: string): Selector | undefined {
  const [, name = '', operator, list = ''] = membership.exec(part) ?? [];
  const values = list.split(',').map((value) => value.trim());
  if (operator === undefined || !values.every((value) => valuePattern.test(value))) return undefined;
  const isIn: Selector = (labels) => Object.hasOwn(labels, name) && values.includes(labels[name] ?? '');
  return operator === 'notin' ? (labels) => !isIn(labels) : isIn;
}
