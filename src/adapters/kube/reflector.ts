import { type ForewarmError, isForewarmError } from '../../errors.ts';
import type { Clock } from '../../ports/index.ts';
import { list, number, text } from './fields.ts';
import { type KubeHttp, statusOf } from './http.ts';
import { readLines } from './lines.ts';
import { type Kept, keyOf, type Store } from './store.ts';

export interface ReflectorOptions<T extends Kept> {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly random: () => number;
  /** Collection path, as `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Keeps what we use; undefined drops the object. Must not throw. */
  readonly transform: (raw: unknown) => T | undefined;
  readonly store: Store<T>;
  /** Told of each failure; the reflector goes on by itself. */
  readonly onProblem: (err: unknown) => void;
  /** The kind may not be installed: 404 is an empty list, asked again every half minute. */
  readonly isOptional?: boolean;
  readonly resyncSeconds?: number;
}

/** Thrown inside: the version we watch from is gone, list again. */
class Expired extends Error {
  override readonly name = 'Expired';
}

const firstBackoff = 800;
const longestBackoff = 30_000;
const healthyAfter = 120_000;

/** Keeps a store equal to one collection of the API server: paged list, then watch with bookmarks, for ever, until the signal. */
export class Reflector<T extends Kept> {
  readonly #options: ReflectorOptions<T>;
  #version = '';
  #backoff = firstBackoff;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = this.#options.clock.monotonic();
      try {
        await this.#turn(signal);
      } catch (err) {
        if (signal.aborted) return;
        await this.#recover(err, this.#options.clock.monotonic() - began, signal);
      }
    }
  }

  /** One list and its watches, until the resync is due. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { clock, resyncSeconds = 600 } = this.#options;
    if (this.#version === '') await this.#list(signal);
    const until = clock.monotonic() + resyncSeconds * 1000 * (1 + 0.2 * this.#options.random());
    while (!signal.aborted && clock.monotonic() < until) await this.#watch(signal);
    this.#version = '';
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { http, path, transform, store } = this.#options;
    const kept: T[] = [];
    let token = '';
    let version = '';
    do {
      const query = { ...this.#options.query, limit: '500', ...(token === '' ? {} : { continue: token }) };
      const page = await http.call({ verb: 'GET', path, query, deadlineMilliseconds: 30_000 }, signal);
      for (const item of list(page, 'items')) {
        const one = transform(item);
        if (one !== undefined) kept.push(one);
      }
      token = text(page, 'metadata', 'continue') ?? '';
      version = text(page, 'metadata', 'resourceVersion') ?? '';
    } while (token !== '');
    store.replace(kept);
    this.#version = version;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { http, path, random, clock } = this.#options;
    const timeout = 300 + Math.floor(300 * random());
    const query = {
      ...this.#options.query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version,
      timeoutSeconds: String(timeout),
    };
    // A half-open connection sends nothing, not even its end: no watch outlives its own time-out by a minute.
    const watchdog = AbortSignal.any([signal, AbortSignal.timeout((timeout + 60) * 1000)]);
    const opened = clock.monotonic();
    for await (const line of readLines(await http.stream({ verb: 'GET', path, query }, watchdog))) {
      this.#apply(line);
      if (clock.monotonic() - opened > healthyAfter) this.#backoff = firstBackoff;
    }
    if (clock.monotonic() - opened < 1000) await clock.sleep(firstBackoff * (1 + random()), signal);
  }

  #apply(line: string): void {
    const event = this.#parse(line);
    const type = text(event, 'type');
    const raw = event === undefined ? undefined : Reflect.get(event, 'object');
    if (type === 'ERROR')
      throw new Expired(`watch answered ${number(raw, 'code') ?? 'an error'}: ${text(raw, 'message') ?? ''}`);
    const version = text(raw, 'metadata', 'resourceVersion');
    if (version !== undefined) this.#version = version;
    if (type === 'ADDED' || type === 'MODIFIED') this.#keep(raw);
    else if (type === 'DELETED') this.#drop(raw);
  }

  /** A broken line means an event is lost: only a list can tell which. */
  #parse(line: string): object | undefined {
    try {
      const event: unknown = JSON.parse(line);
      return typeof event === 'object' && event !== null ? event : undefined;
    } catch (err) {
      throw new Expired(`watch sent a line that is not JSON (${line.length} characters)`, { cause: err });
    }
  }

  #keep(raw: unknown): void {
    const kept = this.#options.transform(raw);
    if (kept === undefined) this.#options.store.delete(keyOf(raw));
    else this.#options.store.set(kept);
  }

  /** Under the key under which it was kept, which is the transform's to choose. */
  #drop(raw: unknown): void {
    const { transform, store } = this.#options;
    store.delete(transform(raw)?.key ?? keyOf(raw));
  }

  async #recover(err: unknown, lasted: number, signal: AbortSignal): Promise<void> {
    const { random, store, isOptional, onProblem } = this.#options;
    const status = statusOf(err);
    if (status === 404 && isOptional === true) {
      store.replace([]);
      this.#version = '';
      return await this.#rest(longestBackoff, signal);
    }
    if (err instanceof Expired || status === 410) this.#version = '';
    if (!(status === 410)) onProblem(err);
    if (lasted > healthyAfter) this.#backoff = firstBackoff;
    await this.#rest(Math.max(retryAfter(err), this.#backoff * (1 + random())), signal);
    this.#backoff = Math.min(this.#backoff * 2, longestBackoff);
  }

  async #rest(milliseconds: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(milliseconds, signal);
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }
}

function retryAfter(err: unknown): number {
  const cause: ForewarmError['cause'] = isForewarmError(err) ? err.cause : undefined;
  return (number(cause, 'retryAfterSeconds') ?? 0) * 1000;
}
