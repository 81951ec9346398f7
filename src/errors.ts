export type ErrorCode =
  | 'SCRAPE_FAILED'
  | 'QUERY_FAILED'
  | 'KUBE_REQUEST_FAILED'
  | 'KUBE_FORBIDDEN'
  | 'SCALE_CONFLICT'
  | 'NOT_LEADER'
  | 'FILE_UNREADABLE'
  | 'TRACE_INVALID'
  | 'POLICY_INVALID'
  | 'POLICY_FAILED'
  | 'USAGE'
  | 'LOG_INVALID'
  | 'DOWNLOAD_FAILED'
  | 'UNEXPECTED_CONTENT'
  | 'DISK_FULL'
  | 'CONFIG_INVALID';

/**
 * The error catalogue: every failure of the outside world that we name. Callers branch on `code`. docs/errors.md lists the same codes (a test
 * compares). `retryable` says whether the same call may succeed later without anybody changing anything.
 */
export const catalogue: Readonly<Record<ErrorCode, { readonly retryable: boolean; readonly help: string }>> = {
  SCRAPE_FAILED: { retryable: true, help: 'The metrics page of a replica could not be read' },
  QUERY_FAILED: { retryable: true, help: 'Prometheus did not answer a query' },
  KUBE_REQUEST_FAILED: { retryable: true, help: 'The Kubernetes API server did not answer or answered an error' },
  KUBE_FORBIDDEN: { retryable: false, help: 'The service account lacks a permission' },
  SCALE_CONFLICT: { retryable: true, help: 'The scale subresource changed between reading and writing' },
  NOT_LEADER: { retryable: true, help: 'This process no longer holds the lease' },
  FILE_UNREADABLE: { retryable: false, help: 'A file could not be opened or read' },
  TRACE_INVALID: { retryable: false, help: 'A trace or workload file has a row that cannot be used' },
  POLICY_INVALID: { retryable: false, help: 'A policy file or object breaks its schema' },
  POLICY_FAILED: { retryable: false, help: 'An external policy ended, was silent, or broke the protocol' },
  USAGE: { retryable: false, help: 'A command line flag or argument is wrong' },
  LOG_INVALID: { retryable: false, help: 'A decision log cannot be replayed' },
  DOWNLOAD_FAILED: { retryable: true, help: 'A model file could not be fetched' },
  UNEXPECTED_CONTENT: { retryable: true, help: 'What was served is not what was asked for (size, type or digest)' },
  DISK_FULL: { retryable: true, help: 'The cache budget or the disk has no room' },
  CONFIG_INVALID: { retryable: false, help: 'A setting is missing or out of range' },
};

export class ForewarmError extends Error {
  override readonly name = 'ForewarmError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.retryable = catalogue[code].retryable;
  }
}

export function isForewarmError(err: unknown, code?: ErrorCode): err is ForewarmError {
  return err instanceof ForewarmError && (code === undefined || err.code === code);
}

/** The chain of messages, outermost first: "reading metrics from URL: connect ECONNREFUSED". What a message already ends with is not said twice. */
export function explainError(err: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = err; at !== undefined && parts.length < 6; at = at instanceof Error ? at.cause : undefined) {
    const said = at instanceof Error ? at.message || at.name : JSON.stringify(at);
    if (parts.at(-1)?.endsWith(said) !== true) parts.push(said);
  }
  return parts.join(': ');
}
