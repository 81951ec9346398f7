import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const groupVersion = 'external.metrics.k8s.io/v1beta1';

/** A metrics server that knows nothing and answers one number, always: what ours must not be. */
export class ConstantMetric {
  readonly #server: Server;
  value: number;

  private constructor(clusterDir: string, value: number) {
    const pki = (name: string): Buffer => readFileSync(join(clusterDir, 'pki', name));
    const files = { key: pki('apiserver.key'), cert: pki('apiserver.crt') };
    this.value = value;
    this.#server = createServer(files, (request, response) => this.#answer(request, response));
  }

  static async listen(clusterDir: string, value: number): Promise<ConstantMetric> {
    const made = new ConstantMetric(clusterDir, value);
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const isMetric = url.includes('/namespaces/');
    const item = { metricName: 'forewarm_desired_replicas', metricLabels: {}, value: String(this.value) };
    const items = [{ ...item, timestamp: new Date().toISOString() }];
    const values = { kind: 'ExternalMetricValueList', apiVersion: groupVersion, metadata: {}, items };
    const names = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(isMetric ? values : names));
  }
}
