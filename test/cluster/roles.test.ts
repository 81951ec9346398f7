import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditTail } from './support/audit.ts';
import { clusterDir, connect, kubeconfigOf, makeNamespace, makeNodes } from './support/bed.ts';
import { type Child, forewarm } from './support/child.ts';
import { applyDeploy } from './support/deploy.ts';
import { holds, until } from './support/wait.ts';

/** The controller and an agent as processes, each on the token of its account: the rights that deploy/ gives are enough, and nothing beyond them is tried. */
const api = connect();
const ns = 'roles';
const served = '/apis/forewarm.dev/v1alpha1';
const nodes = ['roles-1', 'roles-2'] as const;
const accounts = {
  controller: 'system:serviceaccount:forewarm-system:forewarm-controller',
  agent: 'system:serviceaccount:forewarm-node:forewarm-agent',
} as const;
const dir = mkdtempSync(join(tmpdir(), 'forewarm-roles.'));
const running: Child[] = [];
let audit: AuditTail;
let controller: Child;

beforeAll(async () => {
  await makeNodes(api, [
    { name: nodes[0], podCidr: '127.1.21.0/24', gpus: 8 },
    { name: nodes[1], podCidr: '127.1.22.0/24', gpus: 8 },
  ]);
  await makeNamespace(api, ns);
  await applyDeploy(api);
  await api.create(`/apis/apps/v1/namespaces/${ns}/deployments`, {
    metadata: { name: 'chat' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'chat' } },
      template: {
        metadata: { labels: { app: 'chat' } },
        spec: { containers: [{ name: 'engine', image: 'example.invalid/vllm:0.26' }] },
      },
    },
  });
  audit = new AuditTail(clusterDir());
  controller = await start('controller', 'forewarm-system', ['--metrics-bind', '0', '--adapter-listen', '0']);
});
afterAll(async () => {
  await Promise.all(running.map((child) => child.stop()));
  await api.delete(`${served}/namespaces/${ns}/inferenceautoscalers/chat`);
  await api.delete(`/apis/apps/v1/namespaces/${ns}/deployments/chat`);
  await api.delete('/apis/apps/v1/namespaces/forewarm-node/daemonsets/forewarm-agent');
  await api.delete('/apis/apps/v1/namespaces/forewarm-system/deployments/forewarm-controller');
  for (const node of nodes) await api.delete(`/api/v1/nodes/${node}`);
  await api.close();
  rmSync(dir, { recursive: true });
});

async function start(
  role: keyof typeof accounts,
  namespace: string,
  args: readonly string[],
  pod?: { readonly name: string; readonly uid: string },
): Promise<Child> {
  const file = join(dir, `${role}-${running.length}.kubeconfig`);
  const account = { namespace, name: `forewarm-${role}`, ...(pod === undefined ? {} : { pod }) };
  writeFileSync(file, await kubeconfigOf(api, account));
  const child = forewarm(role, [role, '--kubeconfig', file, '--hub-endpoint', 'http://127.0.0.1:9', ...args]);
  running.push(child);
  return child;
}

/** Fails with what a process said last when it has ended. */
function alive<T>(child: Child, ask: () => Promise<T>): () => Promise<T> {
  return async () => {
    if (!child.isRunning) throw new Error(`${child.name} ended: ${child.output.slice(-1000)}`);
    return await ask();
  };
}

function refusedTo(user: string): readonly string[] {
  return audit
    .requests()
    .filter((request) => request.user === user && (request.code === 403 || request.code === 422))
    .map(({ verb, resource, subresource, name, code }) => `${verb} ${resource}/${subresource} ${name}: ${code}`);
}

test('the controller scales, tells and keeps node caches with the rights of its account, and is refused nothing', async () => {
  await api.create(`${served}/namespaces/${ns}/modelartifacts`, {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'ModelArtifact',
    metadata: { name: 'tiny' },
    spec: { source: 'hf://org/tiny@main' },
  });
  await api.create(`${served}/namespaces/${ns}/inferenceautoscalers`, {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'InferenceAutoscaler',
    metadata: { name: 'chat' },
    spec: {
      mode: 'Scale',
      targets: [{ scaleTargetRef: { name: 'chat' }, minReplicas: 2, maxReplicas: 4 }],
      warmth: { mode: 'Act', modelArtifactRef: { name: 'tiny' } },
    },
  });
  await until(
    'the minimum in the Deployment',
    alive(controller, async () => await api.get(`/apis/apps/v1/namespaces/${ns}/deployments/chat`)),
    (object) => object.spec?.['replicas'] === 2,
  );
  await until(
    'status, with its memory',
    async () => await api.get(`${served}/namespaces/${ns}/inferenceautoscalers/chat`),
    ({ status }) => status?.['desiredReplicas'] === 2 && status['safety'] !== undefined,
  );
  await until(
    'a cache for each node',
    async () => await api.list(`${served}/nodecaches`),
    (caches) => nodes.every((node) => caches.some((one) => one.metadata.name === node)),
  );
  const artifact = await until(
    'word of the hub that is not there',
    async () => await api.get(`${served}/namespaces/${ns}/modelartifacts/tiny`),
    ({ status }) => JSON.stringify(status ?? {}).includes('ResolveFailed'),
  );
  expect(artifact.status?.['commit']).toBeUndefined();
  await until(
    'an event for people',
    async () => await api.list(`/apis/events.k8s.io/v1/namespaces/${ns}/events`),
    (events) => events.some((one) => one['reportingController'] !== undefined && one['reason'] === 'Scaled'),
  );
  expect(refusedTo(accounts.controller)).toStrictEqual([]);
});

test("an agent reports its own node's cache with the rights of its account, and is refused nothing", async () => {
  const pods = await until(
    'an agent on the node',
    async () => await api.list('/api/v1/namespaces/forewarm-node/pods'),
    (seen) => seen.some((one) => one.spec?.['nodeName'] === nodes[0]),
  );
  const pod = pods.find((one) => one.spec?.['nodeName'] === nodes[0]);
  const bound = { name: pod?.metadata.name ?? '', uid: pod?.metadata.uid ?? '' };
  const speaking = (node: string): string[] => ['--node', node, '--cache-dir', join(dir, node), '--budget', '1Gi'];
  const agent = await start('agent', 'forewarm-node', speaking(nodes[0]), bound);
  const cache = await until(
    'a report',
    alive(agent, async () => await api.get(`${served}/nodecaches/${nodes[0]}`)),
    ({ status }) => status?.['reportedTime'] !== undefined,
  );
  expect(cache.status).toMatchObject({ budgetBytes: 1024 ** 3, artifacts: [] });
  expect(refusedTo(accounts.agent)).toStrictEqual([]);

  const intruder = await start('agent', 'forewarm-node', speaking(nodes[1]), bound);
  await until(
    'word of the refusal',
    () => intruder.output,
    (text) => text.includes('its token is of roles-1'),
  );
  await holds(
    'the cache of the other node without a report',
    async () => await api.get(`${served}/nodecaches/${nodes[1]}`),
    ({ status }) => status?.['reportedTime'] === undefined,
    { seconds: 2 },
  );
});
