import type { PoolId } from '../core/model/pool.ts';
import type { Clock } from '../ports/index.ts';
import type { ReplicaAddress, ReplicaReader, ReplicaReading } from '../ports/replica-reader.ts';

/** What one source reads for one pool. */
export interface ReadingTask {
  readonly pool: PoolId;
  /** Tasks of the same source are read together. */
  readonly source: string;
  readonly reader: ReplicaReader;
  readonly intervalSeconds: number;
  readonly replicas: readonly ReplicaAddress[];
  /** Nobody serves: the first request that waits calls for a pass. */
  readonly isAsleep?: boolean;
}

export interface ReadingOptions {
  readonly clock: Clock;
  readonly tasks: () => readonly ReadingTask[];
  /** Each reading, as it came. */
  readonly onReading: (reading: ReplicaReading) => void;
  /** Each reading that says why something is missing, once per change of the reason. */
  readonly onProblem: (replica: ReplicaAddress, reading: ReplicaReading) => void;
  /** More work waits in this pool than when a pass last looked. */
  readonly onSurge: (pool: PoolId) => void;
  readonly onFailure: (source: string, err: unknown) => void;
}

const turnMilliseconds = 250;

/** Reads all replicas at their own interval, beside the passes: a pass only looks at what was read last. */
export class Readings {
  readonly #options: ReadingOptions;
  readonly #latest = new Map<string, ReplicaReading>();
  readonly #due = new Map<string, number>();
  readonly #busy = new Set<string>();
  readonly #problems = new Map<string, string>();
  readonly #waiting = new Map<string, number>();
  #seen: ReadonlyMap<string, number> = new Map();

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  /** The last reading of each replica that still exists; what a pass sees becomes the mark from which a surge is judged. */
  latest(): ReadonlyMap<string, ReplicaReading> {
    this.#seen = new Map(this.#waiting);
    return this.#latest;
  }

  /** Why replicas could not be read or not wholly, as of the last try: the first in words. */
  problemOf(replicas: readonly { readonly id: string; readonly name: string }[]): string | undefined {
    const troubled = replicas.filter(({ id }) => (this.#problems.get(id) ?? '') !== '');
    const [first] = troubled;
    if (first === undefined) return undefined;
    const others = troubled.length > 1 ? ` (and ${troubled.length - 1} more)` : '';
    return `${first.name}${others}: ${this.#problems.get(first.id)}`;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#start(signal);
      try {
        await this.#options.clock.sleep(turnMilliseconds, signal);
      } catch (err) {
        if (signal.aborted) return;
        throw err;
      }
    }
  }

  /** Reads everything once, due or not, and waits for it. */
  async once(signal: AbortSignal): Promise<void> {
    const tasks = this.#options.tasks();
    this.#forget(tasks);
    await Promise.all([...bySource(tasks)].map(([source, group]) => this.#read(source, group, signal)));
  }

  /** A source that is still reading is left alone: slow replicas never pile up work. */
  #start(signal: AbortSignal): void {
    const now = this.#options.clock.monotonic();
    const tasks = this.#options.tasks();
    this.#forget(tasks);
    const due = tasks.filter((task) => (this.#due.get(keyOf(task)) ?? 0) <= now && !this.#busy.has(task.source));
    for (const task of due)
      this.#due.set(keyOf(task), now + Math.max(1, task.intervalSeconds) * 1000 - turnMilliseconds / 2);
    for (const [source, group] of bySource(due)) void this.#read(source, group, signal);
  }

  async #read(source: string, tasks: readonly ReadingTask[], signal: AbortSignal): Promise<void> {
    const [first] = tasks;
    if (first === undefined) return;
    this.#busy.add(source);
    try {
      const replicas = tasks.flatMap((task) => task.replicas);
      const read = await first.reader.read(replicas, this.#options.clock.now(), signal);
      for (const replica of replicas) this.#take(replica, read.get(replica.id));
      for (const task of tasks) this.#judge(task);
    } catch (err) {
      if (!signal.aborted) this.#options.onFailure(source, err);
    } finally {
      this.#busy.delete(source);
    }
  }

  #take(replica: ReplicaAddress, reading: ReplicaReading | undefined): void {
    if (reading === undefined) return;
    this.#latest.set(replica.id, reading);
    this.#options.onReading(reading);
    const problem = reading.problem ?? '';
    if (problem !== '' && this.#problems.get(replica.id) !== problem) this.#options.onProblem(replica, reading);
    this.#problems.set(replica.id, problem);
  }

  /** Work that begins to queue need not wait for the next pass. */
  #judge(task: ReadingTask): void {
    const { pool, replicas } = task;
    const key = keyOf(task);
    const waiting = replicas.reduce((sum, { id }) => sum + valueOf(this.#latest.get(id)), 0);
    const before = this.#seen.get(key) ?? 0;
    this.#waiting.set(key, waiting);
    const isWoken = task.isAsleep === true && before === 0 && waiting > 0;
    if (isWoken || waiting > before * 1.5 + 1) this.#options.onSurge(pool);
  }

  #forget(tasks: readonly ReadingTask[]): void {
    const live = new Set(tasks.flatMap((task) => task.replicas.map(({ id }) => id)));
    for (const id of this.#latest.keys()) if (!live.has(id)) this.#latest.delete(id);
    for (const id of this.#problems.keys()) if (!live.has(id)) this.#problems.delete(id);
    const keys = new Set(tasks.map(keyOf));
    for (const key of this.#due.keys()) if (!keys.has(key)) this.#due.delete(key);
  }
}

/** A pool may be read from several sources, each at its own time. */
function keyOf({ source, pool }: ReadingTask): string {
  return `${source} ${pool}`;
}

function valueOf(reading: ReplicaReading | undefined): number {
  const sample = reading?.samples.waiting;
  return sample?.kind === 'value' ? sample.value : 0;
}

function bySource(tasks: readonly ReadingTask[]): ReadonlyMap<string, readonly ReadingTask[]> {
  const groups = new Map<string, ReadingTask[]>();
  for (const task of tasks) groups.set(task.source, [...(groups.get(task.source) ?? []), task]);
  return groups;
}
