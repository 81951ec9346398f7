import type { ArtifactHash } from '../core/model/pool.ts';

/** A model artifact at a pinned commit, as the controller assigns it to a node. */
export interface AssignedArtifact {
  readonly hash: ArtifactHash;
  /** `namespace/name` of the ModelArtifact. */
  readonly name: string;
  /** `hf://org/name`; other schemes are refused until they are supported. */
  readonly source: string;
  /** The commit that the whole cluster pinned. */
  readonly commit: string;
  /** Glob patterns of files to keep; empty: all. */
  readonly files: readonly string[];
  /** A replica on the node waits for it: it is fetched before everything else. */
  readonly isAwaited?: true;
}

export interface NodeCacheSpec {
  readonly node: string;
  readonly artifacts: readonly AssignedArtifact[];
}

export interface CachedArtifactStatus {
  readonly hash: ArtifactHash;
  readonly name: string;
  readonly commit: string;
  readonly phase: 'Assigned' | 'Downloading' | 'Ready' | 'Failed';
  readonly bytesTotal: number;
  readonly bytesDone: number;
  readonly bytesPerSecond: number;
  /** RFC 3339. */
  readonly readyByTime?: string;
  readonly lastUseTime?: string;
  /** Why it failed or waits: one sentence that names what was seen, as `UnexpectedContent: 635 bytes text/html`. */
  readonly message?: string;
}

export interface NodeCacheStatus {
  readonly budgetBytes: number;
  readonly usedBytes: number;
  readonly artifacts: readonly CachedArtifactStatus[];
}

/** The agent's only door to the cluster: its own NodeCache. */
export interface NodeCacheClient {
  /** Every version of the spec, the present one first; ends with the signal; heals itself. `undefined`: the object does not exist (yet). */
  watch(signal: AbortSignal): AsyncIterable<NodeCacheSpec | undefined>;
  /** Writes status only when it differs from what was written last. */
  report(status: NodeCacheStatus, signal: AbortSignal): Promise<void>;
}

export interface ResolvedFile {
  readonly path: string;
  readonly bytes: number;
  /** sha256 of the content for LFS files, git blob sha1 for the rest. */
  readonly digest: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string };
}

/** Asks a hub what a revision is, so that one commit is pinned for the whole cluster. Throws DOWNLOAD_FAILED. */
export interface ArtifactResolver {
  resolve(
    source: string,
    revision: string,
    signal: AbortSignal,
  ): Promise<{ readonly commit: string; readonly files: readonly ResolvedFile[] }>;
}
