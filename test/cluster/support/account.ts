import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import type { Answer, Api } from './api.ts';
import { clusterDir } from './bed.ts';

export interface BoundPod {
  readonly name: string;
  readonly uid: string;
}

/** The API server as a service account sees it, by a token of its own (bound to a pod as the kubelet's are, where one is given). */
export class Account {
  readonly #server: string;
  readonly #token: string;
  readonly #agent: Agent;

  private constructor(server: string, token: string) {
    this.#server = server;
    this.#token = token;
    const ca = readFileSync(join(clusterDir(), 'pki/ca.crt'), 'utf8');
    this.#agent = new Agent({ allowH2: false, connect: { ca } });
  }

  static async of(api: Api, namespace: string, name: string, pod?: BoundPod): Promise<Account> {
    const bound = pod === undefined ? {} : { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', ...pod } };
    const answer = await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600, ...bound },
    });
    return new Account(api.server, (answer.status as { token: string }).token);
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const response = await request(this.#server + path, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: { 'content-type': type, accept: 'application/json', authorization: `Bearer ${this.#token}` },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: response.statusCode, body: JSON.parse(await response.body.text()) as Answer['body'] };
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
