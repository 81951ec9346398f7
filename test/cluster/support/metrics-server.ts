import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A server on this machine that the API server can ask as the backend of an APIService. */
export abstract class MetricsServer {
  readonly #server: Server;

  constructor(clusterDir: string) {
    const pki = (name: string): Buffer => readFileSync(join(clusterDir, 'pki', name));
    const files = { key: pki('apiserver.key'), cert: pki('apiserver.crt') };
    this.#server = createServer(files, (request, response) => this.answer(request, response));
  }

  protected abstract answer(request: IncomingMessage, response: ServerResponse): void;

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
