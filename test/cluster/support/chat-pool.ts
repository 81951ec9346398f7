import type { EngineProfile } from '../../../src/core/model/profile.ts';
import type { Api, KubeObject } from './api.ts';
import { isReady, makeNamespace, makeNodes } from './bed.ts';
import { Emulator, type PageFault, smallEngine } from './emulator.ts';
import { Load } from './load.ts';
import { chatAutoscaler, chatDeployment, type PoolOptions, Product, served } from './product.ts';
import { NodeStandIn } from './stand-in.ts';
import { until } from './wait.ts';

export interface ChatPoolOptions extends Omit<PoolOptions, 'namespace'> {
  readonly namespace: string;
  /** Requests a second from the beginning. */
  readonly rate?: number;
  /** Installed already: several pools share one product, and who installed it takes it away. */
  readonly product?: Product;
  /** Addresses of the pool's two nodes: 127.1.N.0/24 and 127.1.N+1.0/24. */
  readonly network: number;
  /** Changes to the autoscaler's spec; its mode is Scale unless said here. */
  readonly autoscaler?: Readonly<Record<string, unknown>>;
  readonly maxReplicas?: number;
  /** GPUs of each of the two nodes. */
  readonly nodeGpus?: number;
  /** Tokens that each request asks for. */
  readonly outputTokens?: number;
  readonly engine?: EngineProfile;
}

/** A pool of engines in a namespace of its own, with clients and an autoscaler: what most closed loops start from. */
export class ChatPool {
  readonly namespace: string;
  readonly engines: Map<string, Emulator> = new Map();
  readonly #isGuest: boolean;
  readonly product: Product;
  readonly load: Load;
  readonly #api: Api;
  readonly #standIn: NodeStandIn;
  readonly #profile: EngineProfile;
  #fault: PageFault = 'None';

  private constructor(api: Api, product: Product, options: ChatPoolOptions) {
    this.#api = api;
    this.product = product;
    this.#isGuest = options.product !== undefined;
    this.#profile = options.engine ?? smallEngine;
    this.namespace = options.namespace;
    const pods = { namespace: options.namespace, selector: 'app=chat' };
    this.#standIn = new NodeStandIn(api, {
      ...pods,
      engineSeconds: 1,
      startEngine: (address) => this.#engine(address),
    });
    this.load = new Load(api, { ...pods, promptTokens: 40, outputTokens: options.outputTokens ?? 20 });
  }

  static async start(api: Api, options: ChatPoolOptions): Promise<ChatPool> {
    const { namespace: ns, network, nodeGpus: gpus = 8 } = options;
    await makeNodes(api, [
      { name: `${ns}-1`, podCidr: `127.1.${network}.0/24`, gpus },
      { name: `${ns}-2`, podCidr: `127.1.${network + 1}.0/24`, gpus },
    ]);
    await makeNamespace(api, ns);
    const pool = new ChatPool(api, options.product ?? (await Product.install(api)), options);
    pool.#standIn.start();
    pool.load.start();
    pool.load.rate = options.rate ?? 0;
    await api.create(`/apis/apps/v1/namespaces/${ns}/deployments`, chatDeployment(options));
    await until(
      'the first engines Ready',
      () => pool.readyPods(),
      (n) => n === options.replicas,
    );
    const spec = { mode: 'Scale', ...options.autoscaler };
    const target = { maxReplicas: options.maxReplicas ?? 6 };
    await pool.product.apply(`${served}/namespaces/${ns}/inferenceautoscalers`, chatAutoscaler(ns, spec, target));
    return pool;
  }

  get deploymentPath(): string {
    return `/apis/apps/v1/namespaces/${this.namespace}/deployments/chat`;
  }

  get autoscalerPath(): string {
    return `${served}/namespaces/${this.namespace}/inferenceautoscalers/chat`;
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

  async readyPods(): Promise<number> {
    return (await this.pods()).filter(isReady).length;
  }

  /** No longer answers, while the control plane still believes it Ready. */
  async killEngine(pod: KubeObject): Promise<void> {
    await this.engines.get(String(pod.status?.['podIP']))?.stop();
  }

  /** The metrics pages of all engines from now on, those that start later included. */
  set pages(fault: PageFault) {
    this.#fault = fault;
    for (const engine of this.engines.values()) engine.fault = fault;
  }

  /** The controller has looked, and said so in status. */
  async decided(): Promise<void> {
    await until(
      'the controller decides',
      () => this.autoscaler(),
      (object) => object.status?.['desiredReplicas'] !== undefined,
      {
        seconds: 60,
      },
    );
  }

  async stop(): Promise<void> {
    await this.load.stop();
    if (!this.#isGuest) await this.product.uninstall();
    await this.#api.delete(this.autoscalerPath);
    await this.#api.delete(`${this.deploymentPath}?propagationPolicy=Background`);
    await this.#standIn.stop();
    for (const number of [1, 2]) await this.#api.delete(`/api/v1/nodes/${this.namespace}-${number}`);
  }

  async #engine(address: string): Promise<Emulator> {
    const emulator = await Emulator.listen(address, this.#profile);
    emulator.fault = this.#fault;
    this.engines.set(address, emulator);
    return emulator;
  }
}
