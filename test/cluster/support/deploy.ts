import { join } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import type { Api, KubeObject } from './api.ts';
import { kubectl, root } from './bed.ts';
import { until } from './wait.ts';

/** What `kubectl kustomize deploy` makes: the objects that a user applies. */
export function rendered(): readonly KubeObject[] {
  return loadAll(kubectl(['kustomize', join(root, 'deploy')])) as KubeObject[];
}

/** A kind just declared answers 404, then 429 until its cache is filled. */
const plurals = ['inferenceautoscalers', 'modelartifacts', 'nodecaches', 'poolcheckpoints', 'scalingpolicies'];

/**
 * Applies deploy/ as a user does and waits until the kinds are served and the admission policies refuse. The APIService needs a server behind it,
 * or namespaces of the cluster cannot be deleted: whoever runs that server applies it.
 */
export async function applyDeploy(api: Api): Promise<void> {
  const objects = rendered().filter((object) => object.kind !== 'APIService');
  const text = objects.map((object) => dump(object)).join('---\n');
  kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], text);
  for (const plural of plurals) {
    await until(
      `${plural} served`,
      async () => await api.call('GET', `/apis/forewarm.dev/v1alpha1/${plural}`),
      ({ status }) => status === 200,
    );
  }
}
