import type { ResolvedFile } from '../../ports/artifacts.ts';
import { TransferError } from '../failure.ts';
import { type Answer, cutOff, dispose, type Headers, type Http } from './http.ts';
import { Intake } from './intake.ts';
import { refusal } from './refusal.ts';

/** The bytes of a file from `offset` to its end (or to the end of one segment). */
export interface OpenedFile {
  readonly offset: number;
  /** How many bytes will come. */
  readonly bytes: number;
  readonly etag: string | undefined;
  readonly host: string;
  /** In order, each a few chunks; ends with `bytes` bytes or throws. */
  readonly batches: AsyncIterable<readonly Uint8Array[]>;
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
const segmentBytes = 512 * 1024 ** 2;

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
    cutOff(answer);
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
    batches: batchesOf({ answer, intake: new Intake(answer.body), expected: extent.bytes }, signal),
    close: () => cutOff(answer),
  };
}

interface Incoming {
  readonly answer: Answer;
  readonly intake: Intake;
  readonly expected: number;
}

async function* batchesOf(incoming: Incoming, signal: AbortSignal): AsyncGenerator<readonly Uint8Array[]> {
  const { answer, expected } = incoming;
  let seen = 0;
  for (let batch = await take(incoming, signal); batch !== undefined; batch = await take(incoming, signal)) {
    seen += batch.reduce((sum, chunk) => sum + chunk.length, 0);
    if (seen > expected) {
      throw new TransferError('UNEXPECTED_CONTENT', `more than ${expected} bytes from ${answer.url.host}`);
    }
    yield batch;
  }
  if (seen < expected) {
    throw new TransferError('DOWNLOAD_FAILED', `${answer.url.host} ended after ${seen} of ${expected} bytes`);
  }
}

async function take({ answer, intake }: Incoming, signal: AbortSignal): Promise<readonly Uint8Array[] | undefined> {
  try {
    return await intake.take();
  } catch (err) {
    signal.throwIfAborted();
    throw new TransferError('DOWNLOAD_FAILED', `reading from ${answer.url.host}`, { cause: err });
  }
}
