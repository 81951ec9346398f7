import type { ErrorObject } from 'ajv';
import type { Problem } from '../core/model/result.ts';

/** What is wrong with a document, in words for people; fields by their path with dots. `what` it should have been as a whole. */
export function schemaProblem(error: ErrorObject | undefined, what: string): Problem {
  if (error === undefined) return { field: '(file)', seen: 'unreadable', allowed: what };
  const at = (...more: readonly string[]): string => fieldAt(error, ...more);
  switch (error.keyword) {
    case 'required':
      return { field: at(String(error.params['missingProperty'])), seen: 'absent', allowed: 'present' };
    case 'additionalProperties': {
      const known = fieldsOf(error.parentSchema).join(', ');
      return { field: at(String(error.params['additionalProperty'])), seen: 'present', allowed: `one of ${known}` };
    }
    default:
      return { field: at(), seen: JSON.stringify(error.data) ?? 'absent', allowed: allowedBy(error) };
  }
}

/** The place of an error, or of something under it. */
export function fieldAt({ instancePath }: ErrorObject, ...more: readonly string[]): string {
  return [...instancePath.split('/').slice(1), ...more].join('.') || '(file)';
}

function fieldsOf(schema: ErrorObject['parentSchema']): readonly string[] {
  const properties: unknown = schema?.['properties'];
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function allowedBy({ keyword, message = '', params }: ErrorObject): string {
  if (keyword === 'enum') return `one of ${[params['allowedValues']].flat().join(', ')}`;
  return message.replace(/^must (be )?/, '');
}
