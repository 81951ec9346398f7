import { pastWanted } from '../core/forecast/long.ts';
import type { FleetMemory, LongForecast } from '../core/model/memory.ts';
import type { PoolId } from '../core/model/pool.ts';
import { lacksPast, pastEnd, primed, type Primed, taughtBy } from '../core/priming.ts';
import { hasRoles } from '../core/roles.ts';
import type { Instant } from '../core/model/units.ts';
import { explainError } from '../errors.ts';
import type { Breathe } from '../ports/breathe.ts';
import type { HistoryReader, PastReplicas } from '../ports/history-reader.ts';
import type { Clock, TickInput } from '../ports/index.ts';
import { paced } from './breath.ts';

/** Where the past of a pool is asked for. */
export interface PastTask {
  /** Another source is asked anew. */
  readonly source: string;
  readonly reader: HistoryReader;
  readonly replicas: PastReplicas;
}

/** What came of it: bins that were read, and why not more. Neither: there is no past. */
export interface PrimingOutcome {
  readonly bins: number;
  readonly problem?: string;
}

export interface PrimingOptions {
  readonly clock: Clock;
  readonly breathe: Breathe;
  /** `undefined`: there is nobody to ask. */
  readonly taskOf: (pool: PoolId) => PastTask | undefined;
  readonly onEnd: (pool: PoolId, outcome: PrimingOutcome) => void;
}

interface Wanting extends PastTask {
  readonly of: Primed;
  /** From then on the pool remembers itself. */
  readonly until: Instant;
}

interface Taught {
  readonly of: Primed;
  readonly taught: LongForecast | undefined;
}

const restMilliseconds = 1000;

/** Gives pools that know nothing of days the past that somebody else counted: once a pool, one after the other, beside the passes. */
export class Priming {
  readonly #options: PrimingOptions;
  /** The source that each pool's past was asked of. */
  readonly #asked = new Map<PoolId, string>();
  readonly #wanting: Wanting[] = [];
  readonly #taught: Taught[] = [];

  constructor(options: PrimingOptions) {
    this.#options = options;
  }

  /** Notes the pools that lack a past, as a pass left them. */
  look({ pools, now }: TickInput, memory: FleetMemory): void {
    const live = new Set(pools.map(({ seen }) => seen.pool));
    for (const pool of this.#asked.keys()) if (!live.has(pool)) this.#asked.delete(pool);
    for (const { seen, policy } of pools) {
      const { pool } = seen;
      const learned = memory.pools[pool]?.learned;
      const task = this.#options.taskOf(pool);
      if (task === undefined || this.#asked.get(pool) === task.source) continue;
      this.#asked.set(pool, task.source);
      const of = { pool, policy };
      // What both halves of a pool counted would be taken twice.
      const isWanting = !hasRoles(policy) && (learned === undefined || lacksPast(learned, of, now));
      if (isWanting) this.#wanting.push({ ...task, of, until: learned === undefined ? now : pastEnd(learned, now) });
    }
  }

  /** Memory with what was taught since the last call; the same memory when that is nothing. */
  applied(memory: FleetMemory): FleetMemory {
    const pools = { ...memory.pools };
    let isChanged = false;
    for (const { of, taught } of this.#taught.splice(0)) {
      const before = pools[of.pool];
      if (before === undefined) continue;
      const learned = primed(before.learned, { taught, of, now: this.#options.clock.now() });
      isChanged ||= learned !== before.learned;
      pools[of.pool] = { ...before, learned };
    }
    return isChanged ? { ...memory, pools } : memory;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, onEnd } = this.#options;
    while (!signal.aborted) {
      const wanting = this.#wanting.shift();
      try {
        if (wanting === undefined) await clock.sleep(restMilliseconds, signal);
        else onEnd(wanting.of.pool, await this.#prime(wanting, signal));
      } catch (err) {
        if (signal.aborted) return;
        if (wanting === undefined) throw err;
        onEnd(wanting.of.pool, { bins: 0, problem: explainError(err) });
      }
    }
  }

  async #prime({ reader, replicas, of, until }: Wanting, signal: AbortSignal): Promise<PrimingOutcome> {
    const { past, problem } = await reader.readPast(replicas, pastWanted(of.pool), until, signal);
    const taught = await paced(taughtBy(past, of, until), this.#options.breathe, signal);
    this.#taught.push({ of, taught });
    return { bins: past.bins.length, ...(problem === undefined ? {} : { problem }) };
  }
}
