import { isJson, type Json, object } from './fields.ts';
import type { KubeHttp } from './http.ts';

/**
 * Fields of our own schema that the API server does not know: an installation with old CRDs drops them silently from every object, and a limit
 * that was dropped is no limit. Paths as `spec.behavior.scaleUp`; what lies below a missing field is not listed.
 */
export async function unservedFields(http: KubeHttp, crd: Json, signal: AbortSignal): Promise<readonly string[]> {
  const group = object(crd, 'spec')['group'];
  const kind = object(crd, 'spec', 'names')['kind'];
  const [version] = versionsOf(crd);
  const path = `/openapi/v3/apis/${String(group)}/${String(version?.['name'])}`;
  const served = object(
    await http.call({ verb: 'GET', path, deadlineMilliseconds: 20_000 }, signal),
    'components',
    'schemas',
  );
  const schema = Object.values(served).find((one) => isOfKind(one, String(kind)));
  return [...missingIn(object(version, 'schema', 'openAPIV3Schema'), isJson(schema) ? schema : {}, '')].sort();
}

function versionsOf(crd: Json): readonly Json[] {
  const versions = object(crd, 'spec')['versions'];
  return Array.isArray(versions) ? versions.filter(isJson) : [];
}

function isOfKind(schema: unknown, kind: string): boolean {
  const kinds = object(schema)['x-kubernetes-group-version-kind'];
  return Array.isArray(kinds) && kinds.some((one) => object(one)['kind'] === kind);
}

function missingIn(own: Json, served: Json, path: string): readonly string[] {
  const items = object(own, 'items');
  if (Object.keys(items).length > 0) return missingIn(items, object(served, 'items'), `${path}[]`);
  const known = object(served, 'properties');
  return Object.entries(object(own, 'properties')).flatMap(([name, schema]) => {
    const here = path === '' ? name : `${path}.${name}`;
    if (here === 'metadata') return [];
    const other = known[name];
    if (!isJson(other)) return [here];
    return isJson(schema) ? missingIn(schema, other, here) : [];
  });
}

const restricting = [
  'spec.mode',
  'spec.paused',
  'spec.override',
  'spec.behavior',
  'spec.targets',
  'spec.policyRef',
  'spec.fallback',
];

/** Those of the fields whose absence takes away a limit that somebody may have set. */
export function restrictingFields(fields: readonly string[]): readonly string[] {
  return fields.filter((field) =>
    restricting.some((one) => field === one || field.startsWith(`${one}.`) || field.startsWith(`${one}[`)),
  );
}
