import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { load } from 'js-yaml';
import { parsePolicyObject } from '../../src/config/policy-file.ts';
import type { PolicyDefinition, SimulatedAlgorithm } from '../../src/core/model/policy-definition.ts';
import { describe } from '../../src/core/model/result.ts';
import { mostDimensions } from './sobol.ts';

/** One setting that is tuned: a path below `spec.parameters`, and the whole numbers between which it is looked for. */
export interface Range {
  readonly setting: string;
  readonly scale: 'linear' | 'log';
  readonly from: number;
  readonly to: number;
}

/** Of each policy, by name. */
export type Space = Readonly<Record<string, readonly Range[]>>;

export type Simulated = Extract<PolicyDefinition, { readonly kind: 'SimulatedPolicy' }>;

const range = {
  type: 'object',
  required: ['setting', 'scale', 'from', 'to'],
  additionalProperties: false,
  properties: {
    setting: { type: 'string', minLength: 1 },
    scale: { enum: ['linear', 'log'] },
    from: { type: 'integer', minimum: 0 },
    to: { type: 'integer', minimum: 1 },
  },
};
const isSpace = new Ajv({ verbose: true }).compile<Space>({
  type: 'object',
  minProperties: 1,
  additionalProperties: { type: 'array', minItems: 1, maxItems: mostDimensions, items: range },
});

const spacePath = join(import.meta.dirname, 'space.yaml');

/** Reads bench/tune/space.yaml. Throws with the place, what stood there and what may. */
export function readSpace(path: string = spacePath): Space {
  const document: unknown = load(readFileSync(path, 'utf8'));
  if (!isSpace(document)) {
    const [first] = isSpace.errors ?? [];
    throw new TypeError(`${path}${first?.instancePath}: ${first?.message}, was ${JSON.stringify(first?.data)}`);
  }
  for (const [name, ranges] of Object.entries(document)) {
    for (const { setting, scale, from, to } of ranges) {
      if (from < to && (scale === 'linear' || from > 0)) continue;
      throw new RangeError(
        `${path}: ${name} ${setting} must go up, from 1 where the scale is log, was ${from} to ${to}`,
      );
    }
  }
  return document;
}

/** The whole number at this part of the range, 0 to 1. */
export function valueAt({ scale, from, to }: Range, part: number): number {
  if (scale === 'linear') return Math.round(from + part * (to - from));
  return Math.round(from * (to / from) ** part);
}

/** A policy with other values; its name says nothing of them. Throws where there is no such setting, or a value that the policy does not allow. */
export function withSettings(policy: Simulated, ranges: readonly Range[], values: readonly number[]): Simulated {
  const { name, kind, ...spec } = policy;
  const changed = structuredClone(spec) as SimulatedAlgorithm;
  ranges.forEach(({ setting }, i) => put(name, changed.parameters, { path: setting.split('.'), value: values[i] }));
  const parsed = parsePolicyObject({ apiVersion: 'forewarm.dev/v1alpha1', kind, metadata: { name }, spec: changed });
  if (!parsed.ok) throw new TypeError(`${name}: ${describe(parsed.problem)}`);
  return parsed.value as Simulated;
}

function put(
  name: string,
  parameters: object,
  { path, value }: { readonly path: readonly string[]; readonly value: number | undefined },
): void {
  let at = parameters as Record<string, unknown>;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    if (typeof next !== 'object' || next === null) throw new RangeError(`${name} has no setting ${path.join('.')}`);
    at = next as Record<string, unknown>;
  }
  const last = path.at(-1) ?? '';
  if (typeof at[last] !== 'number') throw new RangeError(`${name} has no number at ${path.join('.')}`);
  at[last] = value;
}
