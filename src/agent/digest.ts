import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ResolvedFile } from '../ports/artifacts.ts';

/** The hash under which a hub names a file of that size: plain sha256 for large files, git's blob sha1 for the rest. */
export function hashOf(file: ResolvedFile): Hash {
  if (file.digest.kind === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${file.bytes}\0`);
}

interface Prefix {
  readonly path: string;
  readonly bytes: number;
}

/** Feeds what already lies on the disk into the hash: `bytes` from the start of the file. */
export async function hashPrefix(hash: Hash, { path, bytes }: Prefix, signal: AbortSignal): Promise<void> {
  if (bytes === 0) return;
  for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: 1 << 20, signal }))
    hash.update(chunk);
}

/** Whether the file at `path` is, byte for byte, what the digest names. */
export async function isIntact(path: string, file: ResolvedFile): Promise<boolean> {
  const hash = hashOf(file);
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes > file.bytes) return false;
  }
  return bytes === file.bytes && hash.digest('hex') === file.digest.hex;
}
