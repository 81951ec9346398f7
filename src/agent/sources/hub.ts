import type { Dispatcher } from 'undici';
import { describe } from '../../core/model/result.ts';
import { ForewarmError } from '../../errors.ts';
import type { ArtifactResolver, ResolvedFile } from '../../ports/artifacts.ts';
import { TransferError } from '../failure.ts';
import { isCommit, isRevision, parseSource } from '../names.ts';
import { type OpenedFile, openFile } from './content.ts';
import { type Answer, Http, shown } from './http.ts';
import { type HubFile, parseCommit, parseTree } from './listing.ts';
import { refusal } from './refusal.ts';

export interface HubOptions {
  /** `https://huggingface.co`, or a mirror that speaks the same API. */
  readonly endpoint: string;
  readonly dispatcher: Dispatcher;
  /** Read for every request: the file behind it may be rotated. */
  readonly token: () => Promise<string | undefined>;
}

export interface Listing {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

export interface FileRequest {
  readonly repo: string;
  readonly commit: string;
  readonly file: ResolvedFile;
  /** First byte wanted. */
  readonly offset: number;
  /** Validator of the bytes before `offset`. */
  readonly etag?: string | undefined;
}

const maxPages = 1000;
const maxPageBytes = 32 * 1024 * 1024;

/** A hub that speaks the Hugging Face API: what a revision is, and its files. */
export class Hub implements ArtifactResolver {
  readonly #base: string;
  readonly #http: Http;
  constructor({ endpoint, dispatcher, token }: HubOptions) {
    this.#base = endpoint.replace(/\/+$/, '');
    this.#http = new Http({ dispatcher, origin: new URL(endpoint).origin, token });
  }

  async resolve(source: string, revision: string, signal: AbortSignal): Promise<Listing> {
    const repo = parseSource(source);
    if (!repo.ok) throw new ForewarmError('CONFIG_INVALID', describe(repo.problem));
    return await this.list(repo.value.id, revision, signal);
  }

  /** Pins the revision and lists its files with their digests. */
  async list(repo: string, revision: string, signal: AbortSignal): Promise<Listing> {
    if (!isRevision(revision))
      throw new ForewarmError('CONFIG_INVALID', `revision '${revision}' must be a git reference`);
    const model = `${this.#base}/api/models/${encodePath(repo)}`;
    const url = new URL(`${model}/revision/${encodeURIComponent(revision)}`);
    const commit = parseCommit((await this.#json(url, signal)).value);
    if (commit === undefined || (isCommit(revision) && commit !== revision)) {
      throw new TransferError('UNEXPECTED_CONTENT', `${shown(url)} names no commit '${revision}'`);
    }
    const files = await this.#tree(new URL(`${model}/tree/${commit}?recursive=true`), signal);
    return { commit, files };
  }

  /** Opens a file from `offset` on; what comes back may start at 0 all the same. Throws UNEXPECTED_CONTENT for another size or type. */
  async open(wanted: FileRequest, signal: AbortSignal): Promise<OpenedFile> {
    const url = new URL(
      `${this.#base}/${encodePath(wanted.repo)}/resolve/${wanted.commit}/${encodePath(wanted.file.path)}`,
    );
    return await openFile(this.#http, { url, ...wanted }, signal);
  }

  async #tree(first: URL, signal: AbortSignal): Promise<HubFile[]> {
    const files: HubFile[] = [];
    let url: URL | undefined = first;
    for (let page = 0; url !== undefined && page < maxPages; page += 1) {
      const answer: { readonly value: unknown; readonly next: URL | undefined } = await this.#json(url, signal);
      const entries = parseTree(answer.value);
      if (!entries.ok) throw new TransferError('UNEXPECTED_CONTENT', `${shown(url)}: ${describe(entries.problem)}`);
      files.push(...entries.value);
      url = answer.next;
    }
    return files;
  }

  async #json(url: URL, signal: AbortSignal): Promise<{ readonly value: unknown; readonly next: URL | undefined }> {
    const answer = await this.#http.get(url, { accept: 'application/json' }, signal);
    if (answer.status !== 200) throw await refusal(answer);
    return { value: parseJson(answer, await textOf(answer, signal)), next: nextPage(answer, url) };
  }
}

async function textOf(answer: Answer, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer.body) {
      if (!(chunk instanceof Uint8Array)) continue;
      bytes += chunk.length;
      if (bytes > maxPageBytes) throw new RangeError(`more than ${maxPageBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (err) {
    signal.throwIfAborted();
    throw new TransferError('DOWNLOAD_FAILED', `reading ${shown(answer.url)}`, { cause: err });
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(answer: Answer, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const type = answer.header('content-type') ?? 'of no type';
    const seen = `${Buffer.byteLength(text)} bytes ${type.split(';')[0]}`;
    throw new TransferError(
      'UNEXPECTED_CONTENT',
      `${seen} from ${answer.url.host} instead of JSON (${shown(answer.url)})`,
    );
  }
}

/** The `Link: <URL>; rel="next"` of the same origin. */
function nextPage(answer: Answer, url: URL): URL | undefined {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.header('link') ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, url.href)) return undefined;
  const next = new URL(target, url);
  if (next.origin === url.origin) return next;
  throw new TransferError('UNEXPECTED_CONTENT', `${shown(url)} continues at another host, ${next.host}`);
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
