import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, syncDirectory, writeDurably } from './files.ts';
import { countField, field, isTexts, textField } from './json.ts';
import { isCommit, pathProblem, repoFolder } from './names.ts';
import type { HubFile } from './sources/listing.ts';

export interface ManifestFile extends HubFile {
  /** What the shown file looked like when it was verified. */
  readonly stamp: string;
}

/** What was published: a snapshot counts as present when its manifest says so and nobody has touched its files since. */
export interface Manifest {
  readonly repo: string;
  readonly commit: string;
  /** The patterns that chose the files; empty: all. */
  readonly patterns: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly publishedAt: number;
  readonly files: readonly ManifestFile[];
}

/** Manifests lie outside the snapshots, one JSON file each. */
export class Manifests {
  readonly #directory: string;
  constructor(directory: string) {
    this.#directory = directory;
  }

  async all(): Promise<Manifest[]> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith('.json')).sort();
    const found = await Promise.all(names.map((name) => readManifest(join(this.#directory, name))));
    return found.filter((manifest) => manifest !== undefined);
  }

  async get(repo: string, commit: string): Promise<Manifest | undefined> {
    return await readManifest(this.#path(repo, commit));
  }

  async put(manifest: Manifest): Promise<void> {
    const path = this.#path(manifest.repo, manifest.commit);
    await writeDurably(path, JSON.stringify({ version: 1, ...manifest }), this.#directory);
  }

  async remove(repo: string, commit: string): Promise<void> {
    await rm(this.#path(repo, commit), { force: true });
    await syncDirectory(this.#directory);
  }

  #path(repo: string, commit: string): string {
    return join(this.#directory, `${repoFolder(repo)}@${commit}.json`);
  }
}

/** A manifest that cannot be read counts as absent: then the snapshot is verified file by file. */
async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return parseManifest(JSON.parse(await readFile(path, 'utf8')));
  } catch (err) {
    if (isMissing(err) || err instanceof SyntaxError) return undefined;
    throw err;
  }
}

function parseManifest(value: unknown): Manifest | undefined {
  const [repo, commit] = [textField(value, 'repo'), textField(value, 'commit')];
  const [patterns, publishedAt] = [field(value, 'patterns'), countField(value, 'publishedAt')];
  const files = parseFiles(field(value, 'files'));
  if (field(value, 'version') !== 1 || repo === undefined || commit === undefined || !isCommit(commit))
    return undefined;
  if (!isTexts(patterns) || publishedAt === undefined || files === undefined) return undefined;
  return { repo, commit, patterns, publishedAt, files };
}

function parseFiles(value: unknown): readonly ManifestFile[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const files = value.map(parseFile);
  return files.includes(undefined) ? undefined : files.filter((file) => file !== undefined);
}

function parseFile(value: unknown): ManifestFile | undefined {
  const [path, bytes, oid] = [textField(value, 'path'), countField(value, 'bytes'), textField(value, 'oid')];
  const [stamp, digest] = [textField(value, 'stamp'), parseDigest(field(value, 'digest'))];
  if (path === undefined || pathProblem(path) !== undefined || digest === undefined) return undefined;
  if (bytes === undefined || oid === undefined || stamp === undefined) return undefined;
  return { path, bytes, oid, digest, stamp };
}

function parseDigest(value: unknown): ManifestFile['digest'] | undefined {
  const [kind, hex] = [textField(value, 'kind'), textField(value, 'hex') ?? ''];
  if (kind === 'sha256' && /^[0-9a-f]{64}$/.test(hex)) return { kind, hex };
  return kind === 'git-sha1' && /^[0-9a-f]{40}$/.test(hex) ? { kind, hex } : undefined;
}
