import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { Api, type KubeObject } from './api.ts';
import { until } from './wait.ts';

export const bedDir: string = join(import.meta.dirname, '../bed');
export const root: string = join(import.meta.dirname, '../../..');

/** The folder of the running control plane: kubeconfig, pki/, audit.log, NAME.pid. */
export function clusterDir(): string {
  const dir = process.env['CLUSTER_DIR'];
  if (dir === undefined) throw new Error("no cluster: run the suite with 'npm run test:cluster'");
  return dir;
}

export function connect(): Api {
  return new Api(clusterDir());
}

export function kubectl(args: readonly string[], input?: string): string {
  const options = { encoding: 'utf8', maxBuffer: 64 << 20, ...(input === undefined ? {} : { input }) } as const;
  return execFileSync('kubectl', [`--kubeconfig=${clusterDir()}/kubeconfig`, ...args], {
    ...options,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

export interface FakeNode {
  readonly name: string;
  /** Every pod of the node gets an address in this loopback range. */
  readonly podCidr: string;
  readonly gpus: number;
}

/** Makes kwok nodes and waits until they are Ready; nodes that exist are left as they are. */
export async function makeNodes(api: Api, nodes: readonly FakeNode[]): Promise<void> {
  for (const node of nodes) {
    if ((await api.find(`/api/v1/nodes/${node.name}`)) === undefined)
      await api.create('/api/v1/nodes', nodeObject(node));
  }
  await until(
    'nodes Ready',
    () => api.list('/api/v1/nodes'),
    (items) => items.filter(isReady).length >= nodes.length,
  );
}

function nodeObject({ name, podCidr, gpus }: FakeNode): KubeObject {
  const sizes = { cpu: '64', memory: '512Gi', pods: '110', 'ephemeral-storage': '2Ti', 'nvidia.com/gpu': String(gpus) };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'nvidia.com/gpu.present': 'true' },
    },
    spec: { podCIDR: podCidr, podCIDRs: [podCidr] },
    status: { capacity: sizes, allocatable: sizes },
  };
}

export function isReady(object: KubeObject): boolean {
  const conditions = (object.status?.['conditions'] ?? []) as { type: string; status: string }[];
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

/** A namespace of the test's own whose default service account exists, so that pods are admitted. */
export async function makeNamespace(api: Api, name: string): Promise<void> {
  if ((await api.find(`/api/v1/namespaces/${name}`)) === undefined) {
    await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  await until(
    `service account of ${name}`,
    () => api.find(`/api/v1/namespaces/${name}/serviceaccounts/default`),
    (account) => account !== undefined,
  );
}

/** A kubeconfig that acts as a service account, with a token of its own: what the role's pod would have. */
export async function kubeconfigOf(
  api: Api,
  account: {
    readonly namespace: string;
    readonly name: string;
    readonly pod?: { readonly name: string; readonly uid: string };
  },
): Promise<string> {
  const bound =
    account.pod === undefined
      ? {}
      : { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: account.pod.name, uid: account.pod.uid } };
  const answer = await api.create(`/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 7200, ...bound },
  });
  const token = (answer.status as { token: string }).token;
  const ca = readFileSync(join(clusterDir(), 'pki/ca.crt')).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'suite',
    clusters: [{ name: 'suite', cluster: { server: api.server, 'certificate-authority-data': ca } }],
    users: [{ name: 'suite', user: { token } }],
    contexts: [{ name: 'suite', context: { cluster: 'suite', user: 'suite', namespace: account.namespace } }],
  });
}

export function yaml(text: string): KubeObject {
  return load(text) as KubeObject;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
