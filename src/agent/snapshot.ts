import { readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ForewarmError } from '../errors.ts';
import type { BlobPool } from './blob-pool.ts';
import { isIntact } from './digest.ts';
import { ensureDirectory, isMissing, lookAt, syncDirectory, writeDurably } from './files.ts';
import type { Manifest, ManifestFile } from './manifest.ts';
import { repoFolder } from './names.ts';
import type { HubFile } from './sources/listing.ts';

/** Where a snapshot lives. */
export interface SnapshotPlace {
  readonly root: string;
  /** A folder of the same file system for what is not yet to be seen. */
  readonly staging: string;
  readonly repo: string;
  readonly commit: string;
}

export function snapshotPath({ root, repo, commit }: Omit<SnapshotPlace, 'staging'>): string {
  return join(root, repoFolder(repo), 'snapshots', commit);
}

function stagedName({ repo, commit }: SnapshotPlace): string {
  return `${repoFolder(repo)}@${commit}`;
}

function stagedPath(place: SnapshotPlace): string {
  return join(place.staging, stagedName(place));
}

function treePath({ root, repo, commit }: SnapshotPlace): string {
  return join(root, repoFolder(repo), 'trees', `${commit}.json`);
}

/** Links verified blobs into the repository's `blobs/` and lays out the snapshot in the staging folder; nothing of it is visible yet. */
export async function stageSnapshot(
  place: SnapshotPlace,
  files: readonly HubFile[],
  pool: BlobPool,
): Promise<ManifestFile[]> {
  const blobs = await ensureDirectory(place.root, repoFolder(place.repo), 'blobs');
  await rm(stagedPath(place), { recursive: true, force: true });
  await ensureDirectory(place.staging, stagedName(place));
  const shown: ManifestFile[] = [];
  for (const file of files) {
    const blob = await pool.show(file, blobs);
    await linkInto(place, file);
    shown.push({ ...file, stamp: await stampBehind(blob) });
  }
  return shown;
}

/** The only moment at which the snapshot becomes visible: one rename of its directory. */
export async function revealSnapshot(place: SnapshotPlace, files: readonly HubFile[]): Promise<void> {
  await writeTree(place, files);
  const snapshots = await ensureDirectory(place.root, repoFolder(place.repo), 'snapshots');
  await syncDirectories(stagedPath(place), files);
  await rename(stagedPath(place), snapshotPath(place));
  await syncDirectory(snapshots);
}

/** `trees/<commit>.json`, from which readers know that a snapshot is complete. */
export async function writeTree(place: SnapshotPlace, files: readonly HubFile[]): Promise<void> {
  await ensureDirectory(place.root, repoFolder(place.repo), 'trees');
  await writeDurably(treePath(place), JSON.stringify(treeOf(files), undefined, 1), place.staging);
}

/** Takes a snapshot out of sight by one rename, after the references to it. */
export async function hideSnapshot(place: SnapshotPlace): Promise<void> {
  const trash = `${stagedPath(place)}.trash`;
  await removeReferences(place);
  await rm(trash, { recursive: true, force: true });
  try {
    await rename(snapshotPath(place), trash);
    await syncDirectory(dirname(snapshotPath(place)));
  } catch (err) {
    if (!isMissing(err)) throw err;
  }
  await rm(treePath(place), { force: true });
  await rm(trash, { recursive: true, force: true });
}

/** `refs/<revision>`: the commit and nothing else (a newline would break readers). Written last, only when it says something else. */
export async function writeReference(place: SnapshotPlace, revision: string): Promise<void> {
  const parts = revision.split('/');
  const folder = await ensureDirectory(place.root, repoFolder(place.repo), 'refs', ...parts.slice(0, -1));
  const path = join(folder, parts.at(-1) ?? revision);
  if ((await readReference(path)) !== place.commit) await writeDurably(path, place.commit, place.staging);
}

/** Removes every reference that names this commit. */
async function removeReferences(place: SnapshotPlace): Promise<void> {
  const folder = join(place.root, repoFolder(place.repo), 'refs');
  if ((await lookAt(folder))?.isDirectory() !== true) return;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readReference(path)) === place.commit) await rm(path, { force: true });
  }
  await syncDirectory(folder);
}

async function readReference(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (err) {
    if (isMissing(err)) return undefined;
    throw err;
  }
}

/** Whether every file that the manifest lists is still shown as it was verified. */
export async function isUntouched(root: string, manifest: Manifest): Promise<boolean> {
  const base = snapshotPath({ root, ...manifest });
  for (const file of manifest.files) {
    if ((await stampIfAny(join(base, file.path))) !== file.stamp) return false;
  }
  return true;
}

/** The files of a snapshot that this agent did not write, when all of them are whole. @throws UNEXPECTED_CONTENT naming the first that is not. */
export async function inspectForeign(place: SnapshotPlace, files: readonly HubFile[]): Promise<ManifestFile[]> {
  const base = snapshotPath(place);
  const verified: ManifestFile[] = [];
  for (const file of files) {
    const path = join(base, file.path);
    const stamp = await stampIfAny(path);
    if (stamp === undefined || !(await isIntact(path, file))) {
      throw new ForewarmError(
        'UNEXPECTED_CONTENT',
        `${base} was not written by this agent and its '${file.path}' is not whole: remove it`,
      );
    }
    verified.push({ ...file, stamp });
  }
  return verified;
}

async function linkInto(place: SnapshotPlace, file: HubFile): Promise<void> {
  const parts = file.path.split('/');
  const folder = await ensureDirectory(place.staging, stagedName(place), ...parts.slice(0, -1));
  // the link is read from snapshots/<commit>/<path>: one step up for each folder, and two to the repository
  await symlink(`${'../'.repeat(parts.length + 1)}blobs/${file.digest.hex}`, join(folder, parts.at(-1) ?? ''));
}

async function syncDirectories(staging: string, files: readonly HubFile[]): Promise<void> {
  const folders = new Set<string>([staging]);
  for (const file of files) {
    for (let at = dirname(file.path); at !== '.'; at = dirname(at)) folders.add(join(staging, at));
  }
  for (const folder of [...folders].sort()) await syncDirectory(folder);
}

function treeOf(files: readonly HubFile[]): unknown {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { format_version: 1, files: Object.fromEntries(sorted.map((file) => [file.path, treeEntry(file)])) };
}

function treeEntry({ bytes, oid, digest }: HubFile): unknown {
  const large = digest.kind === 'sha256' ? { lfs_sha256: digest.hex, lfs_size: bytes } : {};
  return { size: bytes, blob_id: oid, ...large };
}

async function stampBehind(path: string): Promise<string> {
  const found = await stat(path, { bigint: true });
  return `${found.size}:${found.mtimeNs}:${found.ino}`;
}

async function stampIfAny(path: string): Promise<string | undefined> {
  try {
    return await stampBehind(path);
  } catch (err) {
    if (isMissing(err)) return undefined;
    throw err;
  }
}
