import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { KubeObject } from './api.ts';
import { root } from './bed.ts';

export interface PinnedModel {
  /** `org/name` at the hub. */
  readonly repository: string;
  readonly commit: string;
  readonly hash: string;
}

interface Template {
  metadata: { annotations?: Record<string, string> };
}

/** The Deployment of deploy/recipes/vllm.yaml as its reader fills it in; engines become Ready when the node stand-in says so. */
export function recipeDeployment(namespace: string, { repository, commit, hash }: PinnedModel): KubeObject {
  const text = readFileSync(join(root, 'deploy/recipes/vllm.yaml'), 'utf8')
    .replaceAll('Qwen/Qwen2.5-7B-Instruct', repository)
    .replace('0'.repeat(40), commit)
    .replace('warm.forewarm.dev/000000000000', `warm.forewarm.dev/${hash}`);
  const deployment = (loadAll(text) as KubeObject[]).find(({ kind }) => kind === 'Deployment');
  if (deployment === undefined) throw new Error('the recipe has no Deployment');
  deployment.metadata.namespace = namespace;
  const template = deployment.spec?.['template'] as Template;
  template.metadata.annotations = { 'forewarm.test/hold': 'ready', 'forewarm.test/stop-delay': '1s' };
  return deployment;
}
