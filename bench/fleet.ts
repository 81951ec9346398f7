import type { PoolPolicy } from '../src/core/model/policy.ts';
import type { FleetSeen, NodeSeen, PoolSeen, ReplicaSeen } from '../src/core/model/pool.ts';
import { missing, value } from '../src/core/model/sample.ts';
import { after, bytes, instant, replicas, type Instant } from '../src/core/model/units.ts';
import type { PoolInput } from '../src/core/tick.ts';

export const start: Instant = instant(1_800_000_000_000);
const daySeconds = 86_400;

/** One pool of a fixed number of busy replicas whose load goes up and down over a day; each pool at its own hour and a little rough. */
export class BusyPool {
  readonly #name: string;
  readonly #index: number;
  readonly #replicas: number;
  readonly #finished: number[];
  #seconds = 0;

  constructor(index: number, replicas: number) {
    this.#index = index;
    this.#name = poolName(index);
    this.#replicas = replicas;
    this.#finished = Array.from({ length: replicas }, () => 0);
  }

  /** Moves the load on and reads every replica at the new time. */
  step(seconds: number): PoolSeen {
    this.#seconds += seconds;
    const now = after(start, this.#seconds);
    const rate = this.#rate();
    for (const [at, finished] of this.#finished.entries()) this.#finished[at] = finished + rate * seconds;
    return {
      pool: this.#name,
      scrapeIntervalSeconds: 15,
      floors: [],
      targets: [
        {
          target: 'server',
          specReplicas: replicas(this.#replicas),
          statusReplicas: replicas(this.#replicas),
          specChanges: [],
          replicas: this.#finished.map((finished, at) => this.#replica(at, finished, { rate, now })),
          eligibleNodes: nodesOf(this.#index, this.#replicas).map(({ node }) => node),
          isRollingOut: false,
        },
      ],
    };
  }

  /** Requests per second and replica. */
  #rate(): number {
    const hour = (this.#seconds / daySeconds + this.#index / 24) * 2 * Math.PI;
    const rough = Math.sin(this.#seconds * 12.9898 + this.#index * 78.233) * 0.2;
    return 2 + Math.sin(hour) + rough;
  }

  #replica(at: number, finished: number, { rate, now }: { readonly rate: number; readonly now: Instant }): ReplicaSeen {
    const id = `${this.#name}-${String(at).padStart(3, '0')}`;
    const ready = after(start, -3600);
    const read = (n: number): ReturnType<typeof value> => value(n, now);
    return {
      id,
      name: id,
      node: nodeName(this.#index, at),
      phase: 'Ready',
      since: ready,
      milestones: {
        createdAt: after(ready, -90),
        scheduledAt: after(ready, -89),
        imageAt: after(ready, -60),
        readyAt: ready,
      },
      samples: {
        waiting: read(Math.max(0, Math.round(rate - 2))),
        running: read(Math.round(rate * 6)),
        kvUse: read(rate / 5),
        kvCapacityTokens: read(400_000),
        finishedTotal: read(Math.floor(finished)),
        promptTokensTotal: read(Math.floor(finished) * 900),
        cachedPromptTokensTotal: read(Math.floor(finished) * 200),
        outputTokensTotal: read(Math.floor(finished) * 220),
        preemptionsTotal: read(0),
        ttftSecondsSum: read(finished * 0.2),
        ttftCount: read(Math.floor(finished)),
        itlSecondsSum: read(finished * 4),
        itlCount: read(Math.floor(finished) * 219),
        queueSecondsSum: read(finished * 0.01),
        queueCount: read(Math.floor(finished)),
        maxRunning: missing('NotExposed'),
      },
    };
  }
}

export function poolName(index: number): string {
  return `bench/pool-${String(index).padStart(4, '0')}`;
}

/** A node of eight GPUs for each eight replicas, and one to spare for each pool. */
export function fleetOf(pools: number, replicasEach: number): FleetSeen {
  return { nodes: Array.from({ length: pools }, (_, index) => nodesOf(index, replicasEach)).flat() };
}

function nodesOf(index: number, count: number): readonly NodeSeen[] {
  return Array.from({ length: Math.ceil(count / 8) + 1 }, (_, at) => ({
    node: nodeName(index, at * 8),
    isHealthy: true,
    gpus: 8,
    freeGpus: Math.max(0, Math.min(8, (at + 1) * 8 - count)),
    cache: { phases: {}, assigned: [], budgetBytes: bytes(500e9), usedBytes: bytes(0), reportedAt: start },
  }));
}

function nodeName(pool: number, replica: number): string {
  return `node-${String(pool).padStart(4, '0')}-${Math.floor(replica / 8)}`;
}

export function inputs(pools: readonly BusyPool[], policy: PoolPolicy, seconds: number): readonly PoolInput[] {
  return pools.map((pool) => ({ seen: pool.step(seconds), policy }));
}
