import type { PoolId } from '../../core/model/pool.ts';
import type { Clock } from '../../ports/index.ts';
import type { Cluster } from './cluster.ts';
import { type Json, list, object } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';
import { statusKeys, trimmed } from './status.ts';
import { keyOf } from './store.ts';

export interface StatusWriterOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly namespace?: string;
  readonly assertFresh: () => void;
  readonly onProblem: (pool: PoolId, err: unknown) => void;
}

interface Written {
  readonly uid: string;
  readonly status: Json;
  readonly urgent: string;
  readonly lazy: string;
  readonly at: number;
}

const collection = '/apis/forewarm.dev/v1alpha1';
const lazyMilliseconds = 10_000;
const heartbeatMilliseconds = 15 * 60_000;
const workers = 4;

/**
 * Writes a status when what matters in it changed: at once for decisions, bounds and conditions, after ten seconds for counts, else each 15
 * minutes. One write a pool at a time, so that none overtakes another.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #offered = new Map<PoolId, Json>();
  readonly #written = new Map<PoolId, Written>();
  readonly #busy = new Map<PoolId, Promise<boolean>>();
  #wake: () => void = () => undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Status of every autoscaler, from the server. */
  async statuses(signal: AbortSignal): Promise<ReadonlyMap<PoolId, Json>> {
    const { http, namespace } = this.#options;
    const path =
      namespace === undefined
        ? `${collection}/inferenceautoscalers`
        : `${collection}/namespaces/${encodeURIComponent(namespace)}/inferenceautoscalers`;
    const page = await http.call({ verb: 'GET', path, deadlineMilliseconds: 30_000 }, signal);
    return new Map(list(page, 'items').map((one) => [keyOf(one), object(one, 'status')]));
  }

  /** What this process wrote last. */
  last(pool: PoolId): Json | undefined {
    return this.#known(pool)?.status;
  }

  /** Takes the newest status of a pool; it is written when it is due. */
  offer(pool: PoolId, status: Json): void {
    if (!this.#isDue(pool, status)) {
      this.#offered.delete(pool);
      return;
    }
    this.#offered.set(pool, status);
    this.#wake();
  }

  /** Writes now, whatever changed; false when it could not be stored. */
  async writeNow(pool: PoolId, status: Json, signal: AbortSignal): Promise<boolean> {
    await this.#busy.get(pool);
    this.#offered.delete(pool);
    return await this.#write(pool, status, signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: workers }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const next = [...this.#offered].find(([pool]) => !this.#busy.has(pool));
      if (next === undefined) {
        await this.#idle(signal);
        continue;
      }
      const [pool, status] = next;
      this.#offered.delete(pool);
      // Once sent, waited for: the lease is given back after the last answer.
      await this.#write(pool, status, new AbortController().signal);
    }
  }

  async #write(pool: PoolId, status: Json, signal: AbortSignal): Promise<boolean> {
    const writing = this.#try(pool, status, signal);
    this.#busy.set(pool, writing);
    try {
      return await writing;
    } finally {
      this.#busy.delete(pool);
    }
  }

  async #try(pool: PoolId, status: Json, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#patch(pool, status, signal);
      return true;
    } catch (err) {
      if (signal.aborted) return false;
      this.#options.onProblem(pool, err);
      return isTooLarge(err) && (await this.#retryTrimmed(pool, status, signal));
    }
  }

  async #retryTrimmed(pool: PoolId, status: Json, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#patch(pool, trimmed(status), signal);
      return true;
    } catch (err) {
      if (!signal.aborted) this.#options.onProblem(pool, err);
      return false;
    }
  }

  /** Replaces the whole status: in a merge, what ended would live on. */
  async #patch(pool: PoolId, status: Json, signal: AbortSignal): Promise<void> {
    const autoscaler = this.#options.cluster.autoscalers.get(pool);
    if (autoscaler === undefined) return;
    const base = `${collection}/namespaces/${encodeURIComponent(autoscaler.namespace)}/inferenceautoscalers`;
    const body = [
      { op: 'test', path: '/metadata/uid', value: autoscaler.uid },
      { op: 'add', path: '/status', value: status },
    ];
    this.#options.assertFresh();
    await this.#options.http.call(
      {
        verb: 'PATCH',
        path: `${base}/${encodeURIComponent(autoscaler.name)}/status`,
        query: { fieldManager: 'forewarm' },
        contentType: 'application/json-patch+json',
        body,
      },
      signal,
    );
    this.#written.set(pool, {
      uid: autoscaler.uid,
      status,
      ...statusKeys(status),
      at: this.#options.clock.monotonic(),
    });
  }

  /** An object made anew under an old name has no status yet. */
  #known(pool: PoolId): Written | undefined {
    const written = this.#written.get(pool);
    return written?.uid === this.#options.cluster.autoscalers.get(pool)?.uid ? written : undefined;
  }

  #isDue(pool: PoolId, status: Json): boolean {
    const last = this.#known(pool);
    if (last === undefined) return true;
    const age = this.#options.clock.monotonic() - last.at;
    const keys = statusKeys(status);
    if (keys.urgent !== last.urgent || age >= heartbeatMilliseconds) return true;
    return keys.lazy !== last.lazy && age >= lazyMilliseconds;
  }

  #idle(signal: AbortSignal): Promise<void> {
    const before = this.#wake;
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        before();
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

function isTooLarge(err: unknown): boolean {
  return (
    statusOf(err) === 413 ||
    (err instanceof Error && err.cause instanceof Error && /too large/i.test(err.cause.message))
  );
}
