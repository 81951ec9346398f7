import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { chmod, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ForewarmError } from '../errors.ts';

const shownDirectory = 0o755;

/** The `code` of an operating system error, else undefined. */
export function errno(err: unknown): string | undefined {
  return err instanceof Error && 'code' in err && typeof err.code === 'string' ? err.code : undefined;
}

export function isMissing(err: unknown): boolean {
  return errno(err) === 'ENOENT' || errno(err) === 'ENOTDIR';
}

/** The file's own state, never that of what a link points to; undefined when nothing is there. */
export async function lookAt(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (err) {
    if (isMissing(err)) return undefined;
    throw err;
  }
}

/** Makes what the directory lists survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates `root/a/b/...` step by step; every step must be a real directory, so that no link leads a write out of the cache. */
export async function ensureDirectory(root: string, ...parts: readonly string[]): Promise<string> {
  let at = root;
  for (const part of parts) {
    at = join(at, part);
    const there = await lookAt(at);
    if (there === undefined) await createDirectory(at);
    else if (!there.isDirectory())
      throw new ForewarmError('FILE_UNREADABLE', `${at} must be a directory, not a link or a file`);
  }
  return at;
}

async function createDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
    await chmod(path, shownDirectory);
  } catch (err) {
    if (errno(err) !== 'EEXIST') throw err;
  }
}

/** Replaces the file by one rename from the folder `via`: a reader sees the old text or the new, and after a power cut too. */
export async function writeDurably(path: string, text: string, via: string): Promise<void> {
  const temporary = join(via, `${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (err) {
    await rm(temporary, { force: true });
    throw err;
  }
  await syncDirectory(dirname(path));
}
