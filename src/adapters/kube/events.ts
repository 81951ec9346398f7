import { createHash } from 'node:crypto';
import type { Clock } from '../../ports/index.ts';
import type { Json } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';
import { TokenBucket } from './token-bucket.ts';

export interface Occurrence {
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** What was done or tried, one CamelCase word. */
  readonly action: string;
  readonly note: string;
}

interface Series {
  readonly name: string;
  readonly namespace: string;
  readonly note: string;
  readonly count: number;
  readonly lastAt: number;
}

export interface EventRecorderOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  /** `POD_NAME` or host name. */
  readonly instance: string;
  readonly onProblem: (err: unknown) => void;
}

const longestQueue = 1000;
const seriesMilliseconds = 6 * 60 * 1000;
const sameMilliseconds = 60_000;

/**
 * Events for people, never in the way of a pass: a bounded queue, one event an object, reason and action, repeated ones counted as its series, and
 * at most one write a minute for the same thing. A note cannot be changed afterwards, so another note is another event: what was done at once, what
 * is wrong (whose figures change all the time) again at most once a minute.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #queue: Occurrence[] = [];
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, TokenBucket>();
  #dropped = 0;
  #wake: () => void = () => undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Occurrences that were not written because of a full queue or too many for one object. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Not yet looked at. */
  get queued(): number {
    return this.#queue.length;
  }

  record(occurrence: Occurrence): void {
    if (this.#queue.length >= longestQueue || !this.#bucket(occurrence).tryTake()) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push(occurrence);
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const next = this.#queue.shift();
      if (next === undefined) await this.#idle(signal);
      else await this.#write(next, signal);
    }
  }

  async #write(one: Occurrence, signal: AbortSignal): Promise<void> {
    const now = this.#options.clock.now();
    const key = JSON.stringify([one.regarding.uid, one.reason, one.action, one.type]);
    const series = this.#series.get(key);
    try {
      if (series === undefined || isNew(one, series, now)) await this.#create(key, one, signal);
      else if (now - series.lastAt >= sameMilliseconds) await this.#repeat(key, series, signal);
      else this.#series.set(key, { ...series, count: series.count + 1 });
    } catch (err) {
      if (signal.aborted) return;
      this.#series.delete(key);
      this.#dropped += 1;
      this.#options.onProblem(err);
    }
  }

  async #create(key: string, one: Occurrence, signal: AbortSignal): Promise<void> {
    const { clock, instance, http } = this.#options;
    const now = clock.now();
    const suffix = createHash('sha256').update(`${key}${now}${one.note}`).digest('hex').slice(0, 16);
    const { namespace } = one.regarding;
    const name = `${one.regarding.name.slice(0, 200)}.${suffix}`;
    const body: Json = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace },
      eventTime: microTime(now),
      reportingController: 'forewarm.dev/controller',
      reportingInstance: instance.slice(0, 128),
      regarding: one.regarding,
      type: one.type,
      reason: one.reason,
      action: one.action,
      note: one.note.slice(0, 1000),
    };
    await http.call(
      { verb: 'POST', path: `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`, body },
      signal,
    );
    this.#series.set(key, { name, namespace, note: one.note, count: 1, lastAt: now });
    this.#forget(now);
  }

  async #repeat(key: string, series: Series, signal: AbortSignal): Promise<void> {
    const now = this.#options.clock.now();
    const path = `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(series.namespace)}/events/${encodeURIComponent(series.name)}`;
    const body = { series: { count: series.count + 1, lastObservedTime: microTime(now) } };
    try {
      await this.#options.http.call({ verb: 'PATCH', path, body }, signal);
      this.#series.set(key, { ...series, count: series.count + 1, lastAt: now });
    } catch (err) {
      if (statusOf(err) !== 404) throw err;
      this.#series.delete(key);
    }
  }

  #forget(now: number): void {
    for (const [key, series] of this.#series)
      if (now - series.lastAt > 10 * seriesMilliseconds) this.#series.delete(key);
    if (this.#buckets.size > longestQueue) this.#buckets.clear();
  }

  /** 25 at once for one object, then one in five minutes, as the Kubernetes client does. */
  #bucket({ regarding }: Occurrence): TokenBucket {
    const known = this.#buckets.get(regarding.uid);
    if (known !== undefined) return known;
    const fresh = new TokenBucket(1 / 300, 25, this.#options.clock);
    this.#buckets.set(regarding.uid, fresh);
    return fresh;
  }

  #idle(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

function isNew({ note, type }: Occurrence, series: Series, now: number): boolean {
  if (now - series.lastAt > seriesMilliseconds) return true;
  return note !== series.note && (type === 'Normal' || now - series.lastAt >= sameMilliseconds);
}

function microTime(at: number): string {
  return new Date(at).toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
}
