import { rm } from 'node:fs/promises';
import { isForewarmError } from '../errors.ts';
import type { ResolvedFile } from '../ports/artifacts.ts';
import type { Clock } from '../ports/index.ts';
import type { BlobPool } from './blob-pool.ts';
import { isWorthRetrying, TransferError } from './failure.ts';
import type { Pace } from './pace.ts';
import { Part, removePart, statePath } from './part.ts';
import { backOffSeconds, type Random } from './retry.ts';
import type { OpenedFile } from './sources/content.ts';
import type { FileRequest } from './sources/hub.ts';

/** Where files come from. */
export interface FileSource {
  open(wanted: FileRequest, signal: AbortSignal): Promise<OpenedFile>;
}

export interface DownloadDeps {
  readonly source: FileSource;
  readonly pool: BlobPool;
  readonly partsDirectory: string;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly pace: Pace;
  /** Asked before each request: throws DISK_FULL when the disk has been filled by others. */
  readonly guard: () => Promise<void>;
  readonly onBytes: (bytes: number) => void;
  readonly onRetry: (err: unknown, path: string) => void;
}

export interface BlobRequest {
  readonly repo: string;
  readonly commit: string;
  readonly file: ResolvedFile;
}

const maxFailures = 5;
const slowWindow = { seconds: 60, bytes: 60 * 64 * 1024 };

/** Brings one blob into the pool: resumes what a former run left, retries what may pass, verifies, and keeps nothing that is not what was asked for. */
export async function download(deps: DownloadDeps, wanted: BlobRequest, signal: AbortSignal): Promise<void> {
  const part = await Part.open(deps.partsDirectory, wanted.file, { bootId: deps.bootId, signal });
  try {
    await complete(deps, { ...wanted, part }, signal);
    await part.sync();
  } catch (err) {
    await part.close();
    if (isWorthless(err, part)) await removePart(part.path);
    throw err;
  }
  await part.close();
  await deps.pool.take(part.path, wanted.file);
  await rm(statePath(part.path), { force: true });
}

interface Transfer extends BlobRequest {
  readonly part: Part;
}

/** A full disk gets its room back at once, and what a broken one holds is not to be trusted; other failures keep the bytes for the next try. */
function isWorthless(err: unknown, part: Part): boolean {
  return part.offset === 0 || isForewarmError(err, 'DISK_FULL') || isForewarmError(err, 'FILE_UNREADABLE');
}

async function complete(deps: DownloadDeps, transfer: Transfer, signal: AbortSignal): Promise<void> {
  const { part, file } = transfer;
  const wasResumed = part.offset > 0;
  await fetchRest(deps, transfer, signal);
  if (part.isIntact()) return;
  await part.restart();
  if (wasResumed) await fetchRest(deps, transfer, signal);
  if (wasResumed && part.isIntact()) return;
  await part.restart();
  const { kind, hex } = file.digest;
  throw new TransferError('UNEXPECTED_CONTENT', `the ${kind} of '${file.path}' is not ${hex}`);
}

async function fetchRest(deps: DownloadDeps, transfer: Transfer, signal: AbortSignal): Promise<void> {
  const { part } = transfer;
  let failures = 0;
  while (!part.isComplete) {
    const before = part.offset;
    try {
      await fetchSegment(deps, transfer, signal);
      failures = 0;
    } catch (err) {
      signal.throwIfAborted();
      failures = part.offset > before ? 1 : failures + 1;
      if (!isWorthRetrying(err) || failures > maxFailures) throw err;
      deps.onRetry(err, transfer.file.path);
      await deps.clock.sleep(1000 * backOffSeconds(failures, deps.random, err), signal);
    }
  }
}

async function fetchSegment(deps: DownloadDeps, transfer: Transfer, signal: AbortSignal): Promise<void> {
  const { part, repo, commit, file } = transfer;
  await deps.guard();
  const opened = await deps.source.open({ repo, commit, file, offset: part.offset, etag: part.etag }, signal);
  try {
    const isOther = part.etag !== undefined && opened.etag !== undefined && part.etag !== opened.etag;
    if (part.offset > 0 && (opened.offset === 0 || isOther)) await part.restart();
    if (part.offset !== opened.offset) return; // the next round asks from the start
    await part.begin(opened.etag);
    await pour(deps, { part, opened }, signal);
  } finally {
    opened.close();
  }
}

async function pour(
  deps: DownloadDeps,
  { part, opened }: { readonly part: Part; readonly opened: OpenedFile },
  signal: AbortSignal,
): Promise<void> {
  const watch = new StallWatch(deps.clock, opened.host);
  for await (const batch of opened.batches) {
    const bytes = batch.reduce((sum, chunk) => sum + chunk.length, 0);
    await part.append(batch);
    deps.onBytes(bytes);
    watch.saw(bytes);
    const paced = deps.clock.monotonic();
    await deps.pace.spend(bytes, signal);
    watch.excuse(deps.clock.monotonic() - paced);
  }
}

/** Gives up on a connection that trickles: less than 64 KiB/s for a minute. */
class StallWatch {
  readonly #clock: Clock;
  readonly #host: string;
  #since: number;
  #bytes = 0;
  constructor(clock: Clock, host: string) {
    this.#clock = clock;
    this.#host = host;
    this.#since = clock.monotonic();
  }

  /** We made it wait ourselves. */
  excuse(milliseconds: number): void {
    this.#since += milliseconds;
  }

  saw(bytes: number): void {
    this.#bytes += bytes;
    const seconds = (this.#clock.monotonic() - this.#since) / 1000;
    if (seconds < slowWindow.seconds) return;
    if (this.#bytes < slowWindow.bytes) {
      throw new TransferError('DOWNLOAD_FAILED', `${this.#host} sent ${this.#bytes} bytes in ${Math.round(seconds)} s`);
    }
    [this.#since, this.#bytes] = [this.#clock.monotonic(), 0];
  }
}
