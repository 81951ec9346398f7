import { expect, test } from 'vitest';
import type { ReplicaPhase, ReplicaSeen } from '../../../src/core/model/pool.ts';
import { replicas } from '../../../src/core/model/units.ts';
import {
  at,
  llama8bH100,
  missingSamples,
  poolPolicy,
  poolSeen,
  replicaSeen,
  samples,
  targetPolicy,
  targetSeen,
} from '../../support/builders.ts';
import { passes } from '../../support/scenes.ts';

/** A fluid pool: requests of 1,000 and 200 tokens arrive at `rate`, a ready replica serves `each` a second, what is left over waits at the gateway. */
class FluidPool {
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
  seen(t: number, spec: number): ReturnType<typeof poolSeen> {
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

const policy = poolPolicy({ targets: [targetPolicy({ profile: llama8bH100, maxReplicas: replicas(200) })] });

function specsOf(pool: FluidPool, ready: number, to: number): readonly number[] {
  return passes({ spec: ready, policy, to, seen: (t, spec) => pool.seen(t, spec) }).map(({ spec }) => spec);
}

test('a step of demand is met by one order that is neither repeated nor hunted over', () => {
  const pool = new FluidPool((t) => (t < 600 ? 25 : 100), { ready: 2, after: () => 120 });
  const specs = specsOf(pool, 2, 1500);
  const largest = Math.max(...specs);
  const raised = specs.findIndex((spec) => spec === largest);
  expect(raised * 15).toBeLessThanOrEqual(600 + 60);
  expect(specs.slice(raised, raised + 20).every((spec) => spec === largest)).toBe(true);
  expect(largest).toBeGreaterThanOrEqual(6);
  expect(largest).toBeLessThanOrEqual(12);
  expect(pool.waiting).toBe(0);
});

test('engines that serve less than was computed are found out by their queue, and it is not forgotten', () => {
  const pool = new FluidPool(() => 60, { ready: 4, after: () => 120, each: 14 });
  const specs = specsOf(pool, 4, 3600);
  const turns = specs.filter((spec, i) => i > 20 && spec < (specs[i - 1] ?? 0)).length;
  expect(Math.max(...specs)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...specs)).toBeLessThanOrEqual(9);
  expect(Math.min(...specs.slice(60))).toBeGreaterThanOrEqual(5);
  expect(turns).toBeLessThanOrEqual(3);
  expect(pool.waiting).toBe(0);
});

test.each(['Unschedulable', 'Gated', 'CrashLooping', 'Scheduling', 'LoadingWeights'] as const)(
  'while what was ordered stays %s for ever, a growing queue does not order it again',
  (phase) => {
    const never = () => Number.POSITIVE_INFINITY;
    const specs = specsOf(new FluidPool(() => 60, { ready: 2, after: never, phase }), 2, 3600);
    const first = Math.max(...specs.slice(0, 20));
    expect(first).toBeGreaterThan(4);
    expect(Math.max(...specs)).toBe(first);
  },
);

test('constant demand is held without a change of direction', () => {
  const specs = specsOf(new FluidPool(() => 60, { ready: 5, after: () => 120 }), 5, 5400);
  const settled = specs.slice(60);
  expect(new Set(settled).size).toBe(1);
  expect(settled[0]).toBeGreaterThanOrEqual(4);
  expect(settled[0]).toBeLessThanOrEqual(6);
});

test('noise of a tenth around a constant demand changes direction at most once a window (I11)', () => {
  const noise = (t: number) => 60 * (1 + 0.1 * Math.sin(t * 12.9898) * Math.cos(t * 0.37));
  const specs = specsOf(new FluidPool(noise, { ready: 5, after: () => 120 }), 5, 7200).slice(40);
  const steps = specs.flatMap((spec, i) =>
    i > 0 && spec !== specs[i - 1] ? [Math.sign(spec - (specs[i - 1] ?? 0))] : [],
  );
  const turns = steps.filter((step, i) => i > 0 && step !== steps[i - 1]).length;
  expect(turns).toBeLessThanOrEqual(4);
});

test('when demand falls for good the fleet follows, after its window and in one direction', () => {
  const pool = new FluidPool((t) => (t < 900 ? 100 : 25), { ready: 9, after: () => 120 });
  const specs = specsOf(pool, 9, 3600);
  expect(specs.slice(0, 60).every((spec) => spec >= 6)).toBe(true);
  expect(specs.at(-1)).toBeLessThanOrEqual(3);
  expect(pool.waiting).toBe(0);
});
