import type { SchemaObject } from 'ajv';
import type { EngineProfile } from '../core/model/profile.ts';

const amount = { type: 'number', minimum: 0 } as const;
const count = { type: 'integer', minimum: 1, maximum: 2_147_483_647 } as const;

const properties: Readonly<Record<keyof EngineProfile, SchemaObject>> = {
  name: { type: 'string', minLength: 1, maxLength: 63 },
  alpha: amount,
  w: amount,
  beta: amount,
  gamma: amount,
  delta: amount,
  kappa: amount,
  gq: amount,
  tau0: amount,
  kvCapacityTokens: count,
  blockTokens: count,
  maxNumSeqs: count,
  maxBatchedTokens: count,
  gpusPerReplica: count,
  weightsBytes: { type: 'integer', minimum: 0 },
  validity: { type: 'string', minLength: 1 },
  isValidated: { type: 'boolean' },
};

export const profileFields: readonly string[] = Object.keys(properties);

/** An engine profile as a file writes it: the fields of EngineProfile, all of them and no other. */
export const profileSchema: SchemaObject = {
  type: 'object',
  additionalProperties: false,
  required: profileFields,
  properties,
};
