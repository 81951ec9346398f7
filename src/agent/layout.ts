import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ForewarmError } from '../errors.ts';
import { ensureDirectory, isMissing, lookAt, writeDurably } from './files.ts';
import { removePart, statePath } from './part.ts';

/** The agent's own folder inside the cache; readers of the cache do not look there. */
export interface Layout {
  readonly root: string;
  /** Verified blobs by digest. */
  readonly blobs: string;
  /** Half-finished blobs with their state. */
  readonly parts: string;
  /** What was published. */
  readonly manifests: string;
  /** What is being fetched: the listing of a commit, kept until it is published. */
  readonly plans: string;
  /** Temporary files and snapshots on their way; emptied at start. */
  readonly staging: string;
}

const folderName = '.forewarm';
const layoutVersion = '1';

/** Creates or opens the agent's folder and clears what a killed run cannot use. The parts it can go on with stay. */
export async function openLayout(root: string): Promise<Layout> {
  if ((await lookAt(root)) === undefined) {
    throw new ForewarmError('FILE_UNREADABLE', `the cache directory ${root} does not exist`);
  }
  const own = await ensureDirectory(root, folderName);
  const layout: Layout = {
    root,
    blobs: await ensureDirectory(own, 'blobs'),
    parts: await ensureDirectory(own, 'parts'),
    manifests: await ensureDirectory(own, 'manifests'),
    plans: await ensureDirectory(own, 'plans'),
    staging: await ensureDirectory(own, 'staging'),
  };
  await checkVersion(join(own, 'layout'), layout.staging);
  await clear(layout);
  return layout;
}

async function checkVersion(path: string, staging: string): Promise<void> {
  const version = await readIfAny(path);
  if (version === undefined) await writeDurably(path, layoutVersion, staging);
  else if (version !== layoutVersion) {
    throw new ForewarmError(
      'FILE_UNREADABLE',
      `${path} must be '${layoutVersion}', was '${version}': a newer agent wrote this cache`,
    );
  }
}

async function clear(layout: Layout): Promise<void> {
  for (const name of await readdir(layout.staging))
    await rm(join(layout.staging, name), { recursive: true, force: true });
  for (const folder of [layout.parts, layout.manifests, layout.plans]) {
    for (const name of await readdir(folder)) {
      if (name.endsWith('.tmp')) await rm(join(folder, name), { force: true });
    }
  }
  for (const name of await readdir(layout.parts)) {
    const isPart = !name.endsWith('.json') && !name.endsWith('.tmp');
    const path = join(layout.parts, name);
    if (isPart && (await lookAt(statePath(path))) === undefined) await removePart(path);
  }
}

/** What tells one boot of the machine from another; a fixed word where the system does not say. */
export async function readBootId(): Promise<string> {
  return (await readIfAny('/proc/sys/kernel/random/boot_id'))?.trim() ?? 'unknown';
}

async function readIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (err) {
    if (isMissing(err)) return undefined;
    throw err;
  }
}
