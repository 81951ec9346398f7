import { ok, problem, type Result } from '../core/model/result.ts';

/** A repository of a hub, and the revision that its reference file is named after. */
export interface HubRepo {
  /** `org/name`, or `name` for the oldest repositories. */
  readonly id: string;
  /** The name under `refs/`. */
  readonly revision: string;
}

const repoPart = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?$/;
const revisionName = /^[A-Za-z0-9_](?:[A-Za-z0-9_./-]{0,200}[A-Za-z0-9_])?$/;
const commitName = /^[0-9a-f]{40}$/;
const maxComponentBytes = 255;

/** Reads `hf://org/name` or `hf://org/name@revision`; without a revision it is `main`. */
export function parseSource(source: string): Result<HubRepo> {
  const allowed = "'hf://org/name' or 'hf://org/name@revision' (other schemes are not supported yet)";
  if (!source.startsWith('hf://')) return problem('source', source, allowed);
  const [id = '', revision = 'main', ...rest] = source.slice('hf://'.length).split('@');
  const parts = id.split('/');
  if (rest.length > 0 || parts.length > 2 || !parts.every(isRepoPart)) return problem('source', source, allowed);
  if (!isRevision(revision)) return problem('source', source, 'a source whose revision is a plain git reference');
  return ok({ id, revision });
}

function isRepoPart(part: string): boolean {
  return repoPart.test(part) && !part.includes('--') && !part.includes('..');
}

export function isRevision(name: string): boolean {
  return revisionName.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

export function isCommit(name: string): boolean {
  return commitName.test(name);
}

/** The folder of a repository in the cache: `models--org--name`. */
export function repoFolder(id: string): string {
  return `models--${id.split('/').join('--')}`;
}

/** What is wrong with a file name that a hub lists, or undefined: it must stay inside the snapshot on every reader's system. */
export function pathProblem(path: string): string | undefined {
  if (path === '' || path.startsWith('/')) return 'is empty or absolute';
  if (path.includes('\0') || path.includes('\\')) return 'contains a backslash or a NUL';
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..') return "has an empty, '.' or '..' component";
    if (part.toLowerCase() === '.git') return "has a '.git' component";
    if (Buffer.byteLength(part) > maxComponentBytes) return `has a component longer than ${maxComponentBytes} bytes`;
  }
  return undefined;
}

/** Two names that cannot both be files: the same name (in any Unicode form), or one a folder of the other. */
export function collision(paths: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const path of paths) seen.set(fold(path), path);
  if (seen.size < paths.length) {
    const twice = paths.find((path) => seen.get(fold(path)) !== path) ?? paths[0] ?? '';
    return [twice, seen.get(fold(twice)) ?? twice];
  }
  for (const path of paths) {
    const inside = parents(path).find((parent) => seen.has(fold(parent)));
    if (inside !== undefined) return [inside, path];
  }
  return undefined;
}

function fold(path: string): string {
  return path.normalize('NFC');
}

function parents(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
