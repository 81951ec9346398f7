import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { loadAll } from 'js-yaml';

export type Json = Readonly<Record<string, unknown>>;

export interface Manifest {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

interface Kustomization {
  readonly resources: readonly string[];
}

/** The objects that a kustomization lists, its folders followed; transformers are kubectl's work and left out. */
export function manifestsOf(folder: string): readonly Manifest[] {
  const [kustomization] = loadAll(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Kustomization[];
  return (kustomization?.resources ?? []).flatMap((resource) => {
    const path = join(folder, resource);
    if (statSync(path).isDirectory()) return manifestsOf(path);
    return (loadAll(readFileSync(path, 'utf8')) as Omit<Manifest, 'file'>[]).map(
      (object) => ({ ...object, file: path }) as Manifest,
    );
  });
}

/** YAML files below a folder that no kustomization of it lists. */
export function unlistedFiles(folder: string): readonly string[] {
  const own = join(folder, 'kustomization.yaml');
  const [kustomization] = existsSync(own) ? (loadAll(readFileSync(own, 'utf8')) as Kustomization[]) : [];
  const listed = new Set([own, ...(kustomization?.resources ?? []).map((resource) => join(folder, resource))]);
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (!statSync(path).isDirectory()) return listed.has(path) ? [] : [relative(process.cwd(), path)];
    return listed.has(path) ? unlistedFiles(path) : [relative(process.cwd(), path)];
  });
}
