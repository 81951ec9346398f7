import type { Schema } from './generate.ts';

const allowed = new Set([
  'type',
  'format',
  'description',
  'title',
  'default',
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
]);
/** The envelope that the API server checks itself. */
const envelope = new Set(['apiVersion', 'kind', 'metadata']);

/** What in a CRD's schema is not structural, or not bounded, each as `path: fault`. */
export function structuralFaults(schema: Schema, path = ''): readonly string[] {
  const here = [...keywordFaults(schema), ...typeFaults(schema)].map((fault) => `${path}: ${fault}`);
  const inner = Object.entries(schema.properties ?? {})
    .filter(([key]) => path !== '' || !envelope.has(key))
    .flatMap(([key, part]) => structuralFaults(part, path === '' ? key : `${path}.${key}`));
  const items = schema.items === undefined ? [] : structuralFaults(schema.items, `${path}[]`);
  const values = schema.additionalProperties;
  return [...here, ...inner, ...items, ...(values === undefined ? [] : structuralFaults(values, `${path}{}`))];
}

function keywordFaults(schema: Schema): readonly string[] {
  const faults = Object.keys(schema)
    .filter((keyword) => !allowed.has(keyword))
    .map((keyword) => `\`${keyword}\` is not structural`);
  if (schema.properties !== undefined && schema.additionalProperties !== undefined) {
    faults.push('`additionalProperties` must not stand beside `properties`');
  }
  for (const name of schema.required ?? []) {
    if (schema.properties?.[name] === undefined) faults.push(`requires \`${name}\`, which it does not declare`);
  }
  return faults;
}

function typeFaults(schema: Schema): readonly string[] {
  if (schema['x-kubernetes-int-or-string'] === true) return bounded(schema, ['maxLength']);
  switch (schema.type) {
    case undefined:
      return ['must have a type'];
    case 'number':
      return ['must not be a floating number'];
    case 'integer':
      return integerFaults(schema);
    case 'string':
      return stringFaults(schema);
    case 'array':
      return bounded(schema, ['maxItems', 'x-kubernetes-list-type']);
    case 'object':
      return schema.additionalProperties === undefined ? [] : bounded(schema, ['maxProperties']);
    default:
      return [];
  }
}

function integerFaults(schema: Schema): readonly string[] {
  const isBounded = schema['maximum'] !== undefined || countsOnly(schema);
  return [...(isBounded ? [] : ['must have `maximum` or format int64']), ...bounded(schema, ['minimum'])];
}

/** Counts in a status are bounded by their format. */
function countsOnly(schema: Schema): boolean {
  return schema['format'] === 'int64' || (schema['format'] === 'int32' && schema['minimum'] === 0);
}

function stringFaults(schema: Schema): readonly string[] {
  const isBounded = schema['maxLength'] !== undefined || schema.enum !== undefined || schema['format'] === 'date-time';
  return isBounded ? [] : ['must have `maxLength`, `enum` or a date-time format'];
}

function bounded(schema: Schema, keywords: readonly string[]): readonly string[] {
  return keywords.filter((keyword) => schema[keyword] === undefined).map((keyword) => `must have \`${keyword}\``);
}
