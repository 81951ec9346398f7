import { bundledPolicies, readPolicy, tunedPolicies } from '../../src/cli/bundled.ts';
import { readPolicyVariants } from '../../src/config/policy-file.ts';
import type { NamedPolicy } from '../../src/cli/simulation-input.ts';

export const own = 'balanced';
export const oracles = ['oracle', 'reactive-oracle'] as const;

/** Every peer that comes with Forewarm, with its defaults; presets of our own algorithm are none. */
export async function peerNames(): Promise<readonly string[]> {
  const names = Object.keys(bundledPolicies());
  const kinds = await Promise.all(names.map(async (name) => (await readPolicy(name)).kind));
  return names.filter((_, i) => kinds[i] === 'SimulatedPolicy');
}

const tunedMark = '@';

/** Every peer as it was tuned in hindsight for a workload, where it was; by workload. */
export async function tunedPeers(): Promise<ReadonlyMap<string, readonly NamedPolicy[]>> {
  const read = await Promise.all(Object.values(tunedPolicies()).map(async (path) => readPolicyVariants(path)));
  const byWorkload = new Map<string, NamedPolicy[]>();
  for (const definition of read.flat()) {
    const label = definition.name;
    const workload = label.slice(label.indexOf(tunedMark) + 1);
    byWorkload.set(workload, [...(byWorkload.get(workload) ?? []), { label, definition }]);
  }
  return byWorkload;
}

export function isTuned(label: string): boolean {
  return label.includes(tunedMark);
}

/** The policy of which this is a variant, or itself. */
export function originOf(label: string): string {
  return label.split(tunedMark)[0] ?? label;
}
