import { ForewarmError, isForewarmError } from '../../errors.ts';
import type { Clock } from '../../ports/index.ts';
import { type Json, number, object, text } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';

export interface LeaderOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process. */
  readonly identity: string;
  /** Said on the Lease by whoever holds it, such as the address of its metrics door. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly leaseSeconds?: number;
  readonly renewDeadlineSeconds?: number;
  readonly retrySeconds?: number;
  readonly onProblem: (err: unknown) => void;
}

interface Observed {
  /** The record as it was when we first saw it so; its own times are another machine's clock and mean nothing here. */
  readonly record: string;
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * Leadership by Lease, with the times of the Kubernetes controllers (15 s lease, 10 s to renew, a try each 2 s). A lease is no fence: whoever
 * writes calls `assertFresh` right before, and sends the resourceVersion that it read in this term. Losing the lease ends the process.
 */
export class LeaderElector {
  readonly #options: LeaderOptions;
  readonly #lease: number;
  readonly #deadline: number;
  readonly #retry: number;
  #observed: Observed | undefined;
  #renewed: { readonly wall: number; readonly monotonic: number } | undefined;
  #version = '';
  #transitions = 0;
  #acquiredAt = '';

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#lease = (options.leaseSeconds ?? 15) * 1000;
    this.#deadline = (options.renewDeadlineSeconds ?? 10) * 1000;
    this.#retry = (options.retrySeconds ?? 2) * 1000;
  }

  get isLeader(): boolean {
    return this.#renewed !== undefined && this.#since(this.#renewed) < this.#deadline;
  }
  get path(): string {
    const { namespace, name } = this.#options;
    return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases/${encodeURIComponent(name)}`;
  }

  /** Throws NOT_LEADER unless the lease was renewed within the deadline: called at the moment of sending. */
  assertFresh(): void {
    if (!this.isLeader) {
      throw new ForewarmError(
        'NOT_LEADER',
        `the lease ${this.#options.namespace}/${this.#options.name} was not renewed in time`,
      );
    }
  }

  /** Resolves once this process holds the lease. */
  async acquire(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (await this.#look(signal)) return;
      await this.#options.clock.sleep(this.#nextLook(), signal);
    }
  }

  /** Renews until the signal (resolves) or until the lease is lost (throws NOT_LEADER). */
  async hold(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#rest(signal);
      if (signal.aborted) return;
      await this.#renew(signal);
      if (!this.isLeader && !signal.aborted) throw new ForewarmError('NOT_LEADER', `lost the lease ${this.path}`);
    }
  }

  /** Gives the lease back so that the next one need not wait; only after the last write was answered. */
  async release(signal: AbortSignal): Promise<void> {
    if (this.#renewed === undefined) return;
    this.#renewed = undefined;
    const body = this.#body('', 1, new Date(this.#options.clock.now()));
    await this.#options.http.call(
      { verb: 'PUT', path: this.path, body, lane: 'lease', deadlineMilliseconds: this.#retry },
      signal,
    );
  }

  /** One look; true when the lease is ours now. */
  async #look(signal: AbortSignal): Promise<boolean> {
    try {
      const lease = await this.#get(signal);
      if (lease === undefined) return await this.#take('POST', signal);
      this.#version = text(lease, 'metadata', 'resourceVersion') ?? '';
      return this.#isExpired(object(lease, 'spec')) && (await this.#take('PUT', signal));
    } catch (err) {
      signal.throwIfAborted();
      if (statusOf(err) !== 409) this.#options.onProblem(err);
      return false;
    }
  }

  #isExpired(spec: Json): boolean {
    this.#transitions = number(spec, 'leaseTransitions') ?? 0;
    const record = JSON.stringify(spec);
    if (record !== this.#observed?.record) this.#observed = { record, ...this.#now() };
    const holder = text(spec, 'holderIdentity') ?? '';
    if (holder === '' || holder === this.#options.identity) return true;
    return this.#since(this.#observed) >= (number(spec, 'leaseDurationSeconds') ?? this.#lease / 1000) * 1000;
  }

  /** Each second, or at the moment at which the record that we watch expires. */
  #nextLook(): number {
    if (this.#observed === undefined) return 1000;
    return Math.max(50, Math.min(1000, this.#lease - this.#since(this.#observed)));
  }

  async #take(verb: 'POST' | 'PUT', signal: AbortSignal): Promise<boolean> {
    const began = this.#now();
    const now = new Date(this.#options.clock.now());
    this.#acquiredAt = microTime(now);
    if (verb === 'PUT') this.#transitions += 1;
    const body = this.#body(this.#options.identity, this.#lease / 1000, now);
    const path = verb === 'POST' ? this.path.slice(0, this.path.lastIndexOf('/')) : this.path;
    this.#keep(
      await this.#options.http.call({ verb, path, body, lane: 'lease', deadlineMilliseconds: this.#retry }, signal),
    );
    this.#renewed = began;
    return true;
  }

  /** One try to renew. What fails is tried again in two seconds, until the deadline. */
  async #renew(signal: AbortSignal): Promise<void> {
    const began = this.#now();
    const body = this.#body(this.#options.identity, this.#lease / 1000, new Date(this.#options.clock.now()));
    try {
      this.#keep(
        await this.#options.http.call(
          { verb: 'PUT', path: this.path, body, lane: 'lease', deadlineMilliseconds: this.#retry },
          signal,
        ),
      );
      this.#renewed = began;
    } catch (err) {
      if (signal.aborted) return;
      if (statusOf(err) === 409) await this.#settleConflict(signal);
      else this.#options.onProblem(err);
    }
  }

  /** Somebody changed the object: a person's annotation is nothing, another holder is the end. */
  async #settleConflict(signal: AbortSignal): Promise<void> {
    try {
      const lease = await this.#get(signal);
      if (text(lease, 'spec', 'holderIdentity') !== this.#options.identity) this.#renewed = undefined;
      else this.#keep(lease);
    } catch (err) {
      if (!signal.aborted) this.#options.onProblem(err);
    }
  }

  async #get(signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#options.http.call(
        { verb: 'GET', path: this.path, lane: 'lease', deadlineMilliseconds: this.#retry },
        signal,
      );
    } catch (err) {
      if (isForewarmError(err) && statusOf(err) === 404) return undefined;
      throw err;
    }
  }

  #body(holder: string, seconds: number, now: Date): Json {
    const { namespace, name, annotations } = this.#options;
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        namespace,
        name,
        ...(this.#version === '' ? {} : { resourceVersion: this.#version }),
        annotations: annotations ?? {},
      },
      spec: {
        holderIdentity: holder,
        leaseDurationSeconds: seconds,
        acquireTime: this.#acquiredAt,
        renewTime: microTime(now),
        leaseTransitions: this.#transitions,
      },
    };
  }

  #keep(lease: unknown): void {
    this.#version = text(lease, 'metadata', 'resourceVersion') ?? '';
  }

  #now(): { readonly wall: number; readonly monotonic: number } {
    return { wall: this.#options.clock.now(), monotonic: this.#options.clock.monotonic() };
  }

  /** The larger of both clocks: the monotonic one may stop while a machine sleeps, the wall clock may be set. */
  #since(then: { readonly wall: number; readonly monotonic: number }): number {
    const now = this.#now();
    return Math.max(now.wall - then.wall, now.monotonic - then.monotonic);
  }

  async #rest(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(this.#retry, signal);
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }
}

/** Lease times carry six decimals; with three the API server answers 400. */
function microTime(at: Date): string {
  return at.toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
}
