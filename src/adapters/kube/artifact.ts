import type { CachePhase, NodeCacheSeen } from '../../core/model/pool.ts';
import { bytes, instant } from '../../core/model/units.ts';
import type { AssignedArtifact } from '../../ports/artifacts.ts';
import { isJson, type Json, list, number, object, optional, text, time } from './fields.ts';
import { type Kept, versionOf } from './store.ts';

/** A ModelArtifact: what is wanted and, once a hub was asked, the commit that the whole cluster uses. */
export interface ArtifactKept extends Kept {
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly source: string;
  readonly revision: string;
  readonly files: readonly string[];
  readonly status: Json;
  readonly raw: Json;
  readonly pinned?: { readonly commit: string; readonly hash: string; readonly bytes: number };
}

export function keepArtifact(raw: unknown): ArtifactKept | undefined {
  const name = text(raw, 'metadata', 'name');
  if (name === undefined || !isJson(raw)) return undefined;
  const [source = '', revision = 'main'] = (text(raw, 'spec', 'source') ?? '').split('@');
  return {
    ...versionOf(raw),
    namespace: text(raw, 'metadata', 'namespace') ?? '',
    name,
    generation: number(raw, 'metadata', 'generation') ?? 0,
    source,
    revision,
    files: list(raw, 'spec', 'files').filter((one) => typeof one === 'string'),
    status: object(raw, 'status'),
    raw,
    ...optional('pinned', pinnedOf(object(raw, 'status'))),
  };
}

function pinnedOf(status: Json): ArtifactKept['pinned'] {
  const commit = text(status, 'commit');
  const hash = text(status, 'hash');
  if (commit === undefined || hash === undefined) return undefined;
  return { commit, hash, bytes: number(status, 'totalBytes') ?? 0 };
}

export interface NodeCacheKept extends Kept {
  readonly node: string;
  readonly assigned: readonly AssignedArtifact[];
  readonly phases: Readonly<Record<string, CachePhase>>;
  /** Why those that failed did, in the agent's words. */
  readonly failures: Readonly<Record<string, string>>;
  readonly budgetBytes: number;
  readonly usedBytes: number;
  readonly reportedAt?: number;
}

export function keepNodeCache(raw: unknown): NodeCacheKept | undefined {
  const node = text(raw, 'spec', 'node');
  if (node === undefined || !isJson(raw)) return undefined;
  const phases: Record<string, CachePhase> = {};
  const failures: Record<string, string> = {};
  for (const one of list(raw, 'status', 'artifacts')) {
    const phase = phaseOf(text(one, 'phase'));
    const hash = text(one, 'hash');
    if (hash === undefined || phase === undefined) continue;
    phases[hash] = phase;
    const message = text(one, 'message');
    if (phase === 'Failed' && message !== undefined) failures[hash] = message;
  }
  return {
    ...versionOf(raw),
    node,
    assigned: list(raw, 'spec', 'artifacts').map(assignedOf),
    phases,
    failures,
    budgetBytes: number(raw, 'status', 'budgetBytes') ?? 0,
    usedBytes: number(raw, 'status', 'usedBytes') ?? 0,
    ...optional('reportedAt', time(raw, 'status', 'reportedTime')),
  };
}

/** `names`: what the pods of the node name. `namespace`: the only one whose assignments are ours. */
export function cacheSeen(
  cache: NodeCacheKept,
  { names = [], namespace }: { readonly names?: readonly string[]; readonly namespace?: string | undefined } = {},
): NodeCacheSeen {
  const assigned = cache.assigned.filter(({ name }) => namespace === undefined || name.startsWith(`${namespace}/`));
  const awaited = assigned.filter(({ isAwaited }) => isAwaited === true);
  const inUse = assigned.filter(({ hash, commit }) => names.includes(hash) || names.includes(commit));
  return {
    phases: cache.phases,
    ...(Object.keys(cache.failures).length === 0 ? {} : { failures: cache.failures }),
    assigned: assigned.map((one) => one.hash).sort(),
    ...(awaited.length === 0 ? {} : { awaited: awaited.map((one) => one.hash).sort() }),
    ...(inUse.length === 0 ? {} : { inUse: inUse.map((one) => one.hash).sort() }),
    budgetBytes: bytes(cache.budgetBytes),
    usedBytes: bytes(cache.usedBytes),
    ...(cache.reportedAt === undefined ? {} : { reportedAt: instant(cache.reportedAt) }),
  };
}

function phaseOf(phase: string | undefined): CachePhase | undefined {
  return phase === 'Assigned' || phase === 'Downloading' || phase === 'Ready' || phase === 'Failed' ? phase : undefined;
}

function assignedOf(raw: unknown): AssignedArtifact {
  return {
    hash: text(raw, 'hash') ?? '',
    name: text(raw, 'name') ?? '',
    source: text(raw, 'source') ?? '',
    commit: text(raw, 'commit') ?? '',
    files: list(raw, 'files').filter((one) => typeof one === 'string'),
    ...(object(raw)['isAwaited'] === true ? { isAwaited: true } : {}),
  };
}
