import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Api, KubeObject } from './api.ts';
import { freePort, kubeconfigOf } from './bed.ts';
import { type Child, forewarm } from './child.ts';
import { applyDeploy } from './deploy.ts';

export const served = '/apis/forewarm.dev/v1alpha1';
export const controllerUser = 'system:serviceaccount:forewarm-system:forewarm-controller';

/** Short cadence and lead times: the loops of the suite take seconds where a cluster takes minutes. */
const fastPolicy = {
  tickSeconds: 1,
  provisioningQuantilePercent: 90,
  recoverySeconds: 10,
  initialLeadTimeColdSeconds: 6,
  initialLeadTimeWarmSeconds: 3,
  paybackSeconds: 10,
};

export interface ControllerOptions {
  readonly args?: readonly string[];
  readonly identity?: string;
  /** Another address of the API server: a proxy that the test breaks. */
  readonly server?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The product as deploy/ installs it: its objects applied by kubectl, each role a process on the token of its service account. */
export class Product {
  readonly #api: Api;
  readonly #dir = mkdtempSync(join(tmpdir(), 'forewarm-product.'));
  readonly #children: Child[] = [];

  private constructor(api: Api) {
    this.#api = api;
  }

  static async install(api: Api): Promise<Product> {
    await applyDeploy(api);
    const product = new Product(api);
    await product.apply(`${served}/scalingpolicies`, {
      apiVersion: 'forewarm.dev/v1alpha1',
      kind: 'ScalingPolicy',
      metadata: { name: 'suite-fast' },
      spec: fastPolicy,
    });
    return product;
  }

  /** Creates the object, or replaces its spec. */
  async apply(collection: string, object: KubeObject): Promise<void> {
    const path = `${collection}/${object.metadata.name}`;
    if ((await this.#api.find(path)) === undefined) await this.#api.create(collection, object);
    else await this.#api.patch(path, { spec: object.spec });
  }

  async startController({ args = [], identity = 'controller-0', server, env }: ControllerOptions = {}): Promise<Child> {
    const text = await kubeconfigOf(this.#api, { namespace: 'forewarm-system', name: 'forewarm-controller' });
    const file = join(this.#dir, `${identity}-${this.#children.length}.kubeconfig`);
    writeFileSync(file, server === undefined ? text : text.replace(this.#api.server, server));
    const metrics = await freePort();
    const defaults = [
      '--metrics-bind',
      `127.0.0.1:${metrics}`,
      '--adapter-listen',
      '0',
      '--hub-endpoint',
      'http://127.0.0.1:9',
    ];
    const identified = ['--identity', identity, '--lease-namespace', 'forewarm-system'];
    const child = forewarm(identity, ['controller', '--kubeconfig', file, ...defaults, ...identified, ...args], env);
    this.#children.push(child);
    return child;
  }

  async startAgent(
    pod: { readonly name: string; readonly uid: string; readonly node: string },
    args: readonly string[],
  ): Promise<Child> {
    const account = { namespace: 'forewarm-node', name: 'forewarm-agent', pod };
    const file = join(this.#dir, `${pod.name}.kubeconfig`);
    writeFileSync(file, await kubeconfigOf(this.#api, account));
    const child = forewarm(`agent ${pod.node}`, ['agent', '--kubeconfig', file, '--node', pod.node, ...args]);
    this.#children.push(child);
    return child;
  }

  /** The last words of every process, for a test that failed. */
  lastWords(characters = 3000): string {
    return this.#children.map((child) => `--- ${child.name}\n${child.output.slice(-characters)}`).join('\n');
  }

  /** Ends what was started and removes what would disturb the next suite file; custom resources stay declared. */
  async uninstall(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
    await this.#api.delete('/apis/apps/v1/namespaces/forewarm-node/daemonsets/forewarm-agent');
    await this.#api.delete('/apis/apps/v1/namespaces/forewarm-system/deployments/forewarm-controller');
    await this.#api.delete('/apis/coordination.k8s.io/v1/namespaces/forewarm-system/leases/forewarm');
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

export interface PoolOptions {
  readonly namespace: string;
  readonly replicas: number;
  readonly gpus?: number;
  readonly template?: Record<string, unknown>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A Deployment `chat` of engines that become Ready when the node stand-in says so. */
export function chatDeployment({
  namespace,
  replicas,
  gpus = 1,
  template = {},
  annotations = {},
}: PoolOptions): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'chat', namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'chat' } },
      template: {
        metadata: {
          labels: { app: 'chat' },
          annotations: { 'forewarm.test/hold': 'ready', 'forewarm.test/stop-delay': '1s', ...annotations },
        },
        spec: {
          terminationGracePeriodSeconds: 30,
          containers: [
            {
              name: 'engine',
              image: 'example.invalid/vllm:0.26',
              ports: [{ name: 'http', containerPort: 8000 }],
              resources: { limits: { 'nvidia.com/gpu': String(gpus) } },
            },
          ],
          ...template,
        },
      },
    },
  };
}

/** An InferenceAutoscaler `chat` for that Deployment, on the suite's fast policy. */
export function chatAutoscaler(
  namespace: string,
  spec: Readonly<Record<string, unknown>>,
  target: Readonly<Record<string, unknown>> = {},
): KubeObject {
  return {
    apiVersion: 'forewarm.dev/v1alpha1',
    kind: 'InferenceAutoscaler',
    metadata: { name: 'chat', namespace },
    spec: {
      targets: [
        { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' }, maxReplicas: 6, ...target },
      ],
      policyRef: { name: 'suite-fast' },
      signals: { scrapeIntervalSeconds: 1 },
      behavior: { scaleDown: { stabilizationWindowSeconds: 5 } },
      ...spec,
    },
  };
}

/** The part of an autoscaler's status that the loops look at. */
export function condition(
  autoscaler: KubeObject | undefined,
  type: string,
): { status: string; reason: string; message: string } | undefined {
  const conditions = (autoscaler?.status?.['conditions'] ?? []) as {
    type: string;
    status: string;
    reason: string;
    message: string;
  }[];
  return conditions.find((candidate) => candidate.type === type);
}
