import type { EngineProfile } from '../../core/model/profile.ts';
import { Replica } from '../replica.ts';
import {
  type Latencies,
  latenciesOf,
  type MeasuredRun,
  mediansOf,
  type RequestTimes,
  type SentLoad,
} from './measured-run.ts';

/** The figures of a run as the engine model has them with this profile. */
export function playBack(profile: EngineProfile, run: MeasuredRun): Partial<Latencies> {
  const { windowMs = Number.POSITIVE_INFINITY, scored } = run;
  return mediansOf(
    run.loads.map((load) => {
      const { sentMs, firstMs, lastMs } = played(profile, load, windowMs);
      const times = load.requests.flatMap(({ outputTokens }, i): readonly RequestTimes[] => {
        const [sent, first, last] = [sentMs[i], firstMs[i], lastMs[i]];
        if (sent === undefined || first === undefined || last === undefined || last > windowMs) return [];
        if (scored !== undefined && (i < scored.from || i >= scored.to)) return [];
        return [{ ttft: first - sent, e2e: last - sent, outputTokens }];
      });
      return latenciesOf(times);
    }),
  );
}

/** By request; absent: not sent, or not answered by the end of the window. The client's clock. */
interface Played {
  readonly sentMs: readonly number[];
  readonly firstMs: readonly number[];
  readonly lastMs: readonly number[];
}

/** A request reaches the engine tau0 after it was sent, so that users of a closed loop wait for it too. */
function played(profile: EngineProfile, load: SentLoad, windowMs: number): Played {
  const session = new Session(profile);
  if (load.kind === 'Closed') session.playClosed(load);
  else session.playOpen(load, windowMs);
  return session;
}

/** Milliseconds after which an engine that has just ended an iteration has begun the next. */
const begun = 1e-6;

class Session implements Played {
  readonly sentMs: number[] = [];
  readonly firstMs: number[] = [];
  readonly lastMs: number[] = [];
  readonly #tau0: number;
  readonly #replica: Replica;
  /** Finished and not yet followed by the user's next request. */
  #done: number[] = [];

  constructor(profile: EngineProfile) {
    this.#tau0 = profile.tau0;
    this.#replica = new Replica({
      profile,
      startMs: 0,
      observer: {
        firstToken: (id, atMs) => {
          this.firstMs[id] = atMs;
        },
        finished: (id, atMs) => {
          this.lastMs[id] = atMs;
          this.#done.push(atMs);
        },
      },
    });
  }

  playOpen({ requests }: SentLoad, windowMs: number): void {
    for (const [id, request] of requests.entries()) {
      if (request.arrivalMs > windowMs) break;
      this.sentMs[id] = request.arrivalMs;
      this.#replica.submit({ id, ...request }, request.arrivalMs + this.#tau0);
    }
    this.#replica.advance(windowMs);
  }

  playClosed({ users, untilMs, requests }: Extract<SentLoad, { readonly kind: 'Closed' }>): void {
    const due: number[] = Array.from({ length: users }, () => 0);
    for (const [id, { promptTokens, outputTokens }] of requests.entries()) {
      const sent = this.#nextSend(due);
      if (sent === undefined || sent >= untilMs) break;
      this.sentMs[id] = sent;
      this.#replica.submit({ id, promptTokens, outputTokens }, sent + this.#tau0);
    }
    this.#replica.advance(Number.POSITIVE_INFINITY);
  }

  get #next(): number {
    return this.#replica.nextChangeMs;
  }

  /** When the next user sends: nobody sends before what runs has been looked at up to then. */
  #nextSend(due: number[]): number | undefined {
    for (let next = this.#next; next < (due[0] ?? Number.POSITIVE_INFINITY) + this.#tau0; next = this.#next) {
      this.#done = [];
      this.#replica.advance(next);
      if (this.#next === next) this.#replica.advance(next + begun);
      due.push(...this.#done);
    }
    return due.shift();
  }
}
