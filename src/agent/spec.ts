import { ok, problem, type Result } from '../core/model/result.ts';
import type { AssignedArtifact, NodeCacheSpec } from '../ports/artifacts.ts';
import { field, isTexts } from './json.ts';

/** Reads the `spec` of a NodeCache. Unknown fields are ignored: controller and agent may differ in age. */
export function parseNodeCacheSpec(value: unknown): Result<NodeCacheSpec> {
  const [node, artifacts] = [field(value, 'node'), field(value, 'artifacts') ?? []];
  if (typeof node !== 'string') return problem('spec.node', node, 'the name of a node');
  if (!Array.isArray(artifacts)) return problem('spec.artifacts', artifacts, 'a list of artifacts');
  const parsed: AssignedArtifact[] = [];
  for (const [index, entry] of artifacts.entries()) {
    const artifact = parseArtifact(entry, `spec.artifacts[${index}]`);
    if (!artifact.ok) return artifact;
    parsed.push(artifact.value);
  }
  return ok({ node, artifacts: parsed });
}

function parseArtifact(value: unknown, at: string): Result<AssignedArtifact> {
  const texts: Record<string, string> = {};
  for (const name of ['hash', 'name', 'source', 'commit']) {
    const text = field(value, name);
    if (typeof text !== 'string' || text === '') return problem(`${at}.${name}`, text, 'a text that is not empty');
    texts[name] = text;
  }
  const files = field(value, 'files') ?? [];
  if (!isTexts(files)) return problem(`${at}.files`, files, 'a list of patterns');
  const { hash = '', name = '', source = '', commit = '' } = texts;
  return ok({ hash, name, source, commit, files, ...(field(value, 'isAwaited') === true ? { isAwaited: true } : {}) });
}
