import { ok, problem, type Result } from '../../core/model/result.ts';
import type { ResolvedFile } from '../../ports/artifacts.ts';
import { countField, field, textField } from '../json.ts';
import { isCommit } from '../names.ts';

/** A file as the hub lists it; `oid` is git's name of what stands in the repository (for a large file: of its pointer). */
export interface HubFile extends ResolvedFile {
  readonly oid: string;
}

const sha1 = /^[0-9a-f]{40}$/;
const sha256 = /^[0-9a-f]{64}$/;

export function parseCommit(value: unknown): string | undefined {
  const sha = textField(value, 'sha');
  return sha !== undefined && isCommit(sha) ? sha : undefined;
}

/** One page of a tree listing: its files; folders are left out. */
export function parseTree(value: unknown): Result<HubFile[]> {
  if (!Array.isArray(value)) return problem('tree', typeof value, 'an array of entries');
  const files: HubFile[] = [];
  for (const [index, entry] of value.entries()) {
    if (field(entry, 'type') === 'directory') continue;
    const file = parseFile(entry, `tree[${index}]`);
    if (!file.ok) return file;
    files.push(file.value);
  }
  return ok(files);
}

function parseFile(entry: unknown, at: string): Result<HubFile> {
  const [path, oid, lfs] = [textField(entry, 'path'), textField(entry, 'oid'), field(entry, 'lfs') ?? undefined];
  if (path === undefined) return problem(`${at}.path`, path, 'a file name');
  if (oid === undefined || !sha1.test(oid)) return problem(`${at}.oid`, oid, '40 hex digits');
  const bytes = countField(lfs ?? entry, 'size');
  if (bytes === undefined) return problem(`${at}.size`, field(lfs ?? entry, 'size'), 'a count of bytes');
  const digest: Result<HubFile['digest']> =
    lfs === undefined ? ok({ kind: 'git-sha1', hex: oid }) : largeDigest(lfs, at);
  return digest.ok ? ok({ path, bytes, oid, digest: digest.value }) : digest;
}

function largeDigest(lfs: unknown, at: string): Result<HubFile['digest']> {
  const hex = textField(lfs, 'oid') ?? textField(lfs, 'sha256') ?? '';
  return sha256.test(hex) ? ok({ kind: 'sha256', hex }) : problem(`${at}.lfs.oid`, hex, '64 hex digits');
}
