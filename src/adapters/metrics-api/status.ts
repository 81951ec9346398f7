/** The group that this door serves. */
export const group = 'external.metrics.k8s.io';
export const version = 'v1beta1';
export const groupVersion: string = `${group}/${version}`;

/** Kubernetes' own form of a failure. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason: string;
  readonly details?: Readonly<Record<string, string>>;
  readonly code: number;
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  413: 'RequestEntityTooLarge',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** A request that ends with a Status. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: number;
  readonly details: Readonly<Record<string, string>> | undefined;
  constructor(code: number, message: string, details?: Readonly<Record<string, string>>) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export function statusOf(code: number, message: string, details?: Readonly<Record<string, string>>): Status {
  const reason = reasons[code] ?? (code < 500 ? 'BadRequest' : 'InternalError');
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  };
}
