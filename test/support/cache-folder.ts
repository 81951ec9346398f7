import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repoFolder } from '../../src/agent/names.ts';
import type { HubRepository } from './hub.ts';

export function snapshotFolder(root: string, { id, commit }: HubRepository): string {
  return join(root, repoFolder(id), 'snapshots', commit);
}

/** The files of a folder with their contents, through links; undefined when the folder is not there. */
export async function contentsOf(folder: string): Promise<ReadonlyMap<string, Buffer> | undefined> {
  const names = await readdir(folder, { recursive: true }).catch(() => undefined);
  if (names === undefined) return undefined;
  const found = new Map<string, Buffer>();
  for (const name of names.sort()) {
    const body = await readFile(join(folder, name)).catch((err: NodeJS.ErrnoException) => {
      if (err.code === 'EISDIR') return undefined;
      throw err;
    });
    if (body !== undefined) found.set(name, body);
  }
  return found;
}

/** What the snapshot of a repository must hold. */
export function filesOf(repository: HubRepository): ReadonlyMap<string, Buffer> {
  const sorted = [...repository.files].sort((a, b) => (a.path < b.path ? -1 : 1));
  return new Map(sorted.map(({ path, body }) => [path, body]));
}
