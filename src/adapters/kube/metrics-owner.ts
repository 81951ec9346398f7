import type { Clock } from '../../ports/index.ts';
import { text } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';

const path = '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io';
const periodMilliseconds = 30_000;

/** Who serves external metrics in this cluster: asked only while a follower says that it cannot read them. */
export class MetricsOwner {
  readonly #http: KubeHttp;
  readonly #clock: Clock;
  readonly #onProblem: (err: unknown) => void;
  #owner: string | undefined;
  #wanted = false;

  constructor(http: KubeHttp, clock: Clock, onProblem: (err: unknown) => void) {
    this.#http = http;
    this.#clock = clock;
    this.#onProblem = onProblem;
  }

  /** As last seen, `Service namespace/name`. Asking makes the next look happen. */
  current(): string | undefined {
    this.#wanted = true;
    return this.#owner;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wasWanted = this.#wanted;
      this.#wanted = false;
      if (wasWanted) await this.look(signal);
      try {
        await this.#clock.sleep(wasWanted ? periodMilliseconds : 1000, signal);
      } catch (err) {
        if (!signal.aborted) throw err;
      }
    }
  }

  /** Once, whether or not anybody asked. */
  async look(signal: AbortSignal): Promise<void> {
    try {
      const found = await this.#http.call({ verb: 'GET', path }, signal);
      const name = text(found, 'spec', 'service', 'name');
      this.#owner =
        name === undefined
          ? 'the API server itself'
          : `Service ${text(found, 'spec', 'service', 'namespace') ?? ''}/${name}`;
    } catch (err) {
      if (signal.aborted) return;
      this.#owner = statusOf(err) === 404 ? 'nobody (there is no such APIService)' : undefined;
      if (statusOf(err) !== 404) this.#onProblem(err);
    }
  }
}
