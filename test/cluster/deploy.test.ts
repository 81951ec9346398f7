import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { restrictedFaults } from '../support/pod-security.ts';
import type { KubeObject } from './support/api.ts';
import { connect, kubectl, makeNamespace, root } from './support/bed.ts';
import { applyDeploy, rendered } from './support/deploy.ts';

/** What a user applies, through kubectl: the whole of deploy/, overlays of it, the recipes and the presets. */
const api = connect();
const dir = mkdtempSync(join(tmpdir(), 'forewarm-deploy.'));

beforeAll(async () => {
  await applyDeploy(api);
});
afterAll(async () => {
  rmSync(dir, { recursive: true });
  await api.delete('/apis/apps/v1/namespaces/forewarm-node/daemonsets/forewarm-agent');
  await api.delete('/apis/apps/v1/namespaces/forewarm-system/deployments/forewarm-controller');
  await api.close();
});

test('every object that deploy renders says whose it is', () => {
  expect(rendered().length).toBeGreaterThan(40);
  const strangers = rendered().filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/part-of'] !== 'forewarm');
  expect(strangers).toStrictEqual([]);
});

test('applying a second time changes nothing', async () => {
  const path = '/apis/apps/v1/namespaces/forewarm-node/daemonsets/forewarm-agent';
  const policy = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/forewarm-agents';
  const before = [(await api.get(path)).metadata.generation, (await api.get(policy)).metadata.generation];
  await applyDeploy(api);
  const after = [(await api.get(path)).metadata.generation, (await api.get(policy)).metadata.generation];
  expect(after).toStrictEqual(before);
});

test('an overlay names the image for all, and the component that owns the folder adds one capability and nothing else', () => {
  const deploy = relative(dir, join(root, 'deploy'));
  const overlay = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [deploy],
    components: [join(deploy, 'components/own-cache-folder')],
    images: [{ name: 'forewarm', newName: 'registry.example/forewarm', newTag: 'v1' }],
  };
  writeFileSync(join(dir, 'kustomization.yaml'), dump(overlay));
  const text = kubectl(['kustomize', dir]);
  const images = [...text.matchAll(/image: (.*)/g)].map(([, image]) => image);
  expect(new Set(images)).toStrictEqual(new Set(['registry.example/forewarm:v1']));
  const agent = (loadAll(text) as KubeObject[]).find(({ kind }) => kind === 'DaemonSet');
  const template = agent?.spec?.['template'] as { spec: Record<string, unknown> };
  expect(restrictedFaults(template.spec)).toStrictEqual([
    'volume cache must not be a hostPath',
    'container own-cache-folder: runAsNonRoot must be true',
    'container own-cache-folder: runAsUser must not be 0',
    'container own-cache-folder: capabilities must add nothing but NET_BIND_SERVICE',
  ]);
});

for (const recipe of readdirSync(join(root, 'deploy/recipes')).filter((file) => file.endsWith('.yaml'))) {
  test(`the API server accepts every object of the recipe ${recipe}`, async () => {
    const path = join(root, 'deploy/recipes', recipe);
    const objects = loadAll(readFileSync(path, 'utf8')) as KubeObject[];
    const namespaces = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
    for (const namespace of namespaces) await makeNamespace(api, namespace);
    const answer = kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', path]);
    expect(answer.trim().split('\n').length).toBe(objects.length);
  });
}

const presets = readdirSync(join(root, 'policies'))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => ({ file, text: readFileSync(join(root, 'policies', file), 'utf8') }))
  .filter(({ text }) => text.includes('\nkind: ScalingPolicy\n'));
for (const { file, text } of presets) {
  test(`the API server accepts policies/${file} and adds nothing to it`, () => {
    const [object] = loadAll(text) as KubeObject[];
    const kept = JSON.parse(kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], text)) as KubeObject;
    expect(kept.spec).toStrictEqual(object?.spec);
  });
}
