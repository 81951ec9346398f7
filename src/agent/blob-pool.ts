import { randomUUID } from 'node:crypto';
import { chmod, link, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ResolvedFile } from '../ports/artifacts.ts';
import { isIntact } from './digest.ts';
import { lookAt, syncDirectory } from './files.ts';

const readOnly = 0o444;

/**
 * The verified files of the cache, each once, named by its digest; every repository that shows one has a hard link to it. What is in the pool
 * was whole when it came in. `stamp` (size, modification time, inode) tells whether somebody touched it since.
 */
export class BlobPool {
  readonly #directory: string;
  readonly #staging: string;
  readonly #stamps = new Map<string, string>();
  constructor(directory: string, staging: string) {
    this.#directory = directory;
    this.#staging = staging;
  }

  path(file: ResolvedFile): string {
    return join(this.#directory, file.digest.hex);
  }

  /** Trusts a stamp that was recorded when the blob was verified, so that a restart does not read it again. */
  remember(hex: string, stamp: string): void {
    this.#stamps.set(hex, stamp);
  }

  /** Whether the blob is here and whole. One that was touched since it was verified is read again, and removed when it is corrupt. */
  async has(file: ResolvedFile): Promise<boolean> {
    const path = this.path(file);
    const stamp = await stampOf(path);
    if (stamp === undefined) return false;
    if (this.#stamps.get(file.digest.hex) === stamp) return true;
    if (await isIntact(path, file)) {
      this.#stamps.set(file.digest.hex, stamp);
      return true;
    }
    await this.remove(file.digest.hex);
    return false;
  }

  /** Takes in a file that the caller has just verified and synced: one rename. */
  async take(path: string, file: ResolvedFile): Promise<void> {
    await chmod(path, readOnly);
    await rename(path, this.path(file));
    await this.#admitted(file);
  }

  /** Takes in, by hard link, a file that somebody else put into the cache, when it is whole. */
  async adopt(path: string, file: ResolvedFile): Promise<boolean> {
    const found = await lookAt(path);
    if (found === undefined || !found.isFile() || Number(found.size) !== file.bytes) return false;
    if (!(await isIntact(path, file))) return false;
    await this.#linkOver(path, this.path(file));
    await this.#admitted(file);
    return true;
  }

  /** Shows the blob in a repository's `blobs/` folder: a hard link, put in place by one rename. */
  async show(file: ResolvedFile, folder: string): Promise<string> {
    const path = join(folder, file.digest.hex);
    const [wanted, found] = [await lookAt(this.path(file)), await lookAt(path)];
    if (found?.ino !== wanted?.ino || found?.dev !== wanted?.dev) await this.#linkOver(this.path(file), path);
    return path;
  }

  /** Digests of all that is here, sorted. */
  async list(): Promise<string[]> {
    return (await readdir(this.#directory)).sort();
  }

  async remove(hex: string): Promise<void> {
    this.#stamps.delete(hex);
    await rm(join(this.#directory, hex), { force: true });
  }

  async #linkOver(from: string, to: string): Promise<void> {
    const temporary = join(this.#staging, `${randomUUID()}.link`);
    await link(from, temporary);
    await rename(temporary, to);
    await rm(temporary, { force: true }); // rename(2) leaves both names when they already are the same file
    await syncDirectory(dirname(to));
  }

  async #admitted(file: ResolvedFile): Promise<void> {
    await syncDirectory(this.#directory);
    const stamp = await stampOf(this.path(file));
    if (stamp !== undefined) this.#stamps.set(file.digest.hex, stamp);
  }
}

/** What must not have changed since a regular file was verified; undefined when it is gone or no regular file. */
export async function stampOf(path: string): Promise<string | undefined> {
  const found = await lookAt(path);
  return found?.isFile() === true ? `${found.size}:${found.mtimeNs}:${found.ino}` : undefined;
}
