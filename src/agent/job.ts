import { ForewarmError, isForewarmError } from '../errors.ts';
import type { CachedArtifactStatus } from '../ports/artifacts.ts';
import { type BlobRequest, type DownloadDeps, download, type FileSource } from './download.ts';
import { failureMessage, isWorthRetrying } from './failure.ts';
import { lookAt } from './files.ts';
import { collision, pathProblem } from './names.ts';
import { isSelected } from './pattern.ts';
import { backOffSeconds, slowRetrySeconds } from './retry.ts';
import type { Singleflight } from './singleflight.ts';
import type { Listing } from './sources/hub.ts';
import type { HubFile } from './sources/listing.ts';
import { keyOf, type Store, type Wanted } from './store.ts';
import type { Turnstile } from './turnstile.ts';

export interface ModelSource extends FileSource {
  list(repo: string, revision: string, signal: AbortSignal): Promise<Listing>;
}

export interface JobDeps extends Omit<DownloadDeps, 'source'> {
  readonly source: ModelSource;
  readonly store: Store;
  readonly flights: Singleflight;
  readonly turnstile: Turnstile;
  /** Whether a replica waits for the file with this digest. */
  readonly isAwaited: (hex: string) => boolean;
  /** One file was fetched, or was not. */
  readonly onFetched: (outcome: 'published' | 'failed') => void;
  readonly onFailure: (err: unknown, key: string) => void;
  readonly onReady: (key: string) => void;
}

export interface JobProgress {
  readonly phase: CachedArtifactStatus['phase'];
  readonly bytesTotal: number;
  readonly bytesDone: number;
  readonly message?: string;
}

const listTries = 4;
const intactCheckSeconds = 600;

/** Keeps one snapshot present: fetches, publishes, looks after it, and after a failure tries again on a slow clock. */
export class Job {
  readonly wanted: Wanted;
  readonly #deps: JobDeps;
  #files: readonly HubFile[] = [];
  #lacksRoom = false;
  /** What came was not what the listing says: either may be wrong. */
  #isListingInDoubt = false;
  #nudge = new AbortController();
  #state: { readonly phase: JobProgress['phase']; readonly message?: string } = { phase: 'Assigned' };
  constructor(deps: JobDeps, wanted: Wanted) {
    this.#deps = deps;
    this.wanted = wanted;
  }

  /** Runs until the signal ends it. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#nudge = new AbortController();
      const seconds = await this.#round(signal);
      const either = AbortSignal.any([signal, this.#nudge.signal]);
      await this.#deps.clock.sleep(1000 * seconds, either).catch(() => undefined);
    }
  }

  /** The assignment has changed: what failed for want of room tries again now, since others may have to go. */
  nudge(): void {
    if (this.#lacksRoom) this.#nudge.abort(new Error('the assignment changed'));
  }

  /** Whether this file is one that is still being fetched. */
  isFetching(hex: string): boolean {
    return this.#state.phase !== 'Ready' && this.#files.some(({ digest }) => digest.hex === hex);
  }

  async progress(): Promise<JobProgress> {
    const sizes = new Map(this.#files.map((file) => [file.digest.hex, file]));
    let [bytesTotal, bytesDone] = [0, 0];
    for (const file of sizes.values()) {
      bytesTotal += file.bytes;
      bytesDone += this.#state.phase === 'Ready' ? file.bytes : await this.#bytesOf(file);
    }
    return { ...this.#state, bytesTotal, bytesDone };
  }

  /** Seconds until the next look. */
  async #round(signal: AbortSignal): Promise<number> {
    const { random } = this.#deps;
    try {
      await this.#ensure(signal);
      return intactCheckSeconds * (1 + random());
    } catch (err) {
      if (signal.aborted) return 0;
      this.#lacksRoom = isForewarmError(err, 'DISK_FULL');
      this.#isListingInDoubt = isForewarmError(err, 'UNEXPECTED_CONTENT');
      this.#state = { phase: 'Failed', message: failureMessage(err) };
      this.#deps.onFailure(err, keyOf(this.wanted));
      return slowRetrySeconds(random);
    }
  }

  async #ensure(signal: AbortSignal): Promise<void> {
    const { store } = this.#deps;
    if (await store.isReady(this.wanted)) {
      this.#files = await store.shownFiles(this.wanted);
      this.#setReady();
      return;
    }
    this.#lacksRoom = false;
    // a try that fails like the one before is no news: it stays Failed until something has come
    if (this.#state.phase !== 'Failed') this.#state = { phase: 'Downloading' };
    const planned = this.#isListingInDoubt ? undefined : await store.plan(this.wanted);
    const files = planned ?? (await this.#list(signal));
    this.#files = files;
    await store.admit(this.wanted, files);
    await this.#fetch(files, signal);
    signal.throwIfAborted();
    await store.publish(this.wanted, files);
    this.#setReady();
  }

  #setReady(): void {
    if (this.#state.phase !== 'Ready') this.#deps.onReady(keyOf(this.wanted));
    this.#state = { phase: 'Ready' };
  }

  async #list(signal: AbortSignal): Promise<readonly HubFile[]> {
    const { repo, commit, patterns } = this.wanted;
    for (let failures = 1; ; failures += 1) {
      try {
        const listing = await this.#deps.source.list(repo, commit, signal);
        return selectFiles(listing.files, patterns);
      } catch (err) {
        signal.throwIfAborted();
        if (!isWorthRetrying(err) || failures === listTries) throw err;
        this.#deps.onRetry(err, repo);
        await this.#deps.clock.sleep(1000 * backOffSeconds(failures, this.#deps.random, err), signal);
      }
    }
  }

  /** The smallest file goes alone: where a proxy answers with its own page, nothing else is asked for. */
  async #fetch(files: readonly HubFile[], signal: AbortSignal): Promise<void> {
    const distinct = [...new Map(files.map((file) => [file.digest.hex, file])).values()];
    const [first, ...rest] = distinct.sort((a, b) => a.bytes - b.bytes);
    if (first === undefined) return;
    await this.#fetchOne(first, signal);
    this.#state = { phase: 'Downloading' };
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const settled = await Promise.allSettled(
      rest.map((file) =>
        this.#fetchOne(file, both).catch((err: unknown) => {
          stop.abort(err);
          throw err;
        }),
      ),
    );
    signal.throwIfAborted();
    if (stop.signal.aborted) throw stop.signal.reason;
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #fetchOne(file: HubFile, signal: AbortSignal): Promise<void> {
    const { flights, turnstile, store, isAwaited } = this.#deps;
    const { hex } = file.digest;
    const { repo, commit } = this.wanted;
    const request: BlobRequest = { repo, commit, file };
    const run = async (shared: AbortSignal): Promise<void> => {
      if (await store.has(repo, file)) return;
      await turnstile.pass(
        async (passing) => await this.#download(request, passing),
        shared,
        () => isAwaited(hex),
      );
    };
    await flights.ride(hex, run, signal);
  }

  async #download(request: BlobRequest, signal: AbortSignal): Promise<void> {
    try {
      await download(this.#deps, request, signal);
      this.#deps.onFetched('published');
    } catch (err) {
      if (!signal.aborted) this.#deps.onFetched('failed');
      throw err;
    }
  }

  async #bytesOf(file: HubFile): Promise<number> {
    const { store, partsDirectory } = this.#deps;
    if ((await lookAt(store.pool.path(file))) !== undefined) return file.bytes;
    return Math.min(file.bytes, Number((await lookAt(`${partsDirectory}/${file.digest.hex}`))?.size ?? 0n));
  }
}

/** @throws CONFIG_INVALID when no file is selected, UNEXPECTED_CONTENT when a name would lead out of the snapshot. */
export function selectFiles(files: readonly HubFile[], patterns: readonly string[]): readonly HubFile[] {
  const selected = files.filter((file) => isSelected(file.path, patterns));
  if (selected.length === 0) {
    throw new ForewarmError(
      'CONFIG_INVALID',
      `no file to keep: ${files.length} listed, patterns [${patterns.join(', ')}]`,
    );
  }
  for (const { path } of selected) {
    const problem = pathProblem(path);
    if (problem !== undefined)
      throw new ForewarmError('UNEXPECTED_CONTENT', `the file name ${JSON.stringify(path)} ${problem}`);
  }
  const pair = collision(selected.map((file) => file.path));
  if (pair === undefined) return selected;
  throw new ForewarmError('UNEXPECTED_CONTENT', `the files '${pair[0]}' and '${pair[1]}' cannot both be kept`);
}
