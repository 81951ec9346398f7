import type { Action, Recommendation } from '../model/decision.ts';
import type { FleetSeen, NodeName, NodeSeen, PoolId } from '../model/pool.ts';
import type { WarmthReport } from '../model/report.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { type Assignments, type Ground, groundOf, keyOf, type Want, wantsOf } from './ground.ts';
import { keepSeconds, orphansOf, refreshSeconds } from './orphans.ts';

/** Names of nodes in a report, which has 16 kB for everything. */
const namesShown = 128;

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

/**
 * Which nodes should hold which artifact: every node that runs a replica of it, and as many more as are wanted, where the next replicas would land.
 * New copies go only to healthy nodes and only within the budget of the node's disk, except where a replica already waits for one: its agent
 * knows what it may remove, and says why it cannot. A copy goes only after `keepSeconds` without a want and without a user, also when the pool
 * that wanted it is gone. An agent is told which copies a replica on its node waits for. Deterministic: artifacts by when they are needed, nodes by name.
 */
export function planWarmth({ assignments, recommendations, fleet, now }: WarmthInput): WarmthPlan {
  const wants = wantsOf(recommendations);
  const ground = groundOf(fleet, assignments, wants);
  const room = new Map(ground.room);
  const orphans = orphansOf(ground, fleet, new Set(wants.map(({ artifact }) => artifact.hash)), now);
  const entries: (readonly [string, Instant])[] = [...orphans.entries];
  const actions: Action[] = [...orphans.actions];
  const reports: Record<PoolId, WarmthReport> = {};
  for (const want of wants) {
    const chosen = choose(want, ground, room);
    const kept = keep(want, ground, chosen, now);
    entries.push(...[...kept].map(([node, at]): [string, Instant] => [keyOf(node, want.artifact.hash), at]));
    actions.push(...actionsFor(want, ground, kept));
    const report = reportOf(want, chosen, ground);
    for (const { pool } of want.pools) reports[pool] = report;
  }
  return { assignments: Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))), actions, reports };
}

/** Takes what it chooses from `room`. Nodes in use come first: their replicas may be waiting for the copy now. */
function choose(want: Want, ground: Ground, room: Map<NodeName, number>): readonly NodeName[] {
  const { hash, bytes } = want.artifact;
  const held = ground.held.get(hash);
  const take = (name: NodeName): boolean => {
    const left = room.get(name) ?? 0;
    if (held?.has(name) === true || isReady(ground.nodes.get(name), want)) return true;
    if (left < bytes && !want.used.has(name)) return false;
    room.set(name, left - bytes);
    return true;
  };
  const chosen = new Set([...want.used].sort().filter((name) => isUsable(ground.nodes.get(name)) && take(name)));
  let left = want.copies;
  for (const name of left > 0 ? ranked(want, ground) : []) {
    if (left === 0) break;
    if (!chosen.has(name) && !take(name)) continue;
    chosen.add(name);
    left -= 1;
  }
  return [...chosen].sort();
}

/** Where the next replicas would land, best first: a free GPU, then a copy that is there, then one that is on its way, then the name. */
function ranked(want: Want, { nodes, held }: Ground): readonly NodeName[] {
  const holders = held.get(want.artifact.hash);
  const ranks: NodeName[][] = [[], [], [], [], [], []];
  for (const name of want.eligible) {
    const node = nodes.get(name);
    if (node === undefined || !isUsable(node)) continue;
    const fits = node.freeGpus >= want.gpus;
    if (!fits && want.used.has(name)) continue;
    ranks[(fits ? 0 : 3) + copyRank(node, want, holders?.has(name) === true)]?.push(name);
  }
  return ranks.flat();
}

function copyRank(node: NodeSeen, want: Want, isHeld: boolean): 0 | 1 | 2 {
  if (isReady(node, want)) return 0;
  return isHeld && node.cache?.phases[want.artifact.hash] !== 'Failed' ? 1 : 2;
}

/** Chosen copies, and those that were wanted lately or are in use; what the cluster shows and memory forgot begins its time now. */
function keep(
  { artifact, used }: Want,
  { held }: Ground,
  chosen: readonly NodeName[],
  now: Instant,
): ReadonlyMap<NodeName, Instant> {
  const holders = held.get(artifact.hash);
  const kept = new Map<NodeName, Instant>();
  for (const [name, at = now] of holders ?? []) {
    if (elapsed(at, now) < keepSeconds || used.has(name)) kept.set(name, at);
  }
  for (const name of chosen) {
    const at = holders?.get(name);
    kept.set(name, at !== undefined && elapsed(at, now) < refreshSeconds ? at : now);
  }
  return kept;
}

/** What the nodes show against what is kept, by node. Without a pool that acts and is not paused, nothing. */
function actionsFor(want: Want, { nodes, held }: Ground, kept: ReadonlyMap<NodeName, Instant>): readonly Action[] {
  const {
    artifact: { hash },
    pools,
  } = want;
  const acting = pools.find(({ warmth, paused }) => warmth.mode === 'Act' && !paused);
  if (acting === undefined) return [];
  const names = [...new Set([...kept.keys(), ...(held.get(hash)?.keys() ?? [])])].sort();
  return names.flatMap((name): readonly Action[] => {
    const about = { node: name, artifact: hash, pool: acting.pool };
    const node = nodes.get(name);
    if (node?.cache === undefined) return [];
    if (!kept.has(name)) return isAssigned(node, want) ? [{ kind: 'Unassign', ...about }] : [];
    if (!node.isHealthy || isAsWanted(node, want)) return [];
    return [{ kind: 'Assign', ...about, ...(isAwaitedOn(node, want) ? { isAwaited: true } : {}) }];
  });
}

function isAssigned({ cache }: NodeSeen, { artifact }: Want): boolean {
  return cache?.assigned.includes(artifact.hash) === true;
}

/** Assigned, and as urgent as it is; of a copy that is there urgency says nothing more. */
function isAsWanted(node: NodeSeen, want: Want): boolean {
  if (!isAssigned(node, want)) return false;
  const isSaidAwaited = node.cache?.awaited?.includes(want.artifact.hash) === true;
  return isReady(node, want) || isSaidAwaited === isAwaitedOn(node, want);
}

function isAwaitedOn(node: NodeSeen, want: Want): boolean {
  return want.waiting.has(node.node) && !isReady(node, want);
}

function reportOf(want: Want, chosen: readonly NodeName[], { nodes }: Ground): WarmthReport {
  const ready = chosen.filter((name) => isReady(nodes.get(name), want));
  const warming = chosen.filter((name) => !isReady(nodes.get(name), want));
  const failed = warming.filter((name) => isFailed(nodes.get(name), want));
  const wanted = roomOn(chosen, want, nodes) >= want.copies ? chosen.length : Math.max(want.copies, chosen.length);
  const counts = `${want.copies} copies wanted where the next replicas would land; ${ready.length} of ${wanted} ready, ${warming.length} to warm`;
  return {
    artifact: want.artifact.name,
    wanted,
    readyCopies: ready.length,
    warmingCopies: warming.length,
    ready: ready.slice(0, namesShown),
    warming: warming.slice(0, namesShown),
    ...(failed.length === 0 ? {} : { failed: failed.slice(0, namesShown) }),
    because: [counts, ...troubles(want, warming, nodes)].join('; '),
  };
}

/** Replicas that would find a copy: a node of eight GPUs starts several from one. */
function roomOn(chosen: readonly NodeName[], { gpus }: Want, nodes: Ground['nodes']): number {
  return chosen.reduce((sum, name) => sum + Math.floor((nodes.get(name)?.freeGpus ?? 0) / Math.max(1, gpus)), 0);
}

/** Why copies do not come, the first of each kind in words. */
function troubles(want: Want, warming: readonly NodeName[], nodes: Ground['nodes']): readonly string[] {
  const failed = warming.filter((name) => isFailed(nodes.get(name), want));
  const silent = warming.filter((name) => nodes.get(name)?.cache?.reportedAt === undefined);
  const [first = ''] = failed;
  const why = nodes.get(first)?.cache?.failures?.[want.artifact.hash] ?? 'its agent does not say why';
  return [
    ...(failed.length === 0 ? [] : [`${failed.length} failed, on ${first}: ${why.slice(0, 200)}`]),
    ...(silent.length === 0 ? [] : [`no agent has reported from ${silent.slice(0, 3).join(', ')}`]),
  ];
}

function isUsable(node: NodeSeen | undefined): boolean {
  return node?.isHealthy === true && node.cache !== undefined;
}

function isFailed(node: NodeSeen | undefined, { artifact }: Want): boolean {
  return node?.cache?.phases[artifact.hash] === 'Failed';
}

function isReady(node: NodeSeen | undefined, { artifact }: Want): boolean {
  return node?.cache?.phases[artifact.hash] === 'Ready';
}
