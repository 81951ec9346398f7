import { afterAll, beforeAll, expect, test } from 'vitest';
import { Account } from './support/account.ts';
import type { Answer } from './support/api.ts';
import { connect, makeNamespace, makeNodes } from './support/bed.ts';
import { applyDeploy } from './support/deploy.ts';
import { until } from './support/wait.ts';

/** Each role on a token of its own service account: what deploy/ lets it do, and what the API server refuses it. */
const api = connect();
const ns = 'rights';
const served = '/apis/forewarm.dev/v1alpha1';
const nodes = ['rights-1', 'rights-2'] as const;
const warm = 'warm.forewarm.dev/0123456789ab';
const pod = `/api/v1/namespaces/${ns}/pods/engine`;
let controller: Account;
let agent: Account;

beforeAll(async () => {
  await makeNodes(api, [
    { name: nodes[0], podCidr: '127.1.11.0/24', gpus: 8 },
    { name: nodes[1], podCidr: '127.1.12.0/24', gpus: 8 },
  ]);
  await makeNamespace(api, ns);
  await applyDeploy(api);
  await api.create(`/api/v1/namespaces/${ns}/pods`, {
    metadata: { name: 'engine', labels: { app: 'chat' }, annotations: { kept: 'yes' } },
    spec: { nodeName: nodes[0], containers: [{ name: 'engine', image: 'example.invalid/vllm:0.26' }] },
  });
  for (const node of nodes) {
    await api.create(`${served}/nodecaches`, {
      apiVersion: 'forewarm.dev/v1alpha1',
      kind: 'NodeCache',
      metadata: { name: node },
      spec: { node },
    });
  }
  controller = await Account.of(api, 'forewarm-system', 'forewarm-controller');
  agent = await Account.of(api, 'forewarm-node', 'forewarm-agent', await agentPod(nodes[0]));
  await until(
    'the admission policies at work',
    async () => await controller.call('PATCH', `${pod}?dryRun=All`, { metadata: { labels: { app: 'x' } } }),
    ({ status }) => status === 403,
  );
});
afterAll(async () => {
  await Promise.all([controller.close(), agent.close()]);
  for (const node of nodes) {
    await api.delete(`${served}/nodecaches/${node}`);
    await api.delete(`/api/v1/nodes/${node}`);
  }
  await api.delete(`${pod}?gracePeriodSeconds=0`);
  await api.delete('/apis/apps/v1/namespaces/forewarm-node/daemonsets/forewarm-agent');
  await api.delete('/apis/apps/v1/namespaces/forewarm-system/deployments/forewarm-controller');
  await api.close();
});

/** The DaemonSet's own pod on that node: its token says where it runs. */
async function agentPod(node: string): Promise<{ readonly name: string; readonly uid: string }> {
  const seen = await until(
    `an agent on ${node}`,
    async () => await api.list('/api/v1/namespaces/forewarm-node/pods'),
    (pods) => pods.some((one) => one.spec?.['nodeName'] === node),
  );
  const found = seen.find((one) => one.spec?.['nodeName'] === node);
  return { name: found?.metadata.name ?? '', uid: found?.metadata.uid ?? '' };
}

function says({ body }: Answer): string {
  return body.message ?? '';
}

test('the API server runs the controller and the agents as deployed: their pods pass admission', async () => {
  const pods = await until(
    'pods of both',
    async () => [
      ...(await api.list('/api/v1/namespaces/forewarm-system/pods')),
      ...(await api.list('/api/v1/namespaces/forewarm-node/pods')),
    ],
    (seen) => seen.filter((one) => one.metadata.name.startsWith('forewarm-')).length >= 4,
  );
  expect(pods.map((one) => one.metadata.name.replace(/-[^-]+$/, ''))).toContain('forewarm-agent');
});

test('a pod with a host path is refused beside the controller', async () => {
  const answer = await api.call('POST', '/api/v1/namespaces/forewarm-system/pods?dryRun=All', {
    metadata: { name: 'x' },
    spec: {
      containers: [{ name: 'x', image: 'x' }],
      volumes: [{ name: 'x', hostPath: { path: '/' } }],
    },
  });
  expect(answer.status).toBe(403);
  expect(says(answer)).toContain('violates PodSecurity "restricted:latest"');
});

interface Attempt {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}
const node = (name: string): string => `/api/v1/nodes/${name}`;
const patch = (path: string, body: unknown): Attempt => ({ method: 'PATCH', path: `${path}?dryRun=All`, body });
const labels = (change: Record<string, string | null>): unknown => ({ metadata: { labels: change } });
const annotations = (change: Record<string, string | null>): unknown => ({ metadata: { annotations: change } });
const cost = 'controller.kubernetes.io/pod-deletion-cost';
const status = (name: string): string => `${served}/nodecaches/${name}/status`;

const allowedToController: Readonly<Record<string, Attempt>> = {
  'label a node warm': patch(node(nodes[0]), labels({ [warm]: 'ready' })),
  'take a warm label away': patch(node(nodes[0]), labels({ [warm]: null })),
  'set the deletion cost of a pod': patch(pod, annotations({ [cost]: '-100' })),
  'take the deletion cost away': patch(pod, annotations({ [cost]: null })),
  'create a node cache': {
    method: 'POST',
    path: `${served}/nodecaches?dryRun=All`,
    body: {
      apiVersion: 'forewarm.dev/v1alpha1',
      kind: 'NodeCache',
      metadata: { name: 'rights-3' },
      spec: { node: 'rights-3' },
    },
  },
  'assign to a node cache': patch(`${served}/nodecaches/${nodes[0]}`, { spec: { artifacts: [] } }),
  'make a lease': {
    method: 'POST',
    path: '/apis/coordination.k8s.io/v1/namespaces/forewarm-system/leases?dryRun=All',
    body: { metadata: { name: 'forewarm-rights' }, spec: {} },
  },
  'read its serving certificate': {
    method: 'GET',
    path: '/api/v1/namespaces/forewarm-system/secrets/forewarm-serving',
  },
  'tell an event': {
    method: 'POST',
    path: `/apis/events.k8s.io/v1/namespaces/${ns}/events?dryRun=All`,
    body: {
      metadata: { name: 'x' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      action: 'Scale',
      reason: 'DemandMet',
      type: 'Normal',
      reportingController: 'forewarm',
      reportingInstance: 'x',
      regarding: { kind: 'Pod', namespace: ns, name: 'engine' },
    },
  },
  'ask who a token belongs to': {
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/tokenreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'x' } },
  },
  'read what the API server says of its front proxy': {
    method: 'GET',
    path: '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
  },
};
for (const [name, { method, path, body }] of Object.entries(allowedToController)) {
  test(`the controller may ${name}`, async () => {
    const answer = await controller.call(method, path, body);
    expect(says(answer)).toBe('');
    expect([200, 201]).toContain(answer.status);
  });
}

const deniedToController: Readonly<Record<string, Attempt & { readonly says: string }>> = {
  'change another label of a node': {
    ...patch(node(nodes[0]), labels({ 'nvidia.com/gpu.present': 'false' })),
    says: "the controller may change only labels that begin with 'warm.forewarm.dev/'",
  },
  'add a label that only looks like ours': {
    ...patch(node(nodes[0]), labels({ 'warm.forewarm.dev.evil.example/x': '1' })),
    says: "the controller may change only labels that begin with 'warm.forewarm.dev/'",
  },
  'take another label of a node away': {
    ...patch(node(nodes[0]), labels({ 'nvidia.com/gpu.present': null, [warm]: 'ready' })),
    says: "the controller may change only labels that begin with 'warm.forewarm.dev/'",
  },
  'cordon a node': {
    ...patch(node(nodes[0]), { spec: { unschedulable: true } }),
    says: 'the controller may change nothing of a node but its labels',
  },
  'taint a node': {
    ...patch(node(nodes[0]), { spec: { taints: [{ key: 'x', effect: 'NoExecute' }] } }),
    says: 'the controller may change nothing of a node but its labels',
  },
  'annotate a node': {
    ...patch(node(nodes[0]), annotations({ x: '1' })),
    says: 'the controller may change nothing of a node but its labels',
  },
  'report a node': {
    ...patch(`${node(nodes[0])}/status`, { status: {} }),
    says: 'cannot patch resource "nodes/status"',
  },
  'delete a node': { method: 'DELETE', path: `${node(nodes[0])}?dryRun=All`, says: 'cannot delete resource "nodes"' },
  'relabel a pod': {
    ...patch(pod, labels({ app: 'other' })),
    says: 'the controller may change nothing of a pod but its deletion cost',
  },
  'annotate a pod otherwise': {
    ...patch(pod, annotations({ kept: 'no', [cost]: '1' })),
    says: `the controller may change only the annotation '${cost}'`,
  },
  'take another annotation of a pod away': {
    ...patch(pod, annotations({ kept: null })),
    says: `the controller may change only the annotation '${cost}'`,
  },
  'change the image of a pod': {
    ...patch(pod, { spec: { activeDeadlineSeconds: 1 } }),
    says: 'the controller may change nothing of a pod but its deletion cost',
  },
  'hold a pod by a finalizer': {
    ...patch(pod, { metadata: { finalizers: ['example.com/x'] } }),
    says: 'the controller may change nothing of a pod but its deletion cost',
  },
  'delete a pod': { method: 'DELETE', path: `${pod}?dryRun=All`, says: 'cannot delete resource "pods"' },
  'write a workload': {
    ...patch('/apis/apps/v1/namespaces/forewarm-system/deployments/forewarm-controller', { spec: { replicas: 0 } }),
    says: 'cannot patch resource "deployments"',
  },
  'list secrets': { method: 'GET', path: '/api/v1/secrets', says: 'cannot list resource "secrets"' },
  'read another secret': {
    method: 'GET',
    path: `/api/v1/namespaces/${ns}/secrets/x`,
    says: 'cannot get resource "secrets"',
  },
  'take another lease': {
    ...patch('/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x', {}),
    says: 'cannot patch resource "leases"',
  },
  'change what a user wants': {
    ...patch(`${served}/namespaces/${ns}/inferenceautoscalers/x`, { spec: { mode: 'Scale' } }),
    says: 'cannot patch resource "inferenceautoscalers"',
  },
  'speak for a node cache': {
    ...patch(status(nodes[0]), { status: { usedBytes: 1 } }),
    says: 'cannot patch resource "nodecaches/status"',
  },
};
for (const [name, { method, path, body, says: reason }] of Object.entries(deniedToController)) {
  test(`the controller may not ${name}`, async () => {
    const answer = await controller.call(method, path, body);
    expect(says(answer)).toContain(reason);
    expect(answer.status).toBe(403);
  });
}

test('other users are not confined by the policies that confine the controller', async () => {
  const answer = await api.call(
    'PATCH',
    `${node(nodes[0])}?dryRun=All`,
    labels({ team: 'a' }),
    'application/merge-patch+json',
  );
  expect(answer.status).toBe(200);
});

test('the controller may scale: a Deployment through its scale subresource', async () => {
  const path = '/apis/apps/v1/namespaces/forewarm-system/deployments/forewarm-controller/scale?dryRun=All';
  const answer = await controller.call('PATCH', path, { spec: { replicas: 3 } });
  expect(answer.body.spec?.['replicas']).toBe(3);
});

test("an agent writes the status of its own node's cache, the only thing it may write", async () => {
  const own = await agent.call('PATCH', status(nodes[0]), {
    status: { budgetBytes: 100, usedBytes: 1, artifacts: [] },
  });
  expect(own.body.status).toStrictEqual({ budgetBytes: 100, usedBytes: 1, artifacts: [] });
  const spec = await agent.call('PATCH', `${served}/nodecaches/${nodes[0]}`, { spec: { artifacts: [] } });
  expect(spec.status).toBe(403);
  expect(says(spec)).toContain('cannot patch resource "nodecaches"');
});

test('an agent that speaks for another node is refused, and told whose token it holds', async () => {
  const answer = await agent.call('PATCH', status(nodes[1]), { status: { usedBytes: 1 } });
  expect(answer.status).toBe(403);
  expect(says(answer)).toContain(`its token is of ${nodes[0]}, the object is ${nodes[1]}`);
});

test("a token of the agents' account that belongs to no pod is refused everywhere", async () => {
  const loose = await Account.of(api, 'forewarm-node', 'forewarm-agent');
  const answer = await loose.call('PATCH', status(nodes[0]), { status: { usedBytes: 2 } });
  await loose.close();
  expect(answer.status).toBe(403);
  expect(says(answer)).toContain('its token is of no node');
});

const deniedToAdministrators: Readonly<
  Record<string, Attempt & { readonly as: () => Account; readonly says: string }>
> = {
  'the controller deletes no node': {
    as: () => controller,
    method: 'DELETE',
    path: `${node(nodes[0])}?dryRun=All`,
    says: 'the controller must not create, delete or report nodes',
  },
  'the controller reports no node': {
    as: () => controller,
    ...patch(`${node(nodes[0])}/status`, { status: { capacity: { 'nvidia.com/gpu': '9' } } }),
    says: 'the controller must not create, delete or report nodes',
  },
  'the controller deletes no pod': {
    as: () => controller,
    method: 'DELETE',
    path: `${pod}?dryRun=All`,
    says: 'the controller must not create, delete, resize or report pods',
  },
  'an agent assigns nothing': {
    as: () => agent,
    ...patch(`${served}/nodecaches/${nodes[0]}`, { metadata: { labels: { a: 'b' } } }),
    says: 'an agent may write only the status of a NodeCache',
  },
  'an agent deletes no cache': {
    as: () => agent,
    method: 'DELETE',
    path: `${served}/nodecaches/${nodes[0]}?dryRun=All`,
    says: 'an agent may write only the status of a NodeCache',
  },
};
test('whoever makes our accounts administrators by mistake does not lift the admission policies', async () => {
  const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  await api.create(bindings, {
    metadata: { name: 'rights-mistake' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [
      { kind: 'ServiceAccount', name: 'forewarm-controller', namespace: 'forewarm-system' },
      { kind: 'ServiceAccount', name: 'forewarm-agent', namespace: 'forewarm-node' },
    ],
  });
  for (const [name, { as, method, path, body, says: reason }] of Object.entries(deniedToAdministrators)) {
    await until(
      name,
      async () => await as().call(method, path, body),
      (answer) => answer.status === 403 && says(answer).includes(reason),
      { seconds: 10 },
    );
  }
  await api.delete(`${bindings}/rights-mistake`);
  await until(
    'the rights gone again',
    async () => await controller.call('GET', '/api/v1/secrets'),
    ({ status: code }) => code === 403,
  );
  expect(Object.keys(deniedToAdministrators).length).toBe(5);
});

test('an agent reads node caches and nothing else', async () => {
  expect((await agent.call('GET', `${served}/nodecaches?fieldSelector=metadata.name%3D${nodes[0]}`)).status).toBe(200);
  for (const path of ['/api/v1/pods', '/api/v1/nodes', '/api/v1/secrets', `${served}/inferenceautoscalers`]) {
    expect((await agent.call('GET', path)).status).toBe(403);
  }
});

test('the adapter alone reads autoscalers, the lease and its certificate, and may ask who calls', async () => {
  const adapter = await Account.of(api, 'forewarm-system', 'forewarm-adapter');
  const lease = '/apis/coordination.k8s.io/v1/namespaces/forewarm-system/leases/forewarm';
  const certificate = '/api/v1/namespaces/forewarm-system/secrets/forewarm-serving';
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: 'x' } };
  expect((await adapter.call('GET', `${served}/inferenceautoscalers`)).status).toBe(200);
  expect([200, 404]).toContain((await adapter.call('GET', lease)).status);
  expect((await adapter.call('GET', certificate)).status).toBe(200);
  expect((await adapter.call('PATCH', certificate, { data: {} })).status).toBe(403);
  expect((await adapter.call('PATCH', lease, {})).status).toBe(403);
  expect((await adapter.call('GET', '/api/v1/pods')).status).toBe(403);
  const asked = await adapter.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    ...review,
    spec: { user: 'x', nonResourceAttributes: { path: '/', verb: 'get' } },
  });
  expect(asked.status).toBe(201);
  await adapter.close();
});
