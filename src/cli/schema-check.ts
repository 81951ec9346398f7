import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { isJson } from '../adapters/kube/fields.ts';
import { restrictingFields, unservedFields } from '../adapters/kube/served-schema.ts';
import type { Log } from '../adapters/log.ts';
import { ForewarmError } from '../errors.ts';
import type { ClusterParts } from './cluster-parts.ts';

/** Compares the schema that the cluster serves with our own. Old CRDs drop new fields without a word; where a limit may be lost, nothing is scaled. */
export async function checkServedSchema({ http, decoder }: ClusterParts, log: Log, signal: AbortSignal): Promise<void> {
  const missing = await unservedFields(http, await ownSchema(), signal);
  if (missing.length === 0) return;
  log.error({ missing }, 'Found custom resources older than this program: update crds/');
  decoder.refuseScale(restrictingFields(missing));
}

async function ownSchema(): Promise<Readonly<Record<string, unknown>>> {
  const path = crdFile();
  const crd: unknown = load(await readFile(path, 'utf8'));
  if (isJson(crd)) return crd;
  throw new ForewarmError('FILE_UNREADABLE', `${path} is no custom resource definition`);
}

/** Beside `src` in a checkout, further up when compiled. */
function crdFile(): string {
  const file = 'crds/inferenceautoscaler.yaml';
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, file)) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, file);
}
