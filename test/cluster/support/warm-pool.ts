import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HubRepository, large, small, startHub, type TestHub } from '../../support/hub.ts';
import type { Api, KubeObject } from './api.ts';
import { isReady, makeNamespace, makeNodes } from './bed.ts';
import type { Child } from './child.ts';
import { Emulator } from './emulator.ts';
import { Load } from './load.ts';
import { chatAutoscaler, Product, served } from './product.ts';
import { recipeDeployment } from './recipe.ts';
import { NodeStandIn } from './stand-in.ts';
import { until } from './wait.ts';

const repository = 'forewarm/warm-model';
/** At this rate 24 MB take five seconds: what a cold start takes more than a warm one. */
const bytesPerSecond = 4_800_000;
const model: HubRepository = {
  id: repository,
  commit: '5f1e0c9d3b7a48261c0e9f5d7b3a1846e2c9d0f7',
  revisions: ['main'],
  files: [small('config.json', '{"model_type":"llama"}\n'), large('model.safetensors', 24_000_000)],
};

export interface WarmPoolOptions {
  readonly namespace: string;
  /** Node N gets the addresses 127.1.(network + N).0/24. */
  readonly network: number;
}

/** A pool on the recipe: GPU nodes of one GPU, a folder of its own for each, agents that fill them from a slow hub, engines that wait for the files. */
export class WarmPool {
  readonly namespace: string;
  readonly model: HubRepository = model;
  readonly product: Product;
  readonly standIn: NodeStandIn;
  readonly load: Load;
  readonly #api: Api;
  readonly #hub: TestHub;
  readonly #network: number;
  readonly #dir = mkdtempSync(join(tmpdir(), 'forewarm-warm.'));
  readonly #nodes: string[] = [];

  private constructor(api: Api, options: WarmPoolOptions, parts: { product: Product; hub: TestHub }) {
    this.#api = api;
    this.#network = options.network;
    this.#hub = parts.hub;
    this.product = parts.product;
    this.namespace = options.namespace;
    const pods = { namespace: this.namespace, selector: 'app=chat' };
    this.standIn = new NodeStandIn(api, {
      ...pods,
      cacheDir: (node) => this.folder(node),
      published: `models--${repository.replace('/', '--')}/snapshots/${model.commit}`,
      engineSeconds: 1,
      startEngine: (address) => Emulator.listen(address),
    });
    this.load = new Load(api, { ...pods, promptTokens: 40, outputTokens: 20 });
  }

  /** Everything but nodes, agents, Deployment and autoscaler. */
  static async start(api: Api, options: WarmPoolOptions): Promise<WarmPool> {
    await makeNamespace(api, options.namespace);
    const hub = await startHub({ repositories: [model], bytesPerSecond });
    const pool = new WarmPool(api, options, { product: await Product.install(api), hub });
    pool.standIn.start();
    pool.load.start();
    await api.create(`${served}/namespaces/${options.namespace}/modelartifacts`, {
      apiVersion: 'forewarm.dev/v1alpha1',
      kind: 'ModelArtifact',
      metadata: { name: 'chat' },
      spec: { source: `hf://${repository}` },
    });
    return pool;
  }

  get nodes(): readonly string[] {
    return this.#nodes;
  }

  get deploymentPath(): string {
    return `/apis/apps/v1/namespaces/${this.namespace}/deployments/chat`;
  }

  get autoscalerPath(): string {
    return `${served}/namespaces/${this.namespace}/inferenceautoscalers/chat`;
  }

  /** What is HF_HUB_CACHE to the engines of the node. */
  folder(node: string): string {
    return join(this.#dir, node, 'hub');
  }

  async startController(identity: string): Promise<Child> {
    return await this.product.startController({ identity, args: ['--hub-endpoint', this.#hub.endpoint] });
  }

  async addNode(): Promise<string> {
    const number = this.#nodes.length + 1;
    const name = `${this.namespace}-${number}`;
    this.#nodes.push(name);
    mkdirSync(this.folder(name), { recursive: true });
    await makeNodes(this.#api, [{ name, podCidr: `127.1.${this.#network + number}.0/24`, gpus: 1 }]);
    return name;
  }

  /** The agent of a node, on the token of the pod that its DaemonSet made there. */
  async startAgent(node: string, args: readonly string[] = []): Promise<Child> {
    const pods = await until(
      `the agent's pod on ${node}`,
      () => this.#api.list('/api/v1/namespaces/forewarm-node/pods'),
      (items) => items.some((pod) => pod.spec?.['nodeName'] === node),
    );
    const { name = '', uid = '' } = pods.find((pod) => pod.spec?.['nodeName'] === node)?.metadata ?? {};
    const folder = ['--cache-dir', this.folder(node), '--hub-endpoint', this.#hub.endpoint];
    return await this.product.startAgent({ name, uid, node }, [...folder, ...args]);
  }

  /** The artifact's hash and commit, once the controller has pinned them. */
  async pinned(): Promise<KubeObject> {
    return await until(
      'the artifact is pinned',
      () => this.#api.get(`${served}/namespaces/${this.namespace}/modelartifacts/chat`),
      (artifact) => artifact.status?.['commit'] !== undefined,
    );
  }

  async deploy(hash: string): Promise<void> {
    const pinned = { repository, commit: model.commit, hash };
    const collection = `/apis/apps/v1/namespaces/${this.namespace}/deployments`;
    await this.#api.create(collection, recipeDeployment(this.namespace, pinned));
  }

  /** Creates the autoscaler, or sets its bounds anew. */
  async autoscale(bounds: { readonly minReplicas: number; readonly maxReplicas: number }): Promise<void> {
    const warmth = { mode: 'Act', modelArtifactRef: { name: 'chat' }, floorCopies: 2 };
    const object = chatAutoscaler(this.namespace, { mode: 'Scale', warmth }, bounds);
    await this.product.apply(`${served}/namespaces/${this.namespace}/inferenceautoscalers`, object);
  }

  async autoscaler(): Promise<KubeObject> {
    return await this.#api.get(this.autoscalerPath);
  }

  async specReplicas(): Promise<number> {
    return Number((await this.#api.get(this.deploymentPath)).spec?.['replicas']);
  }

  async pods(): Promise<KubeObject[]> {
    return await this.#api.list(`/api/v1/namespaces/${this.namespace}/pods?labelSelector=app%3Dchat`);
  }

  async readyPods(): Promise<readonly KubeObject[]> {
    return (await this.pods()).filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
  }

  /** The node's NodeCache as its agent and the controller wrote it. */
  async cache(node: string): Promise<CacheView> {
    const { spec, status } = await this.#api.get(`${served}/nodecaches/${node}`);
    const [assigned] = (spec?.['artifacts'] ?? []) as { hash: string }[];
    const [artifact] = (status?.['artifacts'] ?? []) as { phase: string; message?: string; bytesDone: number }[];
    return {
      assigned: assigned?.hash,
      phase: artifact?.phase,
      message: artifact?.message ?? '',
      budgetBytes: status?.['budgetBytes'] as number | undefined,
    };
  }

  async hasWarmLabel(node: string, hash: string): Promise<boolean> {
    return (await this.#api.get(`/api/v1/nodes/${node}`)).metadata.labels?.[`warm.forewarm.dev/${hash}`] === 'true';
  }

  async stop(): Promise<void> {
    await this.load.stop();
    await this.product.uninstall();
    await this.#api.delete(this.autoscalerPath);
    await this.#api.delete(`${served}/namespaces/${this.namespace}/modelartifacts/chat`);
    await this.#api.delete(`${this.deploymentPath}?propagationPolicy=Background`);
    await this.standIn.stop();
    await this.#hub.close();
    for (const node of this.#nodes) await this.#api.delete(`/api/v1/nodes/${node}`);
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

export interface CacheView {
  readonly assigned: string | undefined;
  readonly phase: string | undefined;
  readonly message: string;
  /** Absent until the agent has reported. */
  readonly budgetBytes: number | undefined;
}
