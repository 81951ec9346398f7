import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type NamedPolicy, policiesOf } from '../../src/cli/simulation-input.ts';

const folder = join(import.meta.dirname, '../../policies');

export const own = 'balanced';
export const oracles = ['oracle', 'reactive-oracle'] as const;

/** Every peer that comes with Forewarm, by the name of its file. */
export function peerNames(): readonly string[] {
  const ours = new Set([own]);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .filter((name) => !ours.has(name))
    .toSorted();
}

/** Policies by name, with their defaults. */
export async function defaultsOf(names: readonly string[]): Promise<readonly NamedPolicy[]> {
  return policiesOf(names);
}
