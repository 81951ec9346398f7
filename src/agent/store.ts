import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResolvedFile } from '../ports/artifacts.ts';
import type { Clock } from '../ports/index.ts';
import { Admission } from './admission.ts';
import { BlobPool } from './blob-pool.ts';
import { isIntact } from './digest.ts';
import { diskFailure } from './failure.ts';
import { isMissing, lookAt } from './files.ts';
import { type Layout, openLayout, readBootId } from './layout.ts';
import { type Manifest, type ManifestFile, Manifests } from './manifest.ts';
import { repoFolder } from './names.ts';
import { Room, type RoomOptions } from './room.ts';
import {
  hideSnapshot,
  inspectForeign,
  isUntouched,
  revealSnapshot,
  type SnapshotPlace,
  snapshotPath,
  stageSnapshot,
  writeReference,
  writeTree,
} from './snapshot.ts';
import type { HubFile } from './sources/listing.ts';

export interface StoreOptions extends RoomOptions {
  readonly root: string;
  readonly clock: Clock;
}

/** What is asked for of one commit: all artifacts that share repository and commit are one snapshot. */
export interface Wanted {
  readonly repo: string;
  readonly commit: string;
  /** Sorted; empty: all files. */
  readonly patterns: readonly string[];
  /** References that are to name the commit. */
  readonly revisions: readonly string[];
}

export function keyOf({ repo, commit }: { readonly repo: string; readonly commit: string }): string {
  return `${repo}@${commit}`;
}

/** The cache on the disk. What a reader sees of it is whole at every moment, whenever the process dies. */
export class Store {
  readonly layout: Layout;
  readonly pool: BlobPool;
  readonly room: Room;
  readonly bootId: string;
  readonly #clock: Clock;
  readonly #manifests: Manifests;
  readonly #plans: Manifests;
  readonly #admission: Admission;

  private constructor(layout: Layout, bootId: string, options: StoreOptions) {
    this.layout = layout;
    this.bootId = bootId;
    this.#clock = options.clock;
    this.pool = new BlobPool(layout.blobs, layout.staging);
    this.room = new Room(layout.root, options);
    this.#manifests = new Manifests(layout.manifests);
    this.#plans = new Manifests(layout.plans);
    const evict = (manifest: Manifest): Promise<void> => this.#hide(manifest);
    const { pool, room } = this;
    this.#admission = new Admission({ layout, pool, room, manifests: this.#manifests, plans: this.#plans, evict });
  }

  /** Opens the cache and remembers what was published and is untouched. */
  static async open(options: StoreOptions): Promise<Store> {
    const store = new Store(await openLayout(options.root), await readBootId(), options);
    for (const manifest of await store.#manifests.all()) await store.#trust(manifest);
    return store;
  }

  /** Names what is assigned: only the rest may ever be deleted. */
  assign(keys: ReadonlySet<string>): void {
    this.#admission.assigned = keys;
  }

  /** Whether the snapshot is published and whole. What was touched is read again; what is corrupt is taken out of sight. */
  async isReady(wanted: Wanted): Promise<boolean> {
    const manifest = await this.#manifests.get(wanted.repo, wanted.commit);
    if (manifest === undefined || !covers(manifest.patterns, wanted.patterns)) return false;
    if (!(await isUntouched(this.layout.root, manifest)) && !(await this.#verifyAgain(manifest))) {
      await this.#hide(manifest);
      return false;
    }
    await this.#refer(wanted);
    return true;
  }

  /** The files of the published snapshot. */
  async shownFiles(wanted: Wanted): Promise<readonly HubFile[]> {
    return (await this.#manifests.get(wanted.repo, wanted.commit))?.files ?? [];
  }

  /** The listing that a former run planned with, when it is for the same files. */
  async plan(wanted: Wanted): Promise<readonly HubFile[] | undefined> {
    const plan = await this.#plans.get(wanted.repo, wanted.commit);
    return plan?.patterns.join('\n') === wanted.patterns.join('\n') ? plan.files : undefined;
  }

  /** Reserves room for what is missing, makes room from what is unassigned, and records the plan. @throws DISK_FULL */
  async admit(wanted: Wanted, files: readonly HubFile[]): Promise<void> {
    const planned = files.map((file) => ({ ...file, stamp: '' }));
    const { repo, commit, patterns } = wanted;
    await this.#admission.admit({ repo, commit, patterns, publishedAt: this.#clock.now(), files: planned });
  }

  /** Finds the blob in the pool, or whole in the repository's folder where somebody else has put it. */
  async has(repo: string, file: ResolvedFile): Promise<boolean> {
    if (await this.pool.has(file)) return true;
    return await this.pool.adopt(join(this.layout.root, repoFolder(repo), 'blobs', file.digest.hex), file);
  }

  /** Shows the snapshot: blobs, manifest, one rename, then the references. All blobs are in the pool. */
  async publish(wanted: Wanted, files: readonly HubFile[]): Promise<void> {
    try {
      await this.#publish(wanted, files);
    } catch (err) {
      throw diskFailure(err, `publishing ${keyOf(wanted)}`);
    }
  }

  async #publish(wanted: Wanted, files: readonly HubFile[]): Promise<void> {
    const place = this.#place(wanted);
    const former = await this.#manifests.get(wanted.repo, wanted.commit);
    const isShown = (await lookAt(snapshotPath(place))) !== undefined;
    if (isShown && former === undefined) {
      await this.#record(wanted, await inspectForeign(place, files));
      await writeTree(place, files);
    } else {
      const shown = await stageSnapshot(place, files, this.pool);
      if (former !== undefined) await this.#hide(former);
      await this.#record(wanted, shown);
      await revealSnapshot(place, files);
    }
    await this.#refer(wanted);
    await this.#plans.remove(wanted.repo, wanted.commit);
  }

  async #record({ repo, commit, patterns }: Wanted, files: readonly ManifestFile[]): Promise<void> {
    await this.#manifests.put({ repo, commit, patterns, publishedAt: this.#clock.now(), files });
  }

  async #refer(wanted: Wanted): Promise<void> {
    for (const revision of wanted.revisions) await writeReference(this.#place(wanted), revision);
  }

  async #hide(manifest: Manifest): Promise<void> {
    await hideSnapshot(this.#place(manifest));
    await this.#manifests.remove(manifest.repo, manifest.commit);
  }

  async #verifyAgain(manifest: Manifest): Promise<boolean> {
    const base = snapshotPath(this.#place(manifest));
    for (const file of manifest.files) {
      if (!(await isWhole(join(base, file.path), file))) return false;
    }
    await this.#record({ ...manifest, revisions: [] }, await inspectForeign(this.#place(manifest), manifest.files));
    return true;
  }

  async #trust(manifest: Manifest): Promise<void> {
    if (!(await isUntouched(this.layout.root, manifest))) return;
    for (const file of manifest.files) this.pool.remember(file.digest.hex, file.stamp);
  }

  #place({ repo, commit }: { readonly repo: string; readonly commit: string }): SnapshotPlace {
    return { root: this.layout.root, staging: this.layout.staging, repo, commit };
  }
}

/** Whether a snapshot of `published` patterns holds everything that `wanted` patterns select. */
function covers(published: readonly string[], wanted: readonly string[]): boolean {
  return published.length === 0 || (wanted.length > 0 && wanted.every((pattern) => published.includes(pattern)));
}

async function isWhole(path: string, file: ManifestFile): Promise<boolean> {
  try {
    await lstat(path);
    return await isIntact(path, file);
  } catch (err) {
    if (isMissing(err)) return false;
    throw err;
  }
}
