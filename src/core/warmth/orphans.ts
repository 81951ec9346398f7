import type { Action } from '../model/decision.ts';
import type { ArtifactHash, FleetSeen, NodeName, NodeSeen } from '../model/pool.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { type Ground, keyOf } from './ground.ts';

/** A copy that is no longer wanted is kept this long, so that a short dip of demand moves no bytes. */
export const keepSeconds = 600;
/** The time of last want is refreshed only this often: memory stays quiet. */
export const refreshSeconds = 60;

export interface Orphans {
  readonly entries: readonly (readonly [string, Instant])[];
  readonly actions: readonly Action[];
}

/**
 * Copies of artifacts that no pool wants any more: its object was deleted, or names another artifact. They are taken back `keepSeconds` after the
 * last want or use. Not while a pod on the node names the artifact, and not while a pool that wants it exists and cannot be decided. What was
 * taken back is remembered until the cluster shows it: an action that failed comes again.
 */
export function orphansOf(
  { nodes, held }: Ground,
  { reserved = [] }: FleetSeen,
  wanted: ReadonlySet<ArtifactHash>,
  now: Instant,
): Orphans {
  const entries: (readonly [string, Instant])[] = [];
  const actions: Action[] = [];
  for (const hash of [...held.keys()].filter((one) => !wanted.has(one)).sort()) {
    for (const [name, lastWanted = now] of byName(held.get(hash))) {
      const node = nodes.get(name);
      if (node?.cache?.assigned.includes(hash) !== true) continue;
      const isNeeded = reserved.includes(hash) || isUsed(node, hash);
      const at = isNeeded && elapsed(lastWanted, now) >= refreshSeconds ? now : lastWanted;
      entries.push([keyOf(name, hash), at]);
      if (elapsed(at, now) >= keepSeconds) actions.push({ kind: 'Unassign', node: name, artifact: hash });
    }
  }
  return { entries, actions };
}

function byName(
  holders: ReadonlyMap<NodeName, Instant | undefined> | undefined,
): readonly (readonly [NodeName, Instant | undefined])[] {
  return [...(holders ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
}

function isUsed({ cache }: NodeSeen, hash: ArtifactHash): boolean {
  return cache?.inUse?.includes(hash) === true;
}
