import type { Schema } from './generate.ts';

export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

/** Every CEL rule of a schema, wherever it stands. */
export function rulesIn(schema: Schema): readonly CelRule[] {
  const own = (schema['x-kubernetes-validations'] ?? []) as readonly CelRule[];
  const parts = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  return [...own, ...parts.flatMap((part) => (part === undefined ? [] : rulesIn(part)))];
}
