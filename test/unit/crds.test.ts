import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scalingPolicySchema } from '../../src/config/policy-schema.ts';
import { type Schema, generate, generatedFile, readCrds, schemaOf } from '../support/generate.ts';
import { structuralFaults } from '../support/structural.ts';

const crds = readCrds();

test('the generated types are those of the schemas: run `npm run generate` after a change', async () => {
  expect(readFileSync(generatedFile, 'utf8')).toBe(await generate());
});

test('the group has exactly the kinds of the design, in their scopes', () => {
  expect(Object.fromEntries(crds.map((crd) => [crd.spec.names.kind, crd.spec.scope]))).toStrictEqual({
    InferenceAutoscaler: 'Namespaced',
    ModelArtifact: 'Namespaced',
    NodeCache: 'Cluster',
    PoolCheckpoint: 'Namespaced',
    ScalingPolicy: 'Cluster',
  });
  for (const crd of crds) {
    expect(crd.spec.group).toBe('forewarm.dev');
    expect(crd.metadata.name).toBe(`${String(crd.spec.names['plural'])}.forewarm.dev`);
  }
});

for (const crd of crds) {
  test(`${crd.spec.names.kind} has a bounded structural schema`, () => {
    expect(structuralFaults(schemaOf(crd))).toStrictEqual([]);
  });

  test(`${crd.spec.names.kind} shows only columns that its schema has`, () => {
    const unknown = crd.spec.versions[0]?.additionalPrinterColumns
      .map((column) => column.jsonPath)
      .filter((path) => !path.startsWith('.metadata.') && !hasPath(schemaOf(crd), path));
    expect(unknown).toStrictEqual([]);
  });
}

const planted: Readonly<Record<string, { readonly schema: Schema; readonly fault: string }>> = {
  'a branch that names types': {
    schema: { type: 'object', properties: { a: { type: 'string', maxLength: 1, oneOf: [{ type: 'string' }] } } },
    fault: 'a: `oneOf` is not structural',
  },
  'additionalProperties beside properties': {
    schema: { type: 'object', properties: {}, additionalProperties: { type: 'string', maxLength: 1 } },
    fault: ': `additionalProperties` must not stand beside `properties`',
  },
  'a reference': { schema: { $ref: '#/x' }, fault: ': `$ref` is not structural' },
  'a value without a type': { schema: { type: 'object', properties: { a: {} } }, fault: 'a: must have a type' },
  'a floating number': {
    schema: { type: 'object', properties: { a: { type: 'number' } } },
    fault: 'a: must not be a floating number',
  },
  'an unbounded number': {
    schema: { type: 'object', properties: { a: { type: 'integer', minimum: 0 } } },
    fault: 'a: must have `maximum` or format int64',
  },
  'an unbounded string': {
    schema: { type: 'object', properties: { a: { type: 'string' } } },
    fault: 'a: must have `maxLength`, `enum` or a date-time format',
  },
  'an unbounded list': {
    schema: { type: 'object', properties: { a: { type: 'array', items: { type: 'boolean' } } } },
    fault: 'a: must have `maxItems`',
  },
  'a list that says nothing about merging': {
    schema: { type: 'object', properties: { a: { type: 'array', maxItems: 1, items: { type: 'boolean' } } } },
    fault: 'a: must have `x-kubernetes-list-type`',
  },
  'a required field that does not exist': {
    schema: { type: 'object', required: ['b'], properties: {} },
    fault: ': requires `b`, which it does not declare',
  },
};
for (const [name, { schema, fault }] of Object.entries(planted)) {
  test(`the structural check finds ${name}`, () => {
    expect(structuralFaults(schema)).toContain(fault);
  });
}

/** Follows a simple JSON path; `[...]` steps into a list's items. */
function hasPath(schema: Schema, path: string): boolean {
  const steps = path
    .replace(/\[[^\]]*\]/g, '.[]')
    .split('.')
    .filter(Boolean);
  let at: Schema | undefined = schema;
  for (const step of steps) at = step === '[]' ? at?.items : at?.properties?.[step];
  return at !== undefined;
}

test('a ScalingPolicy has the same fields, bounds and defaults in its custom resource and in its files', () => {
  const served = crds.filter((crd) => crd.spec.names.kind === 'ScalingPolicy').map((crd) => schemaOf(crd));
  expect(served.map(integerRules)).toStrictEqual([integerRules(scalingPolicySchema as Schema)]);
});

/** Name, minimum, maximum and default of every integer of `spec`; other fields by name alone. */
function integerRules(schema: Schema): readonly string[] {
  const fields = Object.entries(schema.properties?.['spec']?.properties ?? {});
  return fields.map(([name, { type, minimum, maximum, default: preset }]) =>
    type === 'integer' ? `${name} ${String(minimum)}..${String(maximum)} ${String(preset)}` : name,
  );
}
