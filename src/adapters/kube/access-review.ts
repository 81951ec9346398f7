import type { AccessReviewer, Caller, Verdict, Wanted } from '../../ports/metrics-door.ts';
import { at, flag, isJson, list, text } from './fields.ts';
import type { KubeHttp } from './http.ts';

/** Asks the API server who a token belongs to and what a caller may (ClusterRole system:auth-delegator). */
export class KubeAccessReviewer implements AccessReviewer {
  readonly #http: KubeHttp;

  constructor(http: KubeHttp) {
    this.#http = http;
  }

  async whoIs(token: string, signal: AbortSignal): Promise<Caller | undefined> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
    const path = '/apis/authentication.k8s.io/v1/tokenreviews';
    const review = await this.#http.call({ verb: 'POST', path, body }, signal);
    const name = text(review, 'status', 'user', 'username');
    if (!flag(review, 'status', 'authenticated') || name === undefined) return undefined;
    const uid = text(review, 'status', 'user', 'uid');
    return {
      name,
      ...(uid === undefined ? {} : { uid }),
      groups: strings(list(review, 'status', 'user', 'groups')),
      extra: extraOf(at(review, 'status', 'user', 'extra')),
    };
  }

  async may({ name, uid, groups, extra }: Caller, wanted: Wanted, signal: AbortSignal): Promise<Verdict> {
    const who = { user: name, groups, extra, ...(uid === undefined ? {} : { uid }) };
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { ...who, ...attributes(wanted) },
    };
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const review = await this.#http.call({ verb: 'POST', path, body }, signal);
    const reason = text(review, 'status', 'reason');
    return { isAllowed: flag(review, 'status', 'allowed'), ...(reason === undefined ? {} : { reason }) };
  }
}

function attributes(wanted: Wanted): object {
  if (wanted.kind === 'path') return { nonResourceAttributes: { path: wanted.path, verb: 'get' } };
  const { namespace, metric } = wanted;
  const group = 'external.metrics.k8s.io';
  return { resourceAttributes: { group, version: 'v1beta1', resource: metric, namespace, verb: 'list' } };
}

function strings(values: readonly unknown[]): readonly string[] {
  return values.filter((value) => typeof value === 'string');
}

function extraOf(extra: unknown): Caller['extra'] {
  if (!isJson(extra)) return {};
  return Object.fromEntries(
    Object.entries(extra).map(([key, values]) => [key, Array.isArray(values) ? strings(values) : []]),
  );
}
