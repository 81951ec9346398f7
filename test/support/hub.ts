import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, sep } from 'node:path';
import type { ResolvedFile } from '../../src/ports/artifacts.ts';

/** One file of a repository: `isLarge` files are LFS objects (sha256, served by the content host behind a redirect). */
export interface HubContent {
  readonly path: string;
  readonly body: Buffer;
  readonly isLarge: boolean;
}

export interface HubRepository {
  readonly id: string;
  readonly commit: string;
  readonly revisions: readonly string[];
  readonly files: readonly HubContent[];
}

export interface HubRequest {
  readonly server: 'api' | 'content';
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** What a server does instead of serving a file well. */
export type Fault =
  | { readonly kind: 'page'; readonly body: string }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'cut'; readonly afterBytes: number }
  | { readonly kind: 'flip'; readonly atByte: number }
  | { readonly kind: 'ignore-range' }
  | { readonly kind: 'redirect'; readonly to: string };

export interface HubOptions {
  readonly repositories: readonly HubRepository[];
  /** Requests without this bearer token are refused with 401. */
  readonly token?: string;
  /** Called for every request for a file's content. */
  readonly fault?: (request: HubRequest, count: number) => Fault | undefined;
  readonly bytesPerSecond?: number;
  /** Entries a page of the listing. */
  readonly pageSize?: number;
  /** Replaces the listing's entries: what a broken or hostile hub would list. */
  readonly listing?: (entries: readonly object[]) => readonly object[];
}

export interface TestHub {
  readonly endpoint: string;
  readonly requests: readonly HubRequest[];
  /** Requests for file contents, without redirects. */
  contents(): readonly HubRequest[];
  close(): Promise<void>;
}

/** Deterministic bytes that do not compress or repeat. */
export function bytesOf(seed: string, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0, bytes = 0; bytes < length; index += 1, bytes += 64) {
    parts.push(createHash('sha512').update(`${seed} ${index}`).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}

export function small(path: string, text: string): HubContent {
  return { path, body: Buffer.from(text), isLarge: false };
}

export function large(path: string, length: number, seed: string = path): HubContent {
  return { path, body: bytesOf(seed, length), isLarge: true };
}

/** A tiny model: config, tokenizer in a folder, two shards. */
export function tinyModel(id = 'acme/tiny', shardBytes = 300_000): HubRepository {
  const files = [
    small('config.json', '{"model_type":"llama"}\n'),
    small('tokenizer/vocab.txt', 'a\nb\n'),
    large('model-00001-of-00002.safetensors', shardBytes, `${id} 1`),
    large('model-00002-of-00002.safetensors', shardBytes + 7, `${id} 2`),
  ];
  return { id, commit: createHash('sha1').update(id).digest('hex'), revisions: ['main'], files };
}

/** A model that lies in a folder, as a repository; weights are large files. */
export function folderModel(id: string, folder: string): HubRepository {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
  const files = names.sort().map((name) => {
    const body = readFileSync(join(folder, name));
    return { path: name.split(sep).join('/'), body, isLarge: body.length > 1_000_000 || name.endsWith('.safetensors') };
  });
  return { id, commit: createHash('sha1').update(id).digest('hex'), revisions: ['main'], files };
}

export function gitSha1(body: Buffer): string {
  return createHash('sha1').update(`blob ${body.length}\0`).update(body).digest('hex');
}

export function digestOf({ body, isLarge }: HubContent): ResolvedFile['digest'] {
  if (!isLarge) return { kind: 'git-sha1', hex: gitSha1(body) };
  return { kind: 'sha256', hex: createHash('sha256').update(body).digest('hex') };
}

/** A small hub that speaks the Hugging Face API over real sockets: one server for API and small files, another origin for large ones. */
export async function startHub(options: HubOptions): Promise<TestHub> {
  const requests: HubRequest[] = [];
  const counts = new Map<string, number>();
  const serve =
    (server: HubRequest['server'], handle: Handler) => async (req: IncomingMessage, res: ServerResponse) => {
      const request = requestOf(server, req);
      requests.push(request);
      const count = (counts.get(`${server} ${request.path}`) ?? 0) + 1;
      counts.set(`${server} ${request.path}`, count);
      await handle({ request, count, req, res });
    };
  const content = await listen(serve('content', (call) => serveContent(options, call)));
  const api = await listen(serve('api', (call) => serveApi(options, addressOf(content.server), call)));
  return {
    endpoint: addressOf(api.server),
    requests,
    contents: () => requests.filter((request) => isContent(request)),
    close: async () => {
      await Promise.all([api.close(), content.close()]);
    },
  };
}

interface Call {
  readonly request: HubRequest;
  readonly count: number;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}
type Handler = (call: Call) => Promise<void>;

function isContent({ server, path }: HubRequest): boolean {
  return server === 'content' || path.includes('/resolve/');
}

function requestOf(server: HubRequest['server'], req: IncomingMessage): HubRequest {
  const url = new URL(req.url ?? '/', 'http://hub');
  return {
    server,
    path: decodeURIComponent(url.pathname),
    range: req.headers.range,
    authorization: req.headers.authorization,
  };
}

async function serveApi(options: HubOptions, contentAddress: string, call: Call): Promise<void> {
  const { request, res } = call;
  if (options.token !== undefined && request.authorization !== `Bearer ${options.token}`) {
    return answer(res, 401, { 'x-error-code': 'GatedRepo' }, 'no access');
  }
  const listed = /^\/api\/models\/(.+)\/(revision|tree)\/([^/]+)$/.exec(request.path);
  if (listed !== null)
    return list(options, call, { id: listed[1] ?? '', verb: listed[2] ?? '', name: listed[3] ?? '' });
  const found = findFile(options, request.path);
  if (found === undefined) return answer(res, 404, { 'x-error-code': 'EntryNotFound' }, 'not found');
  if (!found.file.isLarge) return await serveFile(options, call, found.file);
  const { hex } = digestOf(found.file);
  const headers = {
    location: `${contentAddress}/${hex}`,
    'x-linked-etag': `"${hex}"`,
    'x-linked-size': String(found.file.body.length),
  };
  return answer(res, 302, headers, '');
}

function list(
  options: HubOptions,
  { req, res }: Call,
  { id, verb, name }: { readonly id: string; readonly verb: string; readonly name: string },
): void {
  const repository = options.repositories.find(
    (one) => one.id === id && (one.commit === name || one.revisions.includes(name)),
  );
  if (repository === undefined) return answer(res, 404, { 'x-error-code': 'RevisionNotFound' }, 'not found');
  if (verb === 'revision') return json(res, { id, sha: repository.commit });
  const all = options.listing?.(repository.files.map(entryOf)) ?? repository.files.map(entryOf);
  const url = new URL(req.url ?? '/', 'http://hub');
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const size = options.pageSize ?? 1000;
  url.searchParams.set('cursor', String(from + size));
  const next = from + size < all.length ? { link: `<${url.pathname}${url.search}>; rel="next"` } : {};
  return json(res, all.slice(from, from + size), next);
}

function entryOf(file: HubContent): object {
  const size = file.body.length;
  if (!file.isLarge) return { type: 'file', path: file.path, size, oid: gitSha1(file.body) };
  const { hex } = digestOf(file);
  const pointer = Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${hex}\nsize ${size}\n`);
  return {
    type: 'file',
    path: file.path,
    size,
    oid: gitSha1(pointer),
    lfs: { oid: hex, size, pointerSize: pointer.length },
  };
}

function findFile(options: HubOptions, path: string): { readonly file: HubContent } | undefined {
  for (const repository of options.repositories) {
    const prefix = `/${repository.id}/resolve/${repository.commit}/`;
    const file = path.startsWith(prefix)
      ? repository.files.find((one) => one.path === path.slice(prefix.length))
      : undefined;
    if (file !== undefined) return { file };
  }
  return undefined;
}

async function serveContent(options: HubOptions, call: Call): Promise<void> {
  const hex = call.request.path.slice(1);
  const files = options.repositories.flatMap((repository) => repository.files);
  const file = files.find((one) => one.isLarge && digestOf(one).hex === hex);
  if (file === undefined) return answer(call.res, 404, {}, 'not found');
  return await serveFile(options, call, file);
}

async function serveFile(options: HubOptions, call: Call, file: HubContent): Promise<void> {
  const { request, count, res } = call;
  const fault = options.fault?.(request, count);
  switch (fault?.kind) {
    case 'page':
      return answer(res, 200, { 'content-type': 'text/html; charset=utf-8' }, fault.body);
    case 'status':
      return answer(res, fault.status, fault.headers ?? {}, '');
    case 'redirect':
      return answer(res, 302, { location: fault.to }, '');
    case 'cut':
      await pour(res, headed(call, file).subarray(0, fault.afterBytes), options.bytesPerSecond);
      call.req.socket.end(); // what was written still arrives
      return;
    case 'flip':
      return await send(options, call, { ...file, flippedAt: fault.atByte });
    case 'ignore-range':
      delete call.req.headers.range;
      return await send(options, call, file);
    case undefined:
      return await send(options, call, file);
  }
}

async function send(options: HubOptions, call: Call, file: Served): Promise<void> {
  await pour(call.res, headed(call, file), options.bytesPerSecond);
  call.res.end();
}

type Served = HubContent & { readonly flippedAt?: number };

/** Writes the head of the answer; gives the bytes that it announces. */
function headed({ req, res }: Call, file: Served): Buffer {
  const etag = `"${digestOf(file).hex}"`;
  const range = rangeOf(req, etag);
  const first = range?.first ?? 0;
  const last = Math.min(range?.last ?? Infinity, file.body.length - 1);
  const whole = Buffer.from(file.body);
  if (file.flippedAt !== undefined) whole[file.flippedAt] = (whole[file.flippedAt] ?? 0) ^ 0xff;
  const body = whole.subarray(first, last + 1);
  const headers = { etag, 'content-length': String(body.length), 'content-type': 'application/octet-stream' };
  if (range === undefined) res.writeHead(200, headers);
  else res.writeHead(206, { ...headers, 'content-range': `bytes ${first}-${last}/${file.body.length}` });
  return body;
}

function rangeOf(req: IncomingMessage, etag: string): { readonly first: number; readonly last: number } | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
  const condition = req.headers['if-range'];
  if (match === null || (condition !== undefined && condition !== etag)) return undefined;
  return { first: Number(match[1]), last: match[2] === '' ? Infinity : Number(match[2]) };
}

/** Writes in small pieces, at the given rate, and stops when the reader is gone. */
async function pour(res: ServerResponse, body: Buffer, bytesPerSecond?: number): Promise<void> {
  const piece = bytesPerSecond === undefined ? 65_536 : Math.max(1, Math.floor(bytesPerSecond / 100));
  for (let at = 0; at < body.length && !res.destroyed; at += piece) {
    const isTaken = res.write(body.subarray(at, at + piece));
    if (bytesPerSecond !== undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    else if (!isTaken) await drained(res);
  }
}

async function drained(res: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = (): void => {
      res.off('drain', go).off('close', go);
      resolve();
    };
    res.on('drain', go).on('close', go);
  });
}

function json(res: ServerResponse, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
  answer(res, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}

function answer(res: ServerResponse, status: number, headers: Readonly<Record<string, string>>, body: string): void {
  res.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...headers });
  res.end(body);
}

interface Listening {
  readonly server: Server;
  close(): Promise<void>;
}

async function listen(handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>): Promise<Listening> {
  const server = createServer((req, res) => {
    handle(req, res).catch((err: unknown) => res.destroy(err instanceof Error ? err : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function addressOf(server: Server): string {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server listens on no port');
  return `http://127.0.0.1:${address.port}`;
}
