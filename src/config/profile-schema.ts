import type { SchemaObject } from 'ajv';
import type { EngineProfile } from '../core/model/profile.ts';
import { oneOf, whole, whollyClosed } from './schema-parts.ts';

const amount = { type: 'number', minimum: 0 } as const;
const count = { type: 'integer', minimum: 1, maximum: 2_147_483_647 } as const;

const properties: Readonly<Record<keyof Required<EngineProfile>, SchemaObject>> = {
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
  iterationError: { type: 'number', minimum: 0, maximum: 0.9 },
};

/** An engine profile as a file writes it: the fields of EngineProfile, all of them (`iterationError` may be left out) and no other. */
export const profileSchema: SchemaObject = whollyClosed(properties, ['iterationError']);

const above0 = { type: 'number', exclusiveMinimum: 0 } as const;

/** In place of the constants: what datasheets say, and the settings of the engine. */
export const datasheetFileSchema: SchemaObject = whollyClosed(
  {
    name: properties.name,
    datasheet: whollyClosed(
      {
        model: whollyClosed({
          weightsBytes: above0,
          parameters: above0,
          layers: count,
          hiddenSize: count,
          kvBytesPerToken: count,
        }),
        gpu: whollyClosed({ memoryGib: above0, memoryGbPerSecond: above0, teraflops: above0 }),
        precision: oneOf('BF16', 'FP8', 'FP4'),
        tensorParallel: whole(1, 64),
        link: whollyClosed({ kind: oneOf('NvLink', 'Pcie'), gbPerSecond: above0 }),
      },
      ['link'],
    ),
    tau0: { ...amount, default: 10 },
    blockTokens: { ...count, default: 16 },
    maxNumSeqs: count,
    maxBatchedTokens: count,
  },
  ['tau0', 'blockTokens'],
);
