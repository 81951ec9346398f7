import { bundledPolicies } from '../../src/cli/bundled.ts';

export const own = 'balanced';
export const oracles = ['oracle', 'reactive-oracle'] as const;

/** Every peer that comes with Forewarm, with its defaults. */
export function peerNames(): readonly string[] {
  return Object.keys(bundledPolicies()).filter((name) => name !== own);
}
