import type { Hash } from 'node:crypto';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ResolvedFile } from '../ports/artifacts.ts';
import { hashOf, hashPrefix } from './digest.ts';
import { diskFailure } from './failure.ts';
import { isMissing, lookAt, writeDurably } from './files.ts';
import { countField, textField } from './json.ts';

/** What is known about a half-finished file, beside it on the disk. */
interface PartState {
  readonly bytes: number;
  /** Validator of the answer that the bytes came from; absent when the server gave none. */
  readonly etag?: string;
  /** So many bytes are surely on the disk. */
  readonly durableBytes: number;
  /** The boot that wrote it: within the same boot the whole file counts, after a power cut only `durableBytes`. */
  readonly bootId: string;
}

interface PartOptions {
  readonly bootId: string;
  /** Ends the reading of what is there. */
  readonly signal: AbortSignal;
}

/** The disk is asked to keep up while the transfer goes on, so that the end does not wait for everything; it may lag behind by so much. */
const syncEveryBytes = 32 * 1024 * 1024;
const longestLagBytes = 256 * 1024 * 1024;

/**
 * A file on its way: bytes are appended in order, hashed as they pass, and survive the death of the process. After a restart the prefix is read
 * back into the hash and the transfer goes on behind it.
 */
export class Part {
  readonly path: string;
  readonly #file: ResolvedFile;
  readonly #handle: FileHandle;
  readonly #bootId: string;
  #hash: Hash;
  #offset = 0;
  #durable = 0;
  #etag: string | undefined;
  #syncing: Promise<void> | undefined;
  /** After a failed sync nothing that was written may be trusted. */
  #failed: unknown;

  private constructor(path: string, file: ResolvedFile, handle: FileHandle, bootId: string) {
    this.path = path;
    this.#file = file;
    this.#handle = handle;
    this.#bootId = bootId;
    this.#hash = hashOf(file);
  }

  static async open(directory: string, file: ResolvedFile, { bootId, signal }: PartOptions): Promise<Part> {
    const path = join(directory, file.digest.hex);
    const there = await lookAt(path);
    if (there !== undefined && !there.isFile()) await rm(path, { recursive: true, force: true });
    const handle = await open(path, there?.isFile() === true ? 'r+' : 'wx+', 0o600);
    const part = new Part(path, file, handle, bootId);
    try {
      await part.#resume(Number(there?.size ?? 0n), signal);
      return part;
    } catch (err) {
      await part.close();
      throw err;
    }
  }

  /** Bytes that are here: where the transfer goes on. */
  get offset(): number {
    return this.#offset;
  }

  get etag(): string | undefined {
    return this.#etag;
  }

  get isComplete(): boolean {
    return this.#offset === this.#file.bytes;
  }

  /** Forgets everything: the next byte is the first. */
  async restart(): Promise<void> {
    await this.#syncing;
    await this.#cut(0);
    this.#etag = undefined;
    this.#hash = hashOf(this.#file);
    await this.#saveState();
  }

  /** Records whose bytes follow. */
  async begin(etag: string | undefined): Promise<void> {
    if (etag === this.#etag && this.#offset > 0) return;
    this.#etag = etag;
    await this.#saveState();
  }

  /** Appends; the caller never has more than these chunks in memory. */
  async append(chunks: readonly Uint8Array[]): Promise<void> {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const writing = writeAll(this.#handle, chunks, { at: this.#offset, length });
    for (const chunk of chunks) this.#hash.update(chunk); // while the write is under way
    try {
      await writing;
    } catch (err) {
      throw diskFailure(err, `writing ${this.path}`);
    }
    this.#offset += length;
    await this.#keepUp();
  }

  /** Everything that was appended is on the disk when this ends. */
  async sync(): Promise<void> {
    await this.#syncing;
    await this.#syncTo(this.#offset);
  }

  /** Whether all bytes are here and are what the digest names. */
  isIntact(): boolean {
    return this.isComplete && this.#hash.copy().digest('hex') === this.#file.digest.hex;
  }

  async close(): Promise<void> {
    await this.#syncing?.catch(() => undefined);
    await this.#handle.close();
  }

  async #keepUp(): Promise<void> {
    const lag = this.#offset - this.#durable;
    if (lag >= longestLagBytes) await this.#syncing;
    if (lag < syncEveryBytes || this.#syncing !== undefined) return;
    const run = this.#syncTo(this.#offset).finally(() => {
      this.#syncing = undefined;
    });
    run.catch(() => undefined); // whoever waits for it next gets the failure, at the latest the last sync
    this.#syncing = run;
  }

  async #syncTo(bytes: number): Promise<void> {
    try {
      await this.#handle.datasync();
      this.#durable = Math.min(bytes, this.#offset);
      await this.#saveState();
    } catch (err) {
      this.#failed ??= diskFailure(err, `writing ${this.path}`);
    }
    if (this.#failed !== undefined) throw this.#failed;
  }

  async #resume(found: number, signal: AbortSignal): Promise<void> {
    const state = await readState(this.path);
    const usable = state?.bytes !== this.#file.bytes ? 0 : state.bootId === this.#bootId ? found : state.durableBytes;
    const kept = Math.min(usable, found, this.#file.bytes);
    await this.#cut(kept);
    if (kept === 0) return;
    this.#etag = state?.etag;
    await hashPrefix(this.#hash, { path: this.path, bytes: kept }, signal);
  }

  async #cut(bytes: number): Promise<void> {
    await this.#handle.truncate(bytes);
    this.#offset = bytes;
    this.#durable = Math.min(this.#durable, bytes);
  }

  async #saveState(): Promise<void> {
    const state: PartState = {
      bytes: this.#file.bytes,
      durableBytes: this.#durable,
      bootId: this.#bootId,
      ...(this.#etag === undefined ? {} : { etag: this.#etag }),
    };
    await writeDurably(statePath(this.path), JSON.stringify(state), dirname(this.path));
  }
}

/** Removes a part and its state. */
export async function removePart(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(statePath(path), { force: true });
}

export function statePath(path: string): string {
  return `${path}.json`;
}

async function writeAll(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  { at, length }: { readonly at: number; readonly length: number },
): Promise<void> {
  const { bytesWritten } = await handle.writev([...chunks], at);
  if (bytesWritten === length) return;
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  await writeAll(handle, [rest], { at: at + bytesWritten, length: rest.length });
}

async function readState(path: string): Promise<PartState | undefined> {
  try {
    return parseState(JSON.parse(await readFile(statePath(path), 'utf8')));
  } catch (err) {
    if (isMissing(err) || err instanceof SyntaxError) return undefined;
    throw err;
  }
}

function parseState(value: unknown): PartState | undefined {
  const [bytes, durableBytes] = [countField(value, 'bytes'), countField(value, 'durableBytes')];
  const [bootId, etag] = [textField(value, 'bootId'), textField(value, 'etag')];
  if (bytes === undefined || durableBytes === undefined || bootId === undefined) return undefined;
  return { bytes, durableBytes, bootId, ...(etag === undefined ? {} : { etag }) };
}
