import type { PoolSeen, ReplicaPhase, ReplicaSeen } from '../../src/core/model/pool.ts';
import { replicas } from '../../src/core/model/units.ts';
import { at, missingSamples, poolSeen, replicaSeen, samples, targetSeen } from './builders.ts';

/** A fluid pool: requests of 1,000 and 200 tokens arrive at `rate`, a ready replica serves `each` a second, what is left over waits at the gateway. */
export class FluidPool {
  readonly #rate: (t: number) => number;
  readonly #startsAfter: (ordinal: number) => number;
  readonly #pendingPhase: ReplicaPhase;
  readonly #each: number;
  readonly #bornAt: number[] = [];
  readonly #finished: number[] = [];
  #waiting = 0;
  #arrived = 0;
  #running = 0;
  #t = 0;

  constructor(
    rate: (t: number) => number,
    starts: {
      readonly ready: number;
      readonly after: (ordinal: number) => number;
      readonly phase?: ReplicaPhase;
      readonly each?: number;
    },
  ) {
    this.#rate = rate;
    this.#startsAfter = starts.after;
    this.#pendingPhase = starts.phase ?? 'LoadingWeights';
    this.#each = starts.each ?? 21;
    for (let i = 0; i < starts.ready; i++) this.#bornAt.push(-10_000);
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Moves on to `t` with `spec` replicas and shows them. */
  seen(t: number, spec: number): PoolSeen {
    while (this.#bornAt.length > spec) this.#bornAt.pop();
    while (this.#bornAt.length < spec) this.#bornAt.push(this.#t);
    const ready = this.#bornAt.filter((born, i) => this.#isReady(born, i, t)).length;
    this.#finished.length = ready;
    const arrived = this.#rate(t) * (t - this.#t) + this.#waiting;
    const served = Math.min(arrived, this.#each * ready * (t - this.#t));
    for (let i = 0; i < ready; i++) this.#finished[i] = (this.#finished[i] ?? 0) + served / ready;
    this.#waiting = arrived - served;
    this.#running = t === this.#t ? 0 : (3 * served) / (t - this.#t);
    const before = this.#t;
    this.#t = t;
    this.#arrived += this.#rate(t) * (t - before);
    const { waiting: queued, finishedTotal: requestsTotal } = samples(
      { waiting: this.#waiting, finishedTotal: this.#arrived },
      at(t),
    );
    return poolSeen({
      targets: [targetSeen({ specReplicas: replicas(spec), replicas: this.#replicas(ready, t) })],
      gateway: { queued, requestsTotal },
    });
  }

  #isReady(born: number, ordinal: number, t: number): boolean {
    return born + this.#startsAfter(ordinal) <= t || born < 0;
  }

  #replicas(ready: number, t: number): readonly ReplicaSeen[] {
    return this.#bornAt.map((born, i) => {
      const id = `r${String(i).padStart(3, '0')}`;
      if (!this.#isReady(born, i, t)) {
        return replicaSeen(id, {
          phase: this.#pendingPhase,
          samples: missingSamples('NotScraped'),
          milestones: { orderedAt: at(born), createdAt: at(born) },
        });
      }
      const finishedTotal = this.#finished[i] ?? 0;
      const read = samples(
        {
          waiting: 0,
          running: this.#running / ready,
          kvUse: 0.2,
          finishedTotal,
          promptTokensTotal: finishedTotal * 1000,
          outputTokensTotal: finishedTotal * 200,
        },
        at(t),
      );
      const readyAt = at(born < 0 ? -3600 : born + this.#startsAfter(i));
      const milestones = { createdAt: at(Math.max(-3700, born)), readyAt };
      return replicaSeen(id, { samples: read, since: readyAt, milestones });
    });
  }
}
