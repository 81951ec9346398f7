import type { LearnedMemory } from '../../core/model/memory.ts';
import type { PoolId } from '../../core/model/pool.ts';
import type { Clock } from '../../ports/index.ts';
import type { AutoscalerKept } from './autoscaler.ts';
import { checkpointFormat, packLearned, unpackLearned } from './checkpoint.ts';
import type { Cluster } from './cluster.ts';
import { list, object } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';
import { rfc3339 } from './status.ts';
import { keyOf } from './store.ts';

export interface CheckpointsOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly random: () => number;
  readonly cluster: Cluster;
  readonly namespace?: string;
  readonly assertFresh: () => void;
  readonly onProblem: (pool: PoolId, err: unknown) => void;
}

const collection = '/apis/forewarm.dev/v1alpha1';
const periodMilliseconds = 15 * 60_000;
/** A leader that dies young should not have learned for nothing: the first comes after one to three minutes. */
const firstMilliseconds = 60_000;

/** Learned memory of each pool, stored soon and then each quarter of an hour, at different times for different pools. */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  readonly #due = new Map<PoolId, number>();
  readonly #offered = new Map<PoolId, LearnedMemory>();

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** What is stored; what cannot be read is reported and left out. */
  async read(signal: AbortSignal): Promise<ReadonlyMap<PoolId, LearnedMemory>> {
    const { http, namespace } = this.#options;
    const path =
      namespace === undefined
        ? `${collection}/poolcheckpoints`
        : `${collection}/namespaces/${encodeURIComponent(namespace)}/poolcheckpoints`;
    const out = new Map<PoolId, LearnedMemory>();
    let token: unknown = '';
    do {
      const query = { limit: '100', ...(typeof token === 'string' && token !== '' ? { continue: token } : {}) };
      const page = await http.call({ verb: 'GET', path, query, deadlineMilliseconds: 30_000 }, signal);
      for (const item of list(page, 'items')) await this.#readOne(item, out);
      token = object(page, 'metadata')['continue'];
    } while (typeof token === 'string' && token !== '');
    return out;
  }

  async #readOne(item: unknown, out: Map<PoolId, LearnedMemory>): Promise<void> {
    try {
      const learned = await unpackLearned(object(item, 'spec'));
      if (learned !== undefined) out.set(keyOf(item), learned);
    } catch (err) {
      this.#options.onProblem(keyOf(item), err);
    }
  }

  offer(pool: PoolId, learned: LearnedMemory): void {
    this.#offered.set(pool, learned);
    if (this.#due.has(pool)) return;
    this.#due.set(pool, this.#options.clock.monotonic() + firstMilliseconds * (1 + 2 * this.#options.random()));
  }

  /** Until the signal; an orderly end stores everything once more, as far as `drain` allows. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      try {
        await clock.sleep(5000, signal);
      } catch (err) {
        if (signal.aborted) return;
        throw err;
      }
      for (const [pool, due] of this.#due) {
        if (due > clock.monotonic() || signal.aborted) continue;
        this.#due.set(pool, clock.monotonic() + periodMilliseconds * (0.9 + 0.2 * this.#options.random()));
        await this.#store(pool, signal);
      }
    }
  }

  /** Stores all now: at an orderly end. */
  async drain(signal: AbortSignal): Promise<void> {
    for (const pool of this.#offered.keys()) if (!signal.aborted) await this.#store(pool, signal);
  }

  async #store(pool: PoolId, signal: AbortSignal): Promise<void> {
    const learned = this.#offered.get(pool);
    const autoscaler = this.#options.cluster.autoscalers.get(pool);
    this.#offered.delete(pool);
    if (autoscaler === undefined) this.#due.delete(pool);
    if (learned === undefined || autoscaler === undefined) return;
    try {
      await this.#write(autoscaler, await packLearned(learned), signal);
    } catch (err) {
      if (!signal.aborted) this.#options.onProblem(pool, err);
    }
  }

  async #write(autoscaler: AutoscalerKept, packed: string, signal: AbortSignal): Promise<void> {
    const { http, clock, assertFresh } = this.#options;
    const base = `${collection}/namespaces/${encodeURIComponent(autoscaler.namespace)}/poolcheckpoints`;
    const { name, namespace, uid } = autoscaler;
    const spec = {
      autoscalerRef: { name },
      savedTime: rfc3339(clock.now()),
      formatVersion: checkpointFormat,
      learned: packed,
    };
    assertFresh();
    try {
      await http.call({ verb: 'PATCH', path: `${base}/${encodeURIComponent(name)}`, body: { spec } }, signal);
    } catch (err) {
      if (statusOf(err) !== 404) throw err;
      const owner = { apiVersion: 'forewarm.dev/v1alpha1', kind: 'InferenceAutoscaler', name, uid, controller: true };
      const metadata = { name, namespace, ownerReferences: [owner] };
      const body = { apiVersion: 'forewarm.dev/v1alpha1', kind: 'PoolCheckpoint', metadata, spec };
      await http.call({ verb: 'POST', path: base, body }, signal);
    }
  }
}
