import type { ResolvedFile } from '../../ports/artifacts.ts';
import { TransferError } from '../failure.ts';
import { type Answer, dispose, type Headers, type Http } from './http.ts';
import { refusal } from './refusal.ts';

/** The bytes of a file from `offset` to its end (or to the end of one segment). */
export interface OpenedFile {
  readonly offset: number;
  /** How many bytes will come. */
  readonly bytes: number;
  readonly etag: string | undefined;
  readonly host: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ends the transfer early. */
  close(): void;
}

export interface ContentRequest {
  readonly url: URL;
  readonly file: ResolvedFile;
  readonly offset: number;
  readonly etag?: string | undefined;
}

/** One answer never carries more: a signed address stays valid for its length, and hubs refuse the largest files in one piece. */
const segmentBytes = 1024 ** 3;

export async function openFile(http: Http, wanted: ContentRequest, signal: AbortSignal): Promise<OpenedFile> {
  const answer = await http.get(wanted.url, rangeHeaders(wanted), signal);
  const isRestart = answer.status === 416 || answer.status === 412;
  if (isRestart && wanted.offset > 0) {
    await dispose(answer);
    return await openFile(http, { ...wanted, offset: 0, etag: undefined }, signal);
  }
  if (answer.status !== 200 && answer.status !== 206)
    throw await refusal(answer, answer.url.origin !== wanted.url.origin);
  const problem = contentProblem(answer, wanted);
  if (problem !== undefined) {
    answer.body.destroy();
    throw new TransferError('UNEXPECTED_CONTENT', problem);
  }
  return opened(answer, wanted, signal);
}

function rangeHeaders({ file, offset, etag }: ContentRequest): Headers {
  if (offset === 0 && file.bytes <= segmentBytes) return {};
  const last = Math.min(offset + segmentBytes, file.bytes) - 1;
  const isStrong = etag !== undefined && !etag.startsWith('W/');
  return { range: `bytes=${offset}-${last}`, ...(offset > 0 && isStrong ? { 'if-range': etag } : {}) };
}

interface Extent {
  readonly offset: number;
  readonly bytes: number;
}

/** Which bytes the answer says it carries; undefined when that is not what a file of this size can be. */
function extentOf(answer: Answer, wanted: ContentRequest): Extent | undefined {
  const extent = answer.status === 200 ? { offset: 0, bytes: wanted.file.bytes } : rangeOf(answer, wanted);
  const length = answer.header('content-length');
  return length === undefined || Number(length) === extent?.bytes ? extent : undefined;
}

function rangeOf(answer: Answer, { file, offset }: ContentRequest): Extent | undefined {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.header('content-range') ?? '');
  if (range === null) return undefined;
  const [first, last, total] = [Number(range[1]), Number(range[2]), range[3] === '*' ? file.bytes : Number(range[3])];
  const isOurs = first === offset && last >= first && last < file.bytes && total === file.bytes;
  return isOurs ? { offset, bytes: last - first + 1 } : undefined;
}

/** A page of text where weights should be is a login page or a proxy's error, whatever its status says. */
function contentProblem(answer: Answer, wanted: ContentRequest): string | undefined {
  const type = answer.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const isPage = type === 'text/html' && !/\.html?$/i.test(wanted.file.path);
  const encoding = answer.header('content-encoding') ?? 'identity';
  if (!isPage && encoding === 'identity' && extentOf(answer, wanted) !== undefined) return undefined;
  const length = answer.header('content-length') ?? 'an unknown number of';
  const range = answer.header('content-range') ?? '';
  const seen = [`${length} bytes`, type, encoding === 'identity' ? '' : encoding, range]
    .filter((part) => part !== '')
    .join(' ');
  return `${seen} from ${answer.url.host} instead of ${wanted.file.bytes} bytes of '${wanted.file.path}'`;
}

function opened(answer: Answer, wanted: ContentRequest, signal: AbortSignal): OpenedFile {
  const extent = extentOf(answer, wanted) ?? { offset: 0, bytes: 0 };
  return {
    ...extent,
    etag: answer.header('etag'),
    host: answer.url.host,
    chunks: chunksOf(answer, extent.bytes, signal),
    close: () => answer.body.destroy(),
  };
}

async function* chunksOf(answer: Answer, expected: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let seen = 0;
  const reader = answer.body[Symbol.asyncIterator]();
  for (;;) {
    const next = await readNext(reader, answer, signal);
    if (next === undefined) break;
    seen += next.length;
    if (seen > expected) {
      answer.body.destroy();
      throw new TransferError('UNEXPECTED_CONTENT', `more than ${expected} bytes from ${answer.url.host}`);
    }
    yield next;
  }
  if (seen < expected) {
    throw new TransferError('DOWNLOAD_FAILED', `${answer.url.host} ended after ${seen} of ${expected} bytes`);
  }
}

async function readNext(
  reader: AsyncIterator<unknown>,
  answer: Answer,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    const { done, value } = await reader.next();
    return done === true || !(value instanceof Uint8Array) ? undefined : value;
  } catch (err) {
    signal.throwIfAborted();
    throw new TransferError('DOWNLOAD_FAILED', `reading from ${answer.url.host}`, { cause: err });
  }
}
