import { type ErrorCode, explainError, ForewarmError, isForewarmError } from '../errors.ts';
import { errno } from './files.ts';

/** A failed transfer, with what the other side said about trying again. */
export class TransferError extends ForewarmError {
  /** The other side asked for this pause. */
  readonly retryAfterSeconds: number | undefined;
  /** Asking again soon cannot help (no access, no such file): only a slow retry is left. */
  readonly isPermanent: boolean;
  constructor(code: ErrorCode, message: string, options: TransferErrorOptions = {}) {
    super(code, message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.isPermanent = options.isPermanent ?? false;
  }
}

export interface TransferErrorOptions {
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number | undefined;
  readonly isPermanent?: boolean;
}

/** Whether the same transfer may succeed within seconds. */
export function isWorthRetrying(err: unknown): boolean {
  return isForewarmError(err, 'DOWNLOAD_FAILED') && !(err instanceof TransferError && err.isPermanent);
}

/** The disk is broken, read-only, not ours, or not what a cache needs (hard links on one file system). */
const brokenCodes = new Set([
  'EIO',
  'EROFS',
  'EACCES',
  'EPERM',
  'EXDEV',
  'EMLINK',
  'ENOTSUP',
  'ENOTDIR',
  'EEXIST',
  'ENOTEMPTY',
]);

/** Names a failure of the disk: full (`DISK_FULL`) or broken; other errors pass through. */
export function diskFailure(err: unknown, doing: string): unknown {
  const code = errno(err);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ForewarmError('DISK_FULL', `${doing}: the disk is full`, { cause: err });
  if (code !== undefined && brokenCodes.has(code)) {
    return new ForewarmError('FILE_UNREADABLE', doing, { cause: err });
  }
  return err;
}

/** One sentence for status: `UnexpectedContent: 635 bytes text/html from proxy.example, ...`. */
export function failureMessage(err: unknown): string {
  const code = isForewarmError(err) ? err.code : 'INTERNAL_ERROR';
  return `${camelCase(code)}: ${explainError(err)}`.slice(0, 512);
}

function camelCase(code: string): string {
  return code
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('');
}
