import { bundledPolicies, readPolicy, tunedPolicies, variantOf } from '../../src/cli/bundled.ts';
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

/** Every peer as it was tuned in hindsight for a workload, where it was; by workload. */
export async function tunedPeers(): Promise<ReadonlyMap<string, readonly NamedPolicy[]>> {
  const read = await Promise.all(Object.values(tunedPolicies()).map(async (path) => readPolicyVariants(path)));
  const named = read.flat().map((definition): NamedPolicy => ({ label: definition.name, definition }));
  return Map.groupBy(named, ({ label }) => variantOf(label)?.workload ?? '');
}

/** The policy of which this is a tuned variant; undefined of any other. */
export function originOf(label: string): string | undefined {
  return variantOf(label)?.policy;
}
