import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';

/** How a value relates to the limit when the bar holds. */
export interface Limit {
  readonly op: '<=' | '>=' | 'within';
  readonly limit: number | readonly number[];
  readonly origin: string;
}
export type Limits = Readonly<Record<string, Readonly<Record<string, Limit>>>>;

export const ownLimits: string = join(import.meta.dirname, 'limits.yaml');
/** A copy beside the repository, where there is one, is the one that counts. */
export const sharedLimits: string = join(dirname(dirname(import.meta.dirname)), 'shared', 'bench', 'limits.yaml');

export function limitsPath(): string {
  return existsSync(sharedLimits) ? sharedLimits : ownLimits;
}

export function readLimits(path: string = limitsPath()): Limits {
  const limits: unknown = load(readFileSync(path, 'utf8'));
  if (!isLimits(limits)) throw new TypeError(`${path} must map bench -> metric -> {op, limit, origin}`);
  return limits;
}

function isLimits(value: unknown): value is Limits {
  return (
    isRecord(value) && Object.values(value).every((bench) => isRecord(bench) && Object.values(bench).every(isLimit))
  );
}

function isLimit(value: unknown): value is Limit {
  if (!isRecord(value) || typeof value['origin'] !== 'string') return false;
  const { op, limit } = value;
  if (op === 'within') return Array.isArray(limit) && limit.length === 2 && limit.every(Number.isFinite);
  return (op === '<=' || op === '>=') && typeof limit === 'number';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
