import { createHash } from 'node:crypto';
import { matchesGlob } from 'node:path';
import type { CachePhase } from '../../core/model/pool.ts';
import { explainError } from '../../errors.ts';
import type { ArtifactResolver, ResolvedFile } from '../../ports/artifacts.ts';
import type { Clock } from '../../ports/index.ts';
import type { ArtifactKept, NodeCacheKept } from './artifact.ts';
import type { Cluster } from './cluster.ts';
import { type Condition, dated } from './conditions.ts';
import type { Json } from './fields.ts';
import { number } from './fields.ts';
import type { KubeHttp } from './http.ts';
import { rfc3339 } from './status.ts';

export interface ArtifactsOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly resolver: ArtifactResolver;
  readonly assertFresh: () => void;
  readonly onProblem: (artifact: string, err: unknown) => void;
}

/** Of one artifact, over all nodes; as its status says it. */
interface Copies {
  readonly copiesWanted: number;
  readonly copiesWarming: number;
  readonly copiesReady: number;
}

const firstRetry = 10_000;
const longestRetry = 600_000;

/** Pins each ModelArtifact to one commit for the whole cluster and counts its copies. What is pinned stays, until the object changes. */
export class Artifacts {
  readonly #options: ArtifactsOptions;
  /** When a failed artifact may be tried again, and how long it waited last. */
  readonly #retries = new Map<string, { readonly at: number; readonly wait: number }>();
  readonly #busy = new Set<string>();
  /** As of the last look. */
  #copies: ReadonlyMap<string, Copies> = new Map();

  constructor(options: ArtifactsOptions) {
    this.#options = options;
  }

  /** Starts what is due; a slow hub holds up nobody else. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const { artifacts, nodeCaches } = this.#options.cluster;
    this.#copies = copiesByHash(nodeCaches.values());
    const due = artifacts.list().filter((one) => !this.#busy.has(one.uid));
    await Promise.all(due.map((one) => this.#one(one, signal)));
  }

  async #one(artifact: ArtifactKept, signal: AbortSignal): Promise<void> {
    this.#busy.add(artifact.uid);
    try {
      if (isPinned(artifact)) await this.#count(artifact, signal);
      else if (this.#mayTry(artifact)) await this.#resolve(artifact, signal);
    } catch (err) {
      if (!signal.aborted) this.#options.onProblem(artifact.key, err);
    } finally {
      this.#busy.delete(artifact.uid);
    }
  }

  async #resolve(artifact: ArtifactKept, signal: AbortSignal): Promise<void> {
    try {
      const found = await this.#options.resolver.resolve(artifact.source, artifact.revision, signal);
      const totalBytes = wanted(found.files, artifact.files).reduce((sum, file) => sum + file.bytes, 0);
      const hash = artifactHash(artifact.key, found.commit);
      const condition = {
        type: 'Resolved',
        status: 'True',
        reason: 'CommitPinned',
        message: `${artifact.revision} is ${found.commit}`,
      } as const;
      this.#retries.delete(artifact.uid);
      await this.#write(
        artifact,
        { commit: found.commit, hash, totalBytes, ...this.#copiesOf(hash) },
        condition,
        signal,
      );
    } catch (err) {
      if (signal.aborted) return;
      this.#delay(artifact);
      const condition = {
        type: 'Resolved',
        status: 'False',
        reason: 'ResolveFailed',
        message: explainError(err),
      } as const;
      await this.#write(artifact, {}, condition, signal);
      throw err;
    }
  }

  async #count(artifact: ArtifactKept, signal: AbortSignal): Promise<void> {
    const copies = this.#copiesOf(artifact.pinned?.hash ?? '');
    const isSame = Object.entries(copies).every(([key, value]) => number(artifact.status, key) === value);
    if (isSame) return;
    await this.#patch(artifact, { ...copies }, signal);
  }

  #copiesOf(hash: string): Copies {
    return this.#copies.get(hash) ?? { copiesWanted: 0, copiesWarming: 0, copiesReady: 0 };
  }

  async #write(artifact: ArtifactKept, fields: Json, condition: Condition, signal: AbortSignal): Promise<void> {
    const about = { now: rfc3339(this.#options.clock.now()), generation: artifact.generation };
    const conditions = dated([condition], artifact.status, about);
    await this.#patch(artifact, { ...fields, observedGeneration: artifact.generation, conditions }, signal);
  }

  async #patch(artifact: ArtifactKept, status: Json, signal: AbortSignal): Promise<void> {
    this.#options.assertFresh();
    const path = `/apis/forewarm.dev/v1alpha1/namespaces/${encodeURIComponent(artifact.namespace)}/modelartifacts/${encodeURIComponent(artifact.name)}/status`;
    await this.#options.http.call(
      { verb: 'PATCH', path, query: { fieldManager: 'forewarm' }, body: { status } },
      signal,
    );
  }

  #mayTry(artifact: ArtifactKept): boolean {
    const retry = this.#retries.get(artifact.uid);
    return retry === undefined || this.#options.clock.monotonic() >= retry.at;
  }

  #delay(artifact: ArtifactKept): void {
    const wait = Math.min((this.#retries.get(artifact.uid)?.wait ?? firstRetry / 2) * 2, longestRetry);
    this.#retries.set(artifact.uid, { at: this.#options.clock.monotonic() + wait, wait });
  }
}

/** Every cache is looked at once, whatever the number of artifacts. */
function copiesByHash(caches: Iterable<NodeCacheKept>): ReadonlyMap<string, Copies> {
  const all = new Map<string, Copies>();
  const add = (hash: string, more: Copies): void => {
    const { copiesWanted = 0, copiesWarming = 0, copiesReady = 0 } = all.get(hash) ?? {};
    all.set(hash, {
      copiesWanted: copiesWanted + more.copiesWanted,
      copiesWarming: copiesWarming + more.copiesWarming,
      copiesReady: copiesReady + more.copiesReady,
    });
  };
  for (const { assigned, phases } of caches) {
    for (const { hash } of assigned) {
      add(hash, { copiesWanted: 1, copiesWarming: isWarming(phases[hash]) ? 1 : 0, copiesReady: 0 });
    }
    for (const [hash, phase] of Object.entries(phases)) {
      if (phase === 'Ready') add(hash, { copiesWanted: 0, copiesWarming: 0, copiesReady: 1 });
    }
  }
  return all;
}

function isWarming(phase: CachePhase | undefined): boolean {
  return phase === undefined || phase === 'Assigned' || phase === 'Downloading';
}

function isPinned({ pinned, status, generation }: ArtifactKept): boolean {
  return pinned !== undefined && number(status, 'observedGeneration') === generation;
}

/** First 12 hexadecimal digits of the sha256 of `namespace/name@commit`: also the suffix of the node label. */
export function artifactHash(key: string, commit: string): string {
  return createHash('sha256').update(`${key}@${commit}`).digest('hex').slice(0, 12);
}

function wanted(files: readonly ResolvedFile[], patterns: readonly string[]): readonly ResolvedFile[] {
  if (patterns.length === 0) return files;
  return files.filter(({ path }) => patterns.some((pattern) => matchesGlob(path, pattern)));
}
