import type { DoorRegistration } from '../../ports/metrics-door.ts';
import { text } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';

const path = '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io';

/** The one slot for external metrics of a cluster. Taken by somebody else it is left alone, and he is named. */
export class MetricsApiService implements DoorRegistration {
  readonly #http: KubeHttp;
  readonly #service: { readonly namespace: string; readonly name: string };

  constructor(http: KubeHttp, service: { readonly namespace: string; readonly name: string }) {
    this.#http = http;
    this.#service = service;
  }

  async trust(ca: string, signal: AbortSignal): Promise<{ readonly foreignOwner?: string }> {
    const found = await this.#get(signal);
    if (found === undefined) return { foreignOwner: 'nobody: there is no APIService v1beta1.external.metrics.k8s.io' };
    const namespace = text(found, 'spec', 'service', 'namespace');
    const name = text(found, 'spec', 'service', 'name');
    if (namespace !== this.#service.namespace || name !== this.#service.name) {
      return { foreignOwner: `Service ${namespace ?? '(none)'}/${name ?? '(none)'}` };
    }
    const caBundle = Buffer.from(ca).toString('base64');
    if (text(found, 'spec', 'caBundle') !== caBundle) {
      await this.#http.call({ verb: 'PATCH', path, body: { spec: { caBundle, insecureSkipTLSVerify: null } } }, signal);
    }
    return {};
  }

  async #get(signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#http.call({ verb: 'GET', path }, signal);
    } catch (err) {
      if (statusOf(err) === 404) return undefined;
      throw err;
    }
  }
}
