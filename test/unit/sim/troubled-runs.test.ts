import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Fault } from '../../../src/core/model/simulated-fault.ts';
import type { Lifecycle } from '../../../src/core/model/simulated-lifecycle.ts';
import { simArtifact } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

const seconds = 300;
const profile = profileWith({ maxNumSeqs: 8, kvCapacityTokens: 6000 });
const artifact = simArtifact(profile).hash;

const window = fc
  .tuple(fc.integer({ min: 0, max: 280 }), fc.integer({ min: 1, max: 200 }))
  .map(([fromSeconds, length]) => ({ fromSeconds, toSeconds: fromSeconds + length }));
const share = fc.constantFrom(0, 0.3, 1);
const nodes = fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });
const kinds: readonly fc.Arbitrary<Fault>[] = [
  fc.tuple(window, share).map(([at, s]) => ({ kind: 'MetricBlackout' as const, ...at, share: s })),
  fc
    .tuple(window, fc.integer({ min: 1, max: 300 }))
    .map(([at, n]) => ({ kind: 'StaleSeries' as const, ...at, persistSeconds: n })),
  fc.tuple(window, share).map(([at, s]) => ({ kind: 'FrozenGauges' as const, ...at, share: s })),
  fc.tuple(window, nodes).map(([at, n]) => ({ kind: 'Unschedulable' as const, ...at, nodes: n })),
  fc
    .tuple(window, nodes, fc.constantFrom(0, 20, 50), fc.constantFrom(0, 30, 300))
    .map(([at, n, noticeSeconds, evictSeconds]) => ({
      kind: 'NodeLoss' as const,
      ...at,
      nodes: n,
      noticeSeconds,
      evictSeconds,
    })),
  window.map((at) => ({ kind: 'SlowPulls' as const, ...at, imageFactor: 3, weightsFactor: 0.5 })),
  fc
    .tuple(window, share, fc.integer({ min: 1, max: 3 }))
    .map(([at, s, times]) => ({ kind: 'EngineCrash' as const, ...at, share: s, times })),
  fc.tuple(window, share).map(([at, s]) => ({ kind: 'SkewedRouting' as const, ...at, share: s })),
];
const lifecycles: fc.Arbitrary<Lifecycle> = fc.record(
  {
    contention: fc.constantFrom(
      { registryStreams: 1, originStreams: 1, nodeStreams: 1 },
      { registryStreams: 2, originStreams: 0.5, nodeStreams: 1, peers: { streams: 1, timeFactor: 0.4 } },
    ),
    nodePool: fc.constantFrom(
      { initialNodes: 1, lead: { medianSeconds: 30, spread: 0.3 }, idleSeconds: 20 },
      { initialNodes: 3, lead: { medianSeconds: 100, spread: 0 } },
    ),
    sleeping: fc.constant({ perNode: 2, wake: { medianSeconds: 3, spread: 0.2 } }),
  },
  { requiredKeys: [] },
);

const runs = fc.record({
  faults: fc.array(fc.oneof(...kinds), { maxLength: 5 }),
  lifecycle: lifecycles,
  assignBringsImage: fc.boolean(),
  sizes: fc.dictionary(
    fc.integer({ min: 1, max: 60 }).map((n) => `${n * 5}`),
    fc.integer({ min: 0, max: 8 }),
    { maxKeys: 10 },
  ),
  assigned: fc.dictionary(
    fc.integer({ min: 1, max: 60 }).map((n) => `${n * 5000}`),
    fc.tuple(fc.constantFrom('Assign' as const, 'Unassign' as const), fc.integer({ min: 1, max: 5 })),
    { maxKeys: 6 },
  ),
  gatewayHolds: fc.constantFrom('NoneReady' as const, 'AllFull' as const),
  gracePeriodSeconds: fc.constantFrom(0, 20),
  seed: fc.integer({ min: 1, max: 1000 }),
  rate: fc.constantFrom(2, 15),
});

it('whatever goes wrong, every arrival is completed, shed or lost, GPUs are never overbooked and each of their hours has one use, and each seed has its bytes', () => {
  fc.assert(
    fc.property(runs, ({ sizes, assigned, rate, ...options }) => {
      const workload = poisson({ rate, seconds, seed: options.seed });
      const scenario = {
        ...options,
        workload,
        profile,
        minReplicas: 0,
        maxReplicas: 8,
        nodes: 5,
        gpusPerNode: 2,
        coldStartSeconds: 60,
      };
      const run = (): ReturnType<typeof runSimulation> =>
        runSimulation(
          scenario,
          new Script(sizes, {
            initial: 2,
            answer: ({ now, fleet, seen }) => {
              for (const { freeGpus, gpus } of fleet.nodes) expect(freeGpus >= 0 && freeGpus <= gpus).toBe(true);
              const ids = seen.targets[0]?.replicas.map(({ id }) => id) ?? [];
              expect(ids).toStrictEqual([...new Set(ids)].sort());
              const order = assigned[`${now}`];
              if (order === undefined) return {};
              return { actions: [{ kind: order[0], node: `node-${order[1]}`, artifact, pool: 'simulation/pool' }] };
            },
          }),
        );
      const result = run();
      expect(result.completed + result.shed + result.lost).toBe(result.arrivals);
      expect(result.gpuHours).toBeLessThanOrEqual((10 * seconds) / 3600 + 1e-9);
      const uses = Object.values(result.gpuHoursBy);
      expect(uses.reduce((sum, hours) => sum + hours, 0)).toBeCloseTo(result.gpuHours, 9);
      expect(Math.min(...uses)).toBeGreaterThanOrEqual(0);
      expect(JSON.stringify(run())).toBe(JSON.stringify(result));
    }),
    { numRuns: 25, seed: 21 },
  );
});
