import type { LeaderAddress } from '../../ports/metrics-door.ts';
import { text } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';

/** What the leader says on its Lease. */
export const metricsAddressAnnotation = 'forewarm.dev/metrics-address';

export class LeaseLeaderAddress implements LeaderAddress {
  readonly #http: KubeHttp;
  readonly #path: string;

  constructor(http: KubeHttp, { namespace, name }: { readonly namespace: string; readonly name: string }) {
    this.#http = http;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases/${encodeURIComponent(name)}`;
  }

  async find(signal: AbortSignal): Promise<string | undefined> {
    try {
      const lease = await this.#http.call({ verb: 'GET', path: this.#path, attempts: 1 }, signal);
      const isHeld = (text(lease, 'spec', 'holderIdentity') ?? '') !== '';
      const address = text(lease, 'metadata', 'annotations', metricsAddressAnnotation);
      return isHeld && address !== '' ? address : undefined;
    } catch (err) {
      if (statusOf(err) === 404) return undefined;
      throw err;
    }
  }
}
