import type { Recommendation } from '../model/decision.ts';
import type { ArtifactNeed } from '../model/policy.ts';
import type { ArtifactHash, FleetSeen, NodeName, NodeSeen } from '../model/pool.ts';
import type { Instant } from '../model/units.ts';

/** `node/hash` -> when the plan last wanted that copy (refreshed once a minute). */
export type Assignments = Readonly<Record<string, Instant>>;

/** One artifact and all pools that need it. */
export interface Want {
  readonly artifact: ArtifactNeed;
  readonly pools: readonly Recommendation[];
  /** Copies wanted where the next replicas would land. */
  readonly copies: number;
  /** GPUs of the smallest replica. */
  readonly gpus: number;
  /** Sorted. */
  readonly eligible: readonly NodeName[];
  /** Nodes that run a replica now: they need the copy whatever the plan says. */
  readonly used: ReadonlySet<NodeName>;
  /** Of these, nodes on which a replica has not found its weights yet. */
  readonly waiting: ReadonlySet<NodeName>;
  /** Seconds until the first copy may be needed; 0 where a replica waits. */
  readonly neededInSeconds: number;
}

/** The fleet by name and by artifact, so that no step looks at every node for every artifact. */
export interface Ground {
  readonly nodes: ReadonlyMap<NodeName, NodeSeen>;
  /** By artifact, the nodes that memory or the cluster says are assigned, and when they were last wanted where memory knows. */
  readonly held: ReadonlyMap<ArtifactHash, ReadonlyMap<NodeName, Instant | undefined>>;
  /** Bytes a node may still take. */
  readonly room: ReadonlyMap<NodeName, number>;
}

/**
 * What each artifact needs over all pools that name it; what is needed soonest first, by the minute, for the first takes the room of a disk. Then what
 * serves the more important pool, then the smaller, then by hash.
 */
export function wantsOf(recommendations: readonly Recommendation[]): readonly Want[] {
  const byHash = new Map<ArtifactHash, Recommendation[]>();
  for (const recommendation of recommendations) {
    const hash = recommendation.warmth.artifact?.hash;
    if (hash === undefined) continue;
    const sharing = byHash.get(hash);
    if (sharing === undefined) byHash.set(hash, [recommendation]);
    else sharing.push(recommendation);
  }
  return [...byHash.values()].flatMap(wantOf).sort(sooner);
}

function sooner(a: Want, b: Want): number {
  const minute = ({ neededInSeconds }: Want): number => Math.floor(neededInSeconds / 60);
  const priority = ({ pools }: Want): number => Math.max(...pools.map((pool) => pool.priority ?? 0));
  const byTime = minute(a) === minute(b) ? 0 : minute(a) - minute(b);
  return (
    byTime ||
    priority(b) - priority(a) ||
    a.artifact.bytes - b.artifact.bytes ||
    (a.artifact.hash < b.artifact.hash ? -1 : 1)
  );
}

function wantOf(pools: readonly Recommendation[]): readonly Want[] {
  const artifact = pools[0]?.warmth.artifact;
  if (artifact === undefined) return [];
  const targets = pools.flatMap((pool) => pool.targets);
  const [only] = targets;
  const waiting = new Set(targets.flatMap(({ waitingNodes }) => waitingNodes));
  return [
    {
      artifact,
      pools,
      copies:
        sum(targets.map(({ warmCopiesWanted }) => warmCopiesWanted)) +
        sum(pools.map(({ warmth }) => warmth.floorCopies)),
      gpus: Math.min(...targets.map(({ gpusPerReplica }) => gpusPerReplica)),
      eligible:
        targets.length === 1 && only !== undefined
          ? only.eligibleNodes
          : [...new Set(targets.flatMap(({ eligibleNodes }) => eligibleNodes))].sort(),
      used: new Set(targets.flatMap(({ occupiedNodes }) => occupiedNodes)),
      waiting,
      neededInSeconds:
        waiting.size > 0
          ? 0
          : Math.min(...targets.map(({ warmNeededInSeconds = Number.POSITIVE_INFINITY }) => warmNeededInSeconds)),
    },
  ];
}

export function groundOf(fleet: FleetSeen, assignments: Assignments, wants: readonly Want[]): Ground {
  const nodes = new Map(fleet.nodes.map((node) => [node.node, node]));
  const held = new Map<ArtifactHash, Map<NodeName, Instant | undefined>>();
  const hold = (hash: ArtifactHash, node: NodeName, at: Instant | undefined): void => {
    const holders = held.get(hash) ?? new Map<NodeName, Instant | undefined>();
    if (!holders.has(node)) holders.set(node, at);
    held.set(hash, holders);
  };
  for (const [key, at] of Object.entries(assignments)) {
    const { node, hash } = parseKey(key);
    if (nodes.has(node)) hold(hash, node, at);
  }
  for (const { node, cache } of fleet.nodes) for (const hash of cache?.assigned ?? []) hold(hash, node, undefined);
  return { nodes, held, room: roomOf(nodes, held, wants) };
}

/** Budget less what is used less what is assigned and not there yet (its whole size: what part of it arrived is not known here). */
function roomOf(
  nodes: ReadonlyMap<NodeName, NodeSeen>,
  held: Ground['held'],
  wants: readonly Want[],
): ReadonlyMap<NodeName, number> {
  const room = new Map<NodeName, number>();
  for (const { node, cache } of nodes.values()) {
    if (cache !== undefined) room.set(node, cache.budgetBytes - cache.usedBytes);
  }
  for (const { artifact } of wants) {
    for (const name of held.get(artifact.hash)?.keys() ?? []) {
      const left = room.get(name);
      if (left === undefined || nodes.get(name)?.cache?.phases[artifact.hash] === 'Ready') continue;
      room.set(name, left - artifact.bytes);
    }
  }
  return room;
}

export function keyOf(node: NodeName, hash: ArtifactHash): string {
  return `${node}/${hash}`;
}

function parseKey(key: string): { readonly node: NodeName; readonly hash: ArtifactHash } {
  const slash = key.lastIndexOf('/');
  return { node: key.slice(0, slash), hash: key.slice(slash + 1) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
