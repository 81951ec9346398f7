import { createServer, type ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { KubeHttp } from '../../../src/adapters/kube/http.ts';
import { KubeNodeCache } from '../../../src/adapters/kube/node-cache.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import type { NodeCacheStatus } from '../../../src/ports/artifacts.ts';

const status: NodeCacheStatus = { budgetBytes: 10, usedBytes: 1, artifacts: [] };
const artifact = {
  hash: 'aaaaaaaaaaaa',
  name: 'a/b',
  source: 'hf://acme/tiny',
  commit: 'c'.repeat(40),
  files: ['*.json'],
};

test('a node cache is watched by its own name only, from its absence to its end', async () => {
  const { api, client, signal } = await open([]);
  const seen = client.watch(signal)[Symbol.asyncIterator]();
  expect((await seen.next()).value).toBeUndefined();
  await api.watching();
  api.send('ADDED', object({ artifacts: [artifact] }, 2));
  expect((await seen.next()).value).toStrictEqual({ node: 'node-1', artifacts: [artifact] });
  api.send('MODIFIED', object({ artifacts: [] }, 3));
  expect((await seen.next()).value).toStrictEqual({ node: 'node-1', artifacts: [] });
  api.send('DELETED', object({ artifacts: [] }, 4));
  expect((await seen.next()).value).toBeUndefined();
  expect(api.requests.every((request) => request.includes('fieldSelector=metadata.name%3Dnode-1'))).toBe(true);
});

test('a change of status alone is no new assignment', async () => {
  const { api, client, signal } = await open([object({ artifacts: [artifact] }, 1)]);
  const seen = client.watch(signal)[Symbol.asyncIterator]();
  await seen.next();
  const next = seen.next();
  await api.watching();
  api.send('MODIFIED', { ...object({ artifacts: [artifact] }, 2), status });
  api.send('MODIFIED', object({ artifacts: [] }, 3));
  expect((await next).value).toStrictEqual({ node: 'node-1', artifacts: [] });
});

test('an object that cannot be understood takes nothing away, and is told about', async () => {
  const { api, client, signal, problems } = await open([object({ artifacts: [artifact] }, 1)]);
  const seen = client.watch(signal)[Symbol.asyncIterator]();
  await seen.next();
  const next = seen.next();
  await api.watching();
  api.send('MODIFIED', object({ artifacts: [{ hash: 1 }] }, 2));
  expect((await next).value, 'as if it were not there: the agent keeps what it has').toBeUndefined();
  expect(problems).toStrictEqual(['`spec.artifacts[0]` must be hash, name, source, commit']);
});

test('the status is written to the subresource of that object, and only when it differs', async () => {
  const { api, client, signal } = await open([]);
  await client.report(status, signal);
  await client.report({ ...status }, signal);
  await client.report({ ...status, usedBytes: 2 }, signal);
  expect(api.patches.map(({ path, body }) => ({ path, usedBytes: body.status.usedBytes }))).toStrictEqual([
    { path: '/apis/forewarm.dev/v1alpha1/nodecaches/node-1/status', usedBytes: 1 },
    { path: '/apis/forewarm.dev/v1alpha1/nodecaches/node-1/status', usedBytes: 2 },
  ]);
  expect(api.patches[0]?.body.status).toMatchObject({ reportedTime: expect.stringMatching(/^\d{4}-.*T[\d:]+Z$/) });
});

test('a status for which there is no object yet is written as soon as there is one', async () => {
  const { api, client, signal } = await open([]);
  const seen = client.watch(signal)[Symbol.asyncIterator]();
  await seen.next();
  api.answerPatches(404);
  await client.report(status, signal);
  api.answerPatches(200);
  const next = seen.next();
  await api.watching();
  api.send('ADDED', object({ artifacts: [] }, 2));
  await next;
  expect(api.patches.map(({ body }) => body.status.budgetBytes)).toStrictEqual([10, 10]);
});

test('an object that was deleted and made anew gets the status again', async () => {
  const { api, client, signal } = await open([object({ artifacts: [] }, 1)]);
  const seen = client.watch(signal)[Symbol.asyncIterator]();
  await seen.next();
  await client.report(status, signal);
  await api.watching();
  api.send('DELETED', object({ artifacts: [] }, 2));
  await seen.next();
  api.send('ADDED', object({ artifacts: [] }, 3, 'another-uid'));
  await seen.next();
  expect(api.patches).toHaveLength(2);
});

test('a status that is refused says so', async () => {
  const { api, client, signal } = await open([]);
  api.answerPatches(403);
  await expect(client.report(status, signal)).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' });
});

function object(spec: object, version: number, uid = 'u'): object {
  const metadata = { name: 'node-1', uid, resourceVersion: String(version) };
  return { apiVersion: 'forewarm.dev/v1alpha1', kind: 'NodeCache', metadata, spec: { node: 'node-1', ...spec } };
}

interface Patch {
  readonly path: string;
  readonly body: { readonly status: NodeCacheStatus };
}

interface Opened {
  readonly api: FakeApi;
  readonly client: KubeNodeCache;
  readonly signal: AbortSignal;
  readonly problems: readonly string[];
}

async function open(items: readonly object[]): Promise<Opened> {
  const api = new FakeApi(items);
  const server = await api.listen();
  const stop = new AbortController();
  const clock = systemClock();
  const connection = { server, namespace: 'default', credentials: () => Promise.resolve({ tls: {}, headers: {} }) };
  const http = new KubeHttp({ connection, clock, random: () => 0.5, userAgent: 'test' });
  const problems: string[] = [];
  const onProblem = (err: unknown): void => void problems.push(err instanceof Error ? err.message : String(err));
  onTestFinished(async () => {
    stop.abort(new Error('the test ends'));
    await http.close();
    api.close();
  });
  const client = new KubeNodeCache({ http, clock, random: () => 0.5, node: 'node-1', onProblem });
  return { api, client, signal: stop.signal, problems };
}

/** One collection, its watch and the patches to it. */
class FakeApi {
  readonly requests: string[] = [];
  readonly patches: Patch[] = [];
  readonly #items: readonly object[];
  readonly #watch = Promise.withResolvers<ServerResponse>();
  readonly #server = createServer((req, res) => {
    const url = req.url ?? '';
    if (req.method === 'PATCH') {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        this.patches.push({ path: url, body: JSON.parse(Buffer.concat(chunks).toString()) });
        res.writeHead(this.#patchStatus, { 'content-type': 'application/json' });
        res.end(JSON.stringify({ kind: 'Status', reason: 'x', message: 'y' }));
      });
      return;
    }
    this.requests.push(url);
    res.writeHead(200, { 'content-type': 'application/json' });
    if (url.includes('watch=true')) {
      res.flushHeaders();
      this.#watch.resolve(res);
    } else res.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: this.#items }));
  });
  #patchStatus = 200;

  constructor(items: readonly object[]) {
    this.#items = items;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  }

  answerPatches(status: number): void {
    this.#patchStatus = status;
  }

  async watching(): Promise<void> {
    this.#stream = await this.#watch.promise;
  }

  send(type: string, sent: object): void {
    this.#stream?.write(`${JSON.stringify({ type, object: sent })}\n`);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #stream: ServerResponse | undefined;
}
