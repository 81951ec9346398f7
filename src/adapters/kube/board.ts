import type { Decision } from '../../core/model/decision.ts';
import type { FleetMemory, PoolMemory } from '../../core/model/memory.ts';
import type { PoolId, ReplicaSeen } from '../../core/model/pool.ts';
import type { PoolReport } from '../../core/model/report.ts';
import type { Problem } from '../../core/model/result.ts';
import type { Instant } from '../../core/model/units.ts';
import type { Breathe } from '../../ports/breathe.ts';
import type { Clock, MemoryStore, PoolInput, Publisher, TickInput, TickOutput } from '../../ports/index.ts';
import type { AutoscalerKept } from './autoscaler.ts';
import { Checkpoints } from './checkpoints.ts';
import { type Claims, claimsOf, targetKey } from './claims.ts';
import type { Cluster } from './cluster.ts';
import { conditionsOf, invalidConditions } from './conditions.ts';
import type { Json } from './fields.ts';
import { list, object, optional } from './fields.ts';
import { Announcer } from './announcer.ts';
import type { EventRecorder } from './events.ts';
import type { KubeHttp } from './http.ts';
import { Pickers } from './pickers.ts';
import { parseSafety } from './safety.ts';
import { StatusWriter } from './status-writer.ts';
import { invalidStatus, rfc3339, statusFor } from './status.ts';

export interface BoardOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly random: () => number;
  readonly cluster: Cluster;
  readonly namespace?: string;
  /** Throws when this process may not write any more. */
  readonly assertFresh: () => void;
  readonly problems: () => ReadonlyMap<PoolId, Problem>;
  readonly dangling: (autoscaler: AutoscalerKept) => readonly Problem[];
  readonly events: Pick<EventRecorder, 'record'>;
  readonly failureOf: (pool: PoolId) => string | undefined;
  readonly metricsOwner: () => string | undefined;
  /** Why these pods were not read, in words. */
  readonly readingProblem?: (pods: readonly Pick<ReplicaSeen, 'id' | 'name'>[]) => string | undefined;
  readonly freshMemory: (now: Instant) => PoolMemory;
  /** @default never */
  readonly breathe?: Breathe;
  readonly onProblem: (pool: PoolId, err: unknown) => void;
}

/** One pass, looked up by pool. */
interface PassView {
  readonly now: Instant;
  readonly decided: ReadonlyMap<PoolId, readonly Decision[]>;
  readonly reported: ReadonlyMap<PoolId, PoolReport>;
  readonly safety: TickOutput['memory']['pools'];
  readonly hpas: Claims['hpas'];
  readonly pickers: Pickers;
}

function viewOf(output: TickOutput, input: TickInput, cluster: Cluster): PassView {
  return {
    now: input.now,
    decided: Map.groupBy(output.decisions, ({ pool }) => pool),
    reported: new Map(output.reports.map((report) => [report.pool, report])),
    safety: output.memory.pools,
    hpas: claimsOf(cluster).hpas,
    pickers: new Pickers(cluster),
  };
}

/** What an autoscaler object tells: status with its conditions, and inside it the memory that a new leader needs. */
export class StatusBoard implements MemoryStore, Publisher {
  readonly #options: BoardOptions;
  readonly #writer: StatusWriter;
  readonly #checkpoints: Checkpoints;
  readonly #announcer: Announcer;
  readonly #past = new Map<PoolId, readonly Json[]>();
  #unsaved: ReadonlySet<PoolId> = new Set();

  constructor(options: BoardOptions) {
    this.#options = options;
    this.#writer = new StatusWriter(options);
    this.#checkpoints = new Checkpoints(options);
    this.#announcer = new Announcer(options.events);
  }

  /** Memory as the last leader left it; read from the server, not from a watch that may lag behind. */
  async load(signal: AbortSignal): Promise<FleetMemory> {
    const { cluster, clock, freshMemory } = this.#options;
    const learned = await this.#checkpoints.read(signal);
    const pools: Record<PoolId, PoolMemory> = {};
    for (const [pool, status] of await this.#writer.statuses(signal)) {
      const safety = parseSafety(status);
      this.#past.set(
        pool,
        list(status, 'decisions')
          .filter((one) => typeof one === 'object')
          .map((one) => object({ one }, 'one')),
      );
      const fresh = freshMemory(clock.now());
      pools[pool] = { safety: safety ?? fresh.safety, learned: learned.get(pool) ?? fresh.learned };
    }
    const assignments: Record<string, Instant> = {};
    for (const cache of cluster.nodeCaches.list()) {
      for (const { hash } of cache.assigned) assignments[`${cache.node}/${hash}`] = clock.now();
    }
    return { pools, assignments };
  }

  /** Whether the memory behind this pass's scale of the pool is stored. */
  isSaved(pool: PoolId): boolean {
    return !this.#unsaved.has(pool);
  }

  async save(output: TickOutput, input: TickInput, signal: AbortSignal): Promise<void> {
    const scaled = new Set(output.actions.flatMap((action) => (action.kind === 'Scale' ? [action.pool] : [])));
    const unsaved = new Set<PoolId>();
    const view = viewOf(output, input, this.#options.cluster);
    for (const one of input.pools) {
      if (!scaled.has(one.seen.pool)) continue;
      const status = this.#statusOf(one, view);
      const isStored = status !== undefined && (await this.#writer.writeNow(one.seen.pool, status, signal));
      if (!isStored) unsaved.add(one.seen.pool);
    }
    this.#unsaved = unsaved;
  }

  async publish(output: TickOutput, input: TickInput): Promise<void> {
    const view = viewOf(output, input, this.#options.cluster);
    for (const one of input.pools) {
      const status = this.#statusOf(one, view);
      if (status !== undefined) this.#offer(one.seen.pool, status);
      const learned = output.memory.pools[one.seen.pool]?.learned;
      if (learned !== undefined) this.#checkpoints.offer(one.seen.pool, learned);
      const breath = this.#options.breathe?.();
      if (breath !== undefined) await breath;
    }
    for (const [pool, problem] of this.#options.problems()) this.#refuse(pool, problem);
  }

  /** What would be written; nothing is. */
  preview(output: TickOutput, input: TickInput): ReadonlyMap<PoolId, Json> {
    const all = new Map<PoolId, Json>();
    const view = viewOf(output, input, this.#options.cluster);
    for (const one of input.pools) {
      const status = this.#statusOf(one, view);
      if (status !== undefined) all.set(one.seen.pool, status);
    }
    return all;
  }

  /** Writes what was offered, in the background of the passes, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#writer.run(signal), this.#checkpoints.run(signal)]);
  }

  /** An orderly end: what was learnt is stored once more. */
  async drain(signal: AbortSignal): Promise<void> {
    await this.#checkpoints.drain(signal);
  }

  #offer(pool: PoolId, status: Json): void {
    const autoscaler = this.#options.cluster.autoscalers.get(pool);
    if (autoscaler !== undefined) this.#announcer.tell(autoscaler, status);
    this.#writer.offer(pool, status);
  }

  #refuse(pool: PoolId, problem: Problem): void {
    const autoscaler = this.#options.cluster.autoscalers.get(pool);
    if (autoscaler === undefined) return;
    const before = object(autoscaler.raw, 'status');
    const { generation } = autoscaler;
    const conditions = invalidConditions(problem);
    this.#offer(pool, invalidStatus({ generation, now: this.#options.clock.now(), conditions, before }));
  }

  #statusOf(
    { seen, policy }: PoolInput,
    { now, decided, reported, safety: memories, hpas, pickers }: PassView,
  ): Json | undefined {
    const autoscaler = this.#options.cluster.autoscalers.get(seen.pool);
    if (autoscaler === undefined) return undefined;
    const decisions = decided.get(seen.pool) ?? [];
    const report = reported.get(seen.pool);
    const safety = memories[seen.pool]?.safety;
    const failure = this.#options.failureOf(seen.pool);
    const isUnheard =
      policy.mode === 'Recommend' && seen.targets.some(({ otherOwner }) => otherOwner?.problem !== undefined);
    const metricsOwner = isUnheard ? this.#options.metricsOwner() : undefined;
    const before = pickers.of(autoscaler).map(({ uid, name }) => ({ id: uid, name }));
    const readingProblem = this.#options.readingProblem?.([
      ...before,
      ...seen.targets.flatMap(({ replicas }) => replicas),
    ]);
    const conditions = conditionsOf({
      mode: policy.mode,
      targets: seen.targets,
      decisions,
      damps: dampsOf(autoscaler, hpas),
      dangling: this.#options.dangling(autoscaler),
      ...optional('report', report),
      ...optional('failure', failure),
      ...optional('metricsOwner', metricsOwner),
      ...optional('readingProblem', readingProblem),
    });
    return statusFor({
      generation: autoscaler.generation,
      now,
      policy,
      seen,
      decisions,
      past: this.#pastOf(seen.pool, decisions),
      conditions,
      before: this.#writer.last(seen.pool) ?? object(autoscaler.raw, 'status'),
      ...optional('report', report),
      ...optional('safety', safety),
    });
  }

  /** Newest first: sizes that were decided anew, not each pass that repeats one. */
  #pastOf(pool: PoolId, decisions: readonly Decision[]): readonly Json[] {
    const past = [...(this.#past.get(pool) ?? [])];
    for (const { target, at, from, replicas, because } of decisions) {
      const last = past.find((one) => one['target'] === target)?.['to'] ?? from;
      if (replicas === undefined || replicas === last) continue;
      const [binding] = because;
      past.unshift({
        time: rfc3339(at),
        target,
        ...(from === undefined ? {} : { from }),
        to: replicas,
        reason: binding?.reason ?? 'DemandMet',
        message: (binding?.message ?? '').slice(0, 256),
      });
    }
    const kept = past.slice(0, 10);
    this.#past.set(pool, kept);
    return kept;
  }
}

function dampsOf(autoscaler: AutoscalerKept, hpas: Claims['hpas']): readonly string[] {
  if (autoscaler.mode !== 'Recommend') return [];
  const followers = autoscaler.targets.flatMap((ref) => hpas.get(targetKey(autoscaler.namespace, ref)) ?? []);
  return followers.flatMap(({ name, ours, damps }) =>
    ours.length === 0 ? [] : damps.map((one) => `HorizontalPodAutoscaler/${name}: ${one}`),
  );
}
