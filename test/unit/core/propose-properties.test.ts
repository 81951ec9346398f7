import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PoolMemory } from '../../../src/core/model/memory.ts';
import type { PoolPolicy } from '../../../src/core/model/policy.ts';
import type { PoolSeen, ReplicaPhase, ReplicaSeen } from '../../../src/core/model/pool.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { freshMemory, propose, type Proposed } from '../../../src/core/propose.ts';
import { emptyMemory, tick } from '../../../src/core/tick.ts';
import {
  at,
  fleetSeen,
  llama8bH100,
  missingSamples,
  nodeSeen,
  poolPolicy,
  poolSeen,
  replicaSeen,
  samples,
  targetPolicy,
  targetSeen,
  type Readings,
} from '../../support/builders.ts';
import { passes, proposals } from '../../support/scenes.ts';

const most = replicas(1000);
const policies: readonly PoolPolicy[] = [
  poolPolicy({ targets: [targetPolicy({ maxReplicas: most })] }),
  poolPolicy({ targets: [targetPolicy({ maxReplicas: most, profile: llama8bH100 })] }),
];
const policy = fc.constantFrom(...policies);

interface Load {
  readonly waiting: number;
  readonly running: number;
  readonly kvUse: number;
  readonly rate: number;
}
const load: fc.Arbitrary<Load> = fc.record({
  waiting: fc.integer({ min: 0, max: 300 }),
  running: fc.integer({ min: 0, max: 256 }),
  kvUse: fc.double({ min: 0, max: 1, noNaN: true }),
  /** Some counter moves at each look, else the gauges are not believed. */
  rate: fc.double({ min: 0.1, max: 30, noNaN: true }),
});

function readingsOf({ waiting, running, kvUse, rate }: Load, t: number): Readings {
  const finishedTotal = Math.floor(rate * (t + 1000));
  return {
    waiting,
    running,
    kvUse,
    finishedTotal,
    promptTokensTotal: finishedTotal * 900,
    outputTokensTotal: finishedTotal * 150,
  };
}
function poolOf(loads: readonly (Load | 'dark')[], t: number, pending: readonly ReplicaPhase[] = []): PoolSeen {
  const listed = loads.map((l, i): ReplicaSeen => {
    const read = l === 'dark' ? missingSamples() : samples(readingsOf(l, t), at(t));
    return replicaSeen(`r${String(i).padStart(2, '0')}`, { samples: read, since: at(-100) });
  });
  const waiting = pending.map((phase, i) =>
    replicaSeen(`z${i}`, { phase, samples: missingSamples('NotScraped'), milestones: { createdAt: at(t - 30) } }),
  );
  return poolSeen({ targets: [targetSeen({ replicas: [...listed, ...waiting] })] });
}
function wantedOf({ recommendation }: Proposed): number | undefined {
  return recommendation.targets[0]?.wanted;
}
/** Memory of a pool that lived through `loads`, one look each 15 s, the last at -15 s. */
function livedThrough(loads: readonly (readonly Load[])[], by: PoolPolicy): PoolMemory {
  let memory = freshMemory(at(-15 * loads.length));
  loads.forEach((now, i) => {
    const t = -15 * (loads.length - i);
    memory = propose({ memory, seen: poolOf(now, t), fleet: fleetSeen(), policy: by, now: at(t) }).memory;
  });
  return memory;
}
const history = fc.array(fc.array(load, { minLength: 1, maxLength: 6 }), { maxLength: 8 });
const fleet = fleetSeen([nodeSeen('n1')]);

test('more load never wants fewer replicas (I9)', () => {
  const more = fc.record({
    replica: fc.nat({ max: 5 }),
    waiting: fc.nat({ max: 100 }),
    running: fc.nat({ max: 60 }),
    kvUse: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(history, fc.array(load, { minLength: 1, maxLength: 6 }), more, policy, (lived, now, add, by) => {
      const memory = livedThrough(lived, by);
      const heavier = now.map((l, i) =>
        i === add.replica % now.length
          ? {
              ...l,
              waiting: l.waiting + add.waiting,
              running: l.running + add.running,
              kvUse: Math.min(1, l.kvUse + add.kvUse),
            }
          : l,
      );
      const wanted = (loads: readonly Load[]) =>
        wantedOf(propose({ memory, seen: poolOf(loads, 0), fleet, policy: by, now: at(0) }));
      expect(wanted(heavier)).toBeGreaterThanOrEqual(wanted(now) ?? Number.NaN);
    }),
    { numRuns: 1000 },
  );
});

test('signals that are missing never want fewer replicas than there are (I2)', () => {
  const some = fc.array(fc.oneof(load, fc.constant('dark' as const)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(history, some, policy, (lived, loads, by) => {
      const proposed = propose({
        memory: livedThrough(lived, by),
        seen: poolOf(loads, 0),
        fleet,
        policy: by,
        now: at(0),
      });
      const { evidence, wanted } = proposed.recommendation.targets[0] ?? {};
      const dark = loads.filter((l) => l === 'dark').length;
      const isCovered = loads.length < 5 ? dark <= 1 && dark < loads.length : dark <= 0.2 * loads.length;
      expect(evidence?.allowsDecrease).toBe(isCovered);
      expect(isCovered || wanted === undefined || wanted >= loads.length).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('under a constant demand nothing is ordered twice, however many replicas are still to come or cannot start', () => {
  const blocked = fc.constantFrom<ReplicaPhase>(
    'Unschedulable',
    'Gated',
    'Scheduling',
    'LoadingWeights',
    'StartingEngine',
  );
  fc.assert(
    fc.property(load, blocked, fc.integer({ min: 1, max: 4 }), policy, (steady, phase, ready, by) => {
      const loads = Array.from({ length: ready }, () => steady);
      const specs = passes({
        spec: ready,
        policy: by,
        to: 300,
        seen: (t, spec) =>
          poolOf(
            loads,
            t,
            Array.from({ length: Math.max(0, spec - ready) }, () => phase),
          ),
      }).map(({ spec }) => spec);
      const needs = proposals({ policy: by, to: 300, seen: (t) => poolOf(loads, t) }).map(({ report }) =>
        Math.max(report.targets[0]?.reactiveNeed ?? 0, report.targets[0]?.forecastNeed ?? 0),
      );
      expect(Math.max(...specs)).toBeLessThanOrEqual(Math.max(ready, ...needs));
    }),
    { numRuns: 150 },
  );
});

test('replicas that cannot start are never asked to be more', () => {
  fc.assert(
    fc.property(
      history,
      fc.array(load, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 5 }),
      policy,
      (lived, loads, n, by) => {
        const pending = Array.from({ length: n }, () => 'Unschedulable' as const);
        const proposed = propose({
          memory: livedThrough(lived, by),
          seen: poolOf(loads, 0, pending),
          fleet,
          policy: by,
          now: at(0),
        });
        expect(wantedOf(proposed)).toBeLessThanOrEqual(loads.length + n);
      },
    ),
    { numRuns: 600 },
  );
});

test('what is seen and remembered survives JSON: a pass over the parsed copy gives the same bytes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.oneof(load, fc.constant('dark' as const)), { maxLength: 5 }), {
        minLength: 1,
        maxLength: 10,
      }),
      policy,
      (looks, by) => {
        let memory = emptyMemory;
        let copied = emptyMemory;
        looks.forEach((loads, i) => {
          const input = { now: at(15 * i), pools: [{ seen: poolOf(loads, 15 * i), policy: by }], fleet };
          const output = tick(memory, input);
          const again = tick(JSON.parse(JSON.stringify(copied)), JSON.parse(JSON.stringify(input)));
          expect(JSON.stringify(again)).toBe(JSON.stringify(output));
          memory = output.memory;
          copied = again.memory;
        });
      },
    ),
    { numRuns: 400 },
  );
});

test('a report is at most 16 kB and what is learned at most 200 kB, whatever a pool lived through', () => {
  const names = (n: number, phase: ReplicaPhase, t: number) =>
    Array.from({ length: n }, (_, i) => {
      const id = `${phase}-0123456789-abcdefghij-${i}`;
      const read = samples(readingsOf({ waiting: 3, running: 20, kvUse: 0.31234567, rate: 3.1234567 }, t), at(t));
      return replicaSeen(id, { phase, samples: read, since: at(-100) });
    });
  const seen = (t: number) =>
    poolSeen({
      targets: [
        targetSeen({
          replicas: [...names(300, 'Ready', t), ...names(100, 'LoadingWeights', t), ...names(9, 'Unready', t)],
        }),
      ],
    });
  const last = proposals({ seen, policy: policies[1] ?? poolPolicy(), to: 3600 }).at(-1);
  expect(JSON.stringify(last?.report).length).toBeLessThan(16_000);
  expect(JSON.stringify(last?.memory.learned).length).toBeLessThan(200_000);
});
