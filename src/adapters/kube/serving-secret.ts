import type { CertificateStore, ServingCertificate } from '../../ports/metrics-door.ts';
import { text } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';
import { isForewarmError } from '../../errors.ts';

const keys = { ca: 'ca.crt', caKey: 'ca.key', cert: 'tls.crt', key: 'tls.key' } as const;

/** The certificate in a Secret that exists already, empty at first: its readers need no right to create one. */
export class ServingSecret implements CertificateStore {
  readonly #http: KubeHttp;
  readonly #path: string;

  constructor(http: KubeHttp, { namespace, name }: { readonly namespace: string; readonly name: string }) {
    this.#http = http;
    this.#path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  }

  async load(
    signal: AbortSignal,
  ): Promise<{ readonly certificate: ServingCertificate | undefined; readonly version: string }> {
    const secret = await this.#http.call({ verb: 'GET', path: this.#path }, signal);
    const read = (key: string): string | undefined => {
      const base64 = text(secret, 'data', key);
      return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
    };
    const [ca, caKey, cert, key] = [read(keys.ca), read(keys.caKey), read(keys.cert), read(keys.key)];
    const version = text(secret, 'metadata', 'resourceVersion') ?? '';
    if (ca === undefined || cert === undefined || key === undefined) return { certificate: undefined, version };
    return { certificate: { ca, cert, key, ...(caKey === undefined ? {} : { caKey }) }, version };
  }

  async save({ ca, caKey, cert, key }: ServingCertificate, version: string, signal: AbortSignal): Promise<boolean> {
    const base64 = (value: string): string => Buffer.from(value).toString('base64');
    const data = {
      [keys.ca]: base64(ca),
      [keys.caKey]: base64(caKey ?? ''),
      [keys.cert]: base64(cert),
      [keys.key]: base64(key),
    };
    const body = { metadata: { resourceVersion: version }, data };
    try {
      await this.#http.call({ verb: 'PATCH', path: this.#path, body }, signal);
      return true;
    } catch (err) {
      if (statusOf(err) === 409 || isForewarmError(err, 'KUBE_FORBIDDEN')) return false;
      throw err;
    }
  }
}
