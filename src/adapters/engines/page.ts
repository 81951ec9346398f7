import type { Dispatcher } from 'undici';
import { request } from 'undici';
import type { ReadFailure, ReplicaAddress } from '../../ports/replica-reader.ts';
import { explainError } from '../../errors.ts';
import { maxPageBytes } from './exposition.ts';

/** A metrics page, or why there is none. */
export type Page =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly failure: ReadFailure; readonly problem: string };

export interface PageRequest {
  readonly replica: ReplicaAddress;
  readonly dispatcher: Dispatcher;
  readonly deadlineMilliseconds: number;
  readonly signal: AbortSignal;
}

/** Fetches one page within its deadline. Rejects only with the caller's own signal. */
export async function fetchPage({ replica, dispatcher, deadlineMilliseconds, signal }: PageRequest): Promise<Page> {
  const url = pageUrl(replica);
  if (url === undefined) return failed('Connection', `reading metrics from ${where(replica)}: this is no address`);
  const deadline = AbortSignal.timeout(deadlineMilliseconds);
  try {
    const page = await get(url, { replica, dispatcher, signal: AbortSignal.any([signal, deadline]) });
    return page.ok ? page : failed(page.failure, `reading metrics from ${url.href}: ${page.problem}`);
  } catch (err) {
    signal.throwIfAborted();
    if (deadline.aborted) {
      return failed('Timeout', `reading metrics from ${url.href}: no complete answer in ${deadlineMilliseconds} ms`);
    }
    return failed('Connection', `reading metrics from ${url.href}: ${explainError(err)}`);
  }
}

function failed(failure: ReadFailure, problem: string): Page {
  return { ok: false, failure, problem };
}

function where({ scheme, address, port, path }: ReplicaAddress): string {
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}${path}`;
}

/** A path from an object must not become another host. */
function pageUrl(replica: ReplicaAddress): URL | undefined {
  if (!replica.path.startsWith('/') || !URL.canParse(where(replica))) return undefined;
  const origin = where({ ...replica, path: '/' });
  const url = new URL(where(replica));
  return url.origin === new URL(origin).origin ? url : undefined;
}

async function get(url: URL, options: Pick<PageRequest, 'replica' | 'dispatcher' | 'signal'>): Promise<Page> {
  const { token } = options.replica;
  const answer = await request(url, {
    dispatcher: options.dispatcher,
    signal: options.signal,
    headers: {
      accept: 'text/plain;version=0.0.4, text/plain;version=1.0.0;q=0.9, */*;q=0.1',
      'accept-encoding': 'identity',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  const refusal = refusalOf(answer);
  if (refusal === undefined) return readBody(answer.body);
  answer.body.destroy();
  answer.body.on('error', ignoreOwnAbort);
  return refusal;
}

/** Destroying a body that is not wanted makes it report our own abort once more. */
function ignoreOwnAbort(): void {}

function refusalOf({ statusCode, headers }: Dispatcher.ResponseData): Page | undefined {
  const type = String(headers['content-type'] ?? '');
  const encoding = String(headers['content-encoding'] ?? 'identity');
  if (statusCode >= 300 && statusCode < 400) {
    return failed(
      'Redirect',
      `HTTP ${statusCode} to ${String(headers['location'] ?? 'nowhere')}, which is not followed`,
    );
  }
  if (statusCode !== 200) return failed('Status', `HTTP ${statusCode}`);
  if (/html|json|xml|protobuf/i.test(type))
    return failed('NotMetrics', `HTTP 200 with ${type}, which is no metrics page`);
  if (encoding !== 'identity') return failed('NotMetrics', `content-encoding must be identity, was ${encoding}`);
  if (Number(headers['content-length'] ?? 0) > maxPageBytes) return tooLarge();
  return undefined;
}

async function readBody(body: AsyncIterable<Uint8Array>): Promise<Page> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxPageBytes) return tooLarge();
    chunks.push(chunk);
  }
  return { ok: true, body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) };
}

function tooLarge(): Page {
  return failed('TooLarge', `a metrics page must have at most ${maxPageBytes} bytes`);
}
