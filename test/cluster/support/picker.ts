import { createServer, type Server } from 'node:http';
import type { Api } from './api.ts';
import { type Engine, NodeStandIn } from './stand-in.ts';

/** What an endpoint picker with flow control says of the requests before it. */
export interface PickerPage {
  readonly queued: number;
  readonly requests: number;
}

/** A Deployment of one endpoint picker in its namespace, whose metrics page is made of what the test says. */
export class Picker {
  readonly #api: Api;
  readonly #namespace: string;
  readonly #standIn: NodeStandIn;
  readonly #servers = new Set<Server>();

  private constructor(api: Api, namespace: string, page: () => PickerPage) {
    this.#api = api;
    this.#namespace = namespace;
    const startEngine = async (address: string): Promise<Engine> => await this.#listen(address, page);
    this.#standIn = new NodeStandIn(api, { namespace, selector: 'app=epp', engineSeconds: 0, startEngine });
  }

  static async start(api: Api, namespace: string, page: () => PickerPage): Promise<Picker> {
    const picker = new Picker(api, namespace, page);
    picker.#standIn.start();
    await api.create(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'epp', namespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'epp' } },
        template: {
          metadata: { labels: { app: 'epp' }, annotations: { 'forewarm.test/hold': 'ready' } },
          spec: { containers: [{ name: 'epp', image: 'example.invalid/epp:0.10' }] },
        },
      },
    });
    return picker;
  }

  /** Its page is gone, its pod is not. */
  async die(): Promise<void> {
    await Promise.all([...this.#servers].map(close));
  }

  async stop(): Promise<void> {
    await this.#standIn.stop();
    await this.#api.delete(`/apis/apps/v1/namespaces/${this.#namespace}/deployments/epp?propagationPolicy=Background`);
  }

  async #listen(address: string, page: () => PickerPage): Promise<Engine> {
    const server = createServer((_, response) => {
      const { queued, requests } = page();
      response
        .setHeader('content-type', 'text/plain; version=0.0.4')
        .end(
          [
            'llm_d_epp_flow_control_pool_saturation{inference_pool="chat",stage="effective"} 1',
            `llm_d_epp_flow_control_queue_size{fairness_id="default",priority="0",inference_pool="chat",model_name="m",target_model_name="m"} ${queued}`,
            `llm_d_epp_request_total{model_name="m",target_model_name="m",fairness_id="default",priority="0"} ${requests}`,
            '',
          ].join('\n'),
        );
    });
    await new Promise<void>((resolve) => void server.listen({ host: address, port: 9090 }, resolve));
    this.#servers.add(server);
    return { stop: async () => await close(server) };
  }
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}
