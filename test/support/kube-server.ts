import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { KubeConnection } from '../../src/adapters/kube/connection.ts';
import { KubeHttp } from '../../src/adapters/kube/http.ts';
import type { Clock } from '../../src/ports/index.ts';

export type KubeJson = Record<string, unknown>;

export interface KubeRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** What is done instead of the server's own answer; undefined: nothing, answer as usual. */
export type Interference = (request: KubeRequest, response: ServerResponse) => boolean | undefined;

interface Stored extends KubeJson {
  readonly metadata: KubeJson & { readonly name: string; readonly resourceVersion: string };
}
interface Event {
  readonly version: number;
  readonly collection: string;
  readonly line: string;
}

/** A small API server over HTTP, in memory: versions, conflicts, paged lists, watches with bookmarks, patches. It knows no schema. */
export class KubeServer {
  readonly requests: KubeRequest[] = [];
  interfere: Interference = () => undefined;
  token = '';
  readonly #objects = new Map<string, Stored>();
  readonly #events: Event[] = [];
  readonly #watches = new Set<{ readonly collection: string; readonly response: ServerResponse }>();
  readonly #server: Server;
  #version = 100;
  #opened: (() => void)[] = [];

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async listen(): Promise<KubeServer> {
    const server = new KubeServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => server.close());
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  connection(): KubeConnection {
    const credentials = { tls: {}, headers: {} };
    return { server: this.origin, namespace: 'default', credentials: () => Promise.resolve(credentials) };
  }

  http(clock: Clock): KubeHttp {
    const http = new KubeHttp({ connection: this.connection(), clock, random: () => 0.5, userAgent: 'test' });
    onTestFinished(() => http.close());
    return http;
  }

  /** Puts an object there as somebody else would. `path` is its own path. */
  put(path: string, object: KubeJson): Stored {
    const before = this.#objects.get(path);
    const stored = this.#stamp(path, object, before);
    this.#objects.set(path, stored);
    this.#tell(before === undefined ? 'ADDED' : 'MODIFIED', path, stored);
    return stored;
  }

  remove(path: string): void {
    const before = this.#objects.get(path);
    if (before === undefined) return;
    this.#objects.delete(path);
    this.#version += 1;
    this.#tell('DELETED', path, {
      ...before,
      metadata: { ...before.metadata, resourceVersion: String(this.#version) },
    });
  }

  get(path: string): Stored | undefined {
    return this.#objects.get(path);
  }

  /** Requests of a method that changes something. */
  writes(): readonly string[] {
    return this.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
  }

  /** Until a watch of the collection is open. */
  async watching(collection: string): Promise<void> {
    while (![...this.#watches].some((one) => one.collection === collection)) {
      await new Promise<void>((resolve) => this.#opened.push(resolve));
    }
  }

  /** Sends one line on every open watch of the collection. */
  say(collection: string, line: string): void {
    for (const one of this.#watches) if (one.collection === collection) one.response.write(`${line}\n`);
  }

  endWatches(how: 'end' | 'destroy' = 'end'): void {
    for (const { response } of this.#watches) response[how]();
    this.#watches.clear();
  }

  async close(): Promise<void> {
    this.endWatches('destroy');
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(raw.url ?? '/', 'http://server');
    const chunks: Buffer[] = [];
    for await (const chunk of raw) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const { method = 'GET', headers } = raw;
    const request: KubeRequest = { method, path: url.pathname, query: url.searchParams, headers, body };
    this.requests.push(request);
    if (this.interfere(request, response) === true) return;
    this.#answer(request, response);
  }

  #answer(request: KubeRequest, response: ServerResponse): void {
    if (request.method === 'GET' && request.query.get('watch') === 'true') return this.#watch(request, response);
    if (request.method === 'GET') return this.#read(request, response);
    if (request.method === 'POST') return this.#create(request, response);
    this.#change(request, response);
  }

  #read({ path, query }: KubeRequest, response: ServerResponse): void {
    const one = this.#objects.get(path) ?? this.#objects.get(path.replace(/\/scale$/, ''));
    if (one !== undefined) return reply(response, 200, path.endsWith('/scale') ? scaleOf(one) : one);
    if (/\/leases\/[^/]+$|\/scale$|\/nodecaches\/[^/]+$/.test(path)) return refuse(response, 404, 'NotFound');
    const all = [...this.#objects].filter(([key]) => isIn(path, key)).map(([, object]) => object);
    const limit = Number(query.get('limit') ?? 500);
    const from = Number(query.get('continue') ?? 0);
    const more = from + limit < all.length ? { continue: String(from + limit) } : {};
    reply(response, 200, {
      metadata: { resourceVersion: String(this.#version), ...more },
      items: all.slice(from, from + limit),
    });
  }

  #watch({ path, query }: KubeRequest, response: ServerResponse): void {
    const since = Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const event of this.#events)
      if (event.collection === path && event.version > since) response.write(event.line);
    this.#watches.add({ collection: path, response });
    for (const opened of this.#opened.splice(0)) opened();
  }

  #create({ path, body }: KubeRequest, response: ServerResponse): void {
    const object = body as KubeJson;
    const key = `${path}/${(object['metadata'] as Stored['metadata']).name}`;
    if (this.#objects.has(key)) return refuse(response, 409, 'AlreadyExists');
    reply(response, 201, this.put(key, object));
  }

  #change({ method, path, body, headers }: KubeRequest, response: ServerResponse): void {
    const key = path.replace(/\/(scale|status)$/, '');
    const before = this.#objects.get(key);
    if (before === undefined) return refuse(response, 404, 'NotFound');
    const wanted = ((body as KubeJson)['metadata'] as KubeJson | undefined)?.['resourceVersion'];
    if (wanted !== undefined && wanted !== before.metadata.resourceVersion) return refuse(response, 409, 'Conflict');
    const isJsonPatch = headers['content-type'] === 'application/json-patch+json';
    const next =
      method === 'PUT' ? (body as KubeJson) : isJsonPatch ? patched(before, body) : (merged(before, body) as KubeJson);
    reply(response, 200, this.put(key, next));
  }

  #stamp(path: string, object: KubeJson, before: Stored | undefined): Stored {
    this.#version += 1;
    const given = (object['metadata'] ?? {}) as KubeJson;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const namespace = /\/namespaces\/([^/]+)\//.exec(path)?.[1];
    const metadata = {
      uid: before?.metadata['uid'] ?? `uid-${this.#version}`,
      creationTimestamp: '2027-01-15T08:00:00Z',
      ...(namespace === undefined ? {} : { namespace }),
      ...given,
      name,
      resourceVersion: String(this.#version),
    };
    return { ...object, metadata };
  }

  #tell(type: string, path: string, object: Stored): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    const collections = new Set([
      path.slice(0, path.lastIndexOf('/')),
      path.slice(0, path.lastIndexOf('/')).replace(/\/namespaces\/[^/]+/, ''),
    ]);
    for (const collection of collections) {
      this.#events.push({ version: this.#version, collection, line });
      for (const one of this.#watches) if (one.collection === collection) one.response.write(line);
    }
  }
}

export function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function refuse(
  response: ServerResponse,
  status: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  reply(
    response,
    status,
    { kind: 'Status', status: 'Failure', reason, message: `${reason} on purpose`, code: status },
    headers,
  );
}

function isIn(collection: string, key: string): boolean {
  const parent = key.slice(0, key.lastIndexOf('/'));
  return parent === collection || parent.replace(/\/namespaces\/[^/]+/, '') === collection;
}

function scaleOf(object: Stored): KubeJson {
  const spec = object['spec'] as KubeJson;
  const status = (object['status'] ?? {}) as KubeJson;
  const { replicas } = spec;
  // As the API server: zero is left out.
  return {
    kind: 'Scale',
    metadata: object.metadata,
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: status['replicas'] ?? 0, selector: 'app=chat' },
  };
}

function merged(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const out: KubeJson = typeof before === 'object' && before !== null && !Array.isArray(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = merged(out[key], value);
  }
  return out;
}

function patched(before: Stored, patch: unknown): KubeJson {
  const out: KubeJson = { ...before };
  for (const { op, path, value } of patch as { op: string; path: string; value: unknown }[])
    if (op === 'add') out[path.slice(1)] = value;
  return out;
}
