import type { Action, Recommendation } from '../model/decision.ts';
import type { ArtifactHash, FleetSeen, NodeName, NodeSeen, PoolId } from '../model/pool.ts';
import type { ArtifactNeed } from '../model/policy.ts';
import type { WarmthReport } from '../model/report.ts';
import { elapsed, type Instant } from '../model/units.ts';

/** A copy that is no longer wanted is kept this long, so that a short dip of demand moves no bytes. */
export const keepSeconds = 600;
/** The time of last want is refreshed only this often: memory stays quiet. */
const refreshSeconds = 60;

/** `node/hash` -> when the plan last wanted that copy (refreshed once a minute). */
export type Assignments = Readonly<Record<string, Instant>>;

export interface WarmthInput {
  readonly assignments: Assignments;
  readonly recommendations: readonly Recommendation[];
  readonly fleet: FleetSeen;
  readonly now: Instant;
}
export interface WarmthPlan {
  readonly assignments: Assignments;
  readonly actions: readonly Action[];
  readonly reports: Readonly<Record<PoolId, WarmthReport>>;
}

/** One artifact and all pools that need it. */
interface Want {
  readonly artifact: ArtifactNeed;
  readonly pools: readonly Recommendation[];
  readonly copies: number;
  readonly gpus: number;
  readonly eligible: ReadonlySet<NodeName>;
  /** Nodes that run a replica now: they need the copy whatever the plan says. */
  readonly used: ReadonlySet<NodeName>;
}

/**
 * Which nodes should hold which artifact: every node that runs a replica of it, and as many more as are wanted, where the next replicas would land.
 * New copies go only to healthy nodes and only within the budget of the node's disk; a copy goes only after `keepSeconds` without a want and
 * without a user. Deterministic: artifacts by hash, nodes by name.
 */
export function planWarmth({ assignments, recommendations, fleet, now }: WarmthInput): WarmthPlan {
  const wants = wantsOf(recommendations);
  const room = new Map(fleet.nodes.map((node) => [node.node, roomOn(node, wants, assignments)]));
  const next: Record<string, Instant> = {};
  const reports: Record<PoolId, WarmthReport> = {};
  for (const want of wants) {
    const chosen = choose(want, { assignments, fleet, room });
    for (const key of chosen.map((node) => keyOf(node, want.artifact.hash)))
      next[key] = refreshed(assignments[key], now);
    for (const { pool } of want.pools) reports[pool] = reportOf(want, chosen, fleet);
  }
  const kept = { ...keptFor(assignments, wants, fleet, now), ...next };
  const sorted = Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { assignments: sorted, actions: wants.flatMap((want) => actionsFor(want, sorted, fleet)), reports };
}

function wantsOf(recommendations: readonly Recommendation[]): readonly Want[] {
  const byHash = new Map<ArtifactHash, Recommendation[]>();
  for (const recommendation of recommendations) {
    const hash = recommendation.warmth.artifact?.hash;
    if (hash !== undefined) byHash.set(hash, [...(byHash.get(hash) ?? []), recommendation]);
  }
  return [...byHash.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, pools]) => wantOf(pools));
}

function wantOf(pools: readonly Recommendation[]): readonly Want[] {
  const artifact = pools[0]?.warmth.artifact;
  if (artifact === undefined) return [];
  const targets = pools.flatMap((pool) => pool.targets);
  return [
    {
      artifact,
      pools,
      copies:
        sum(targets.map(({ warmCopiesWanted }) => warmCopiesWanted)) +
        sum(pools.map(({ warmth }) => warmth.floorCopies)),
      gpus: Math.min(...targets.map(({ gpusPerReplica }) => gpusPerReplica)),
      eligible: new Set(targets.flatMap(({ eligibleNodes }) => eligibleNodes)),
      used: new Set(targets.flatMap(({ occupiedNodes }) => occupiedNodes)),
    },
  ];
}

interface Ground {
  readonly assignments: Assignments;
  readonly fleet: FleetSeen;
  /** Bytes a node may still take; lowered here by what is chosen. */
  readonly room: Map<NodeName, number>;
}

function choose(want: Want, { assignments, fleet, room }: Ground): readonly NodeName[] {
  const { artifact, used, copies } = want;
  const isHeld = (node: NodeSeen): boolean => holds(node, artifact.hash, assignments);
  const candidates = fleet.nodes.filter(
    (node) => node.isHealthy && node.cache !== undefined && want.eligible.has(node.node),
  );
  const ranked = candidates.toSorted((a, b) => rank(b) - rank(a) || (a.node < b.node ? -1 : 1));
  const chosen: NodeName[] = [];
  let left = copies;
  for (const node of ranked) {
    const isForNext = left > 0 && !isTaken(node);
    if (!isForNext && !used.has(node.node)) continue;
    if (!isHeld(node) && !take(node.node)) continue;
    chosen.push(node.node);
    if (isForNext) left -= 1;
  }
  return chosen;

  function isTaken(node: NodeSeen): boolean {
    return used.has(node.node) && node.freeGpus < want.gpus;
  }
  function rank(node: NodeSeen): number {
    const fits = node.freeGpus >= want.gpus ? 8 : 0;
    const state = node.cache?.phases[artifact.hash];
    const copy = state === 'Ready' ? 4 : isHeld(node) ? 2 : 0;
    return fits + (state === 'Failed' ? 0 : copy);
  }
  function take(node: NodeName): boolean {
    const bytes = room.get(node) ?? 0;
    if (bytes < artifact.bytes) return false;
    room.set(node, bytes - artifact.bytes);
    return true;
  }
}

/** Budget less what is used less what is assigned and not there yet (its whole size: what part of it arrived is not known here). */
function roomOn(node: NodeSeen, wants: readonly Want[], assignments: Assignments): number {
  if (node.cache === undefined) return 0;
  const promised = wants
    .filter(({ artifact: { hash } }) => holds(node, hash, assignments) && node.cache?.phases[hash] !== 'Ready')
    .map(({ artifact }) => artifact.bytes);
  return node.cache.budgetBytes - node.cache.usedBytes - sum(promised);
}

function holds(node: NodeSeen, hash: ArtifactHash, assignments: Assignments): boolean {
  return (
    assignments[keyOf(node.node, hash)] !== undefined ||
    (node.cache?.assigned.includes(hash) ?? false) ||
    node.cache?.phases[hash] === 'Ready'
  );
}

/** What is not chosen now but was wanted lately, or is used; what the cluster shows as assigned and memory forgot begins its time now. */
function keptFor(assignments: Assignments, wants: readonly Want[], fleet: FleetSeen, now: Instant): Assignments {
  const kept: Record<string, Instant> = {};
  for (const node of fleet.nodes) {
    for (const { artifact, used } of wants) {
      const key = keyOf(node.node, artifact.hash);
      const isAssigned = node.cache?.assigned.includes(artifact.hash) ?? false;
      const at = assignments[key] ?? (isAssigned ? now : undefined);
      if (at === undefined) continue;
      if (elapsed(at, now) < keepSeconds || used.has(node.node)) kept[key] = at;
    }
  }
  return kept;
}

function actionsFor(
  { artifact: { hash }, pools }: Want,
  assignments: Assignments,
  fleet: FleetSeen,
): readonly Action[] {
  const acting = pools.find(({ warmth, paused }) => warmth.mode === 'Act' && !paused);
  if (acting === undefined) return [];
  return fleet.nodes.flatMap((node): readonly Action[] => {
    if (node.cache === undefined) return [];
    const isWanted = assignments[keyOf(node.node, hash)] !== undefined;
    if (isWanted === node.cache.assigned.includes(hash)) return [];
    if (isWanted && !node.isHealthy) return [];
    return [{ kind: isWanted ? 'Assign' : 'Unassign', node: node.node, artifact: hash, pool: acting.pool }];
  });
}

function reportOf({ artifact, copies }: Want, chosen: readonly NodeName[], fleet: FleetSeen): WarmthReport {
  const isReady = (name: NodeName): boolean =>
    fleet.nodes.find(({ node }) => node === name)?.cache?.phases[artifact.hash] === 'Ready';
  const ready = chosen.filter(isReady).sort();
  const warming = chosen.filter((node) => !isReady(node)).sort();
  const because = `${copies} copies wanted for the next replicas, ${ready.length} ready and ${warming.length} to warm on ${chosen.length} nodes`;
  return { artifact: artifact.name, wanted: Math.max(copies, chosen.length), ready, warming, because };
}

function refreshed(at: Instant | undefined, now: Instant): Instant {
  return at !== undefined && elapsed(at, now) < refreshSeconds ? at : now;
}

function keyOf(node: NodeName, hash: ArtifactHash): string {
  return `${node}/${hash}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
