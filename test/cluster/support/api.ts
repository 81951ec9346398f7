import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: unknown[];
    deletionTimestamp?: string;
    creationTimestamp?: string;
    generation?: number;
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [field: string]: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: KubeObject & { items?: KubeObject[]; message?: string; reason?: string };
}

/** The API server as a person with all rights sees it: plain requests, no cache. */
export class Api {
  readonly server: string;
  readonly #agent: Agent;

  constructor(clusterDir: string) {
    const kubeconfig = readFileSync(join(clusterDir, 'kubeconfig'), 'utf8');
    const server = /server: "([^"]+)"/.exec(kubeconfig)?.[1];
    if (server === undefined) throw new Error(`no server in ${clusterDir}/kubeconfig`);
    this.server = server;
    const pki = (name: string): string => readFileSync(join(clusterDir, 'pki', name), 'utf8');
    this.#agent = new Agent({
      allowH2: false,
      connect: { ca: pki('ca.crt'), cert: pki('admin.crt'), key: pki('admin.key') },
    });
  }

  async call(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<Answer> {
    const response = await request(this.server + path, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: { 'content-type': contentType, accept: 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: 20_000,
      bodyTimeout: 20_000,
    });
    const text = await response.body.text();
    return { status: response.statusCode, body: parse(text) };
  }

  /** The object, or undefined when it is not there. */
  async find(path: string): Promise<KubeObject | undefined> {
    const { status, body } = await this.call('GET', path);
    if (status === 404) return undefined;
    return expectOk('GET', path, status, body);
  }

  async get(path: string): Promise<KubeObject> {
    const { status, body } = await this.call('GET', path);
    return expectOk('GET', path, status, body);
  }

  async list(path: string): Promise<KubeObject[]> {
    const { status, body } = await this.call('GET', path);
    return expectOk('GET', path, status, body).items ?? [];
  }

  async create(path: string, object: unknown): Promise<KubeObject> {
    const { status, body } = await this.call('POST', path, object);
    return expectOk('POST', path, status, body);
  }

  async patch(path: string, change: unknown): Promise<KubeObject> {
    const { status, body } = await this.call('PATCH', path, change, 'application/merge-patch+json');
    return expectOk('PATCH', path, status, body);
  }

  async delete(path: string): Promise<void> {
    const { status, body } = await this.call('DELETE', path);
    if (status !== 404) expectOk('DELETE', path, status, body);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function parse(text: string): Answer['body'] {
  try {
    return JSON.parse(text) as Answer['body'];
  } catch {
    return { metadata: { name: '' }, message: text };
  }
}

function expectOk(method: string, path: string, status: number, body: Answer['body']): Answer['body'] {
  if (status < 200 || status > 299) throw new Error(`${method} ${path} answered ${status}: ${body.message ?? ''}`);
  return body;
}
