import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runSimulation } from '../../../src/sim/simulation.ts';
import type { ScenarioOptions } from '../../../src/sim/scenario.ts';
import { simArtifact } from '../../../src/sim/scenario.ts';
import { workloadOf } from '../../../src/sim/workload/workload.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

const profile = profileWith();
const quiet: ScenarioOptions = { workload: poisson({ rate: 4, seconds: 900 }), profile, startSpread: 0 };

describe('a simulation', () => {
  it('gives the same bytes for the same seed, and others for another', () => {
    const run = (seed: number): string =>
      JSON.stringify(
        runSimulation({ ...quiet, seed, startSpread: 0.2, scrapeGapShare: 0.1 }, new Script({ 30: 6, 300: 2, 500: 9 })),
      );
    expect(run(3)).toBe(run(3));
    expect(run(3)).not.toBe(run(4));
  });

  it('loses no request: arrivals are completed, shed or lost, whatever the policy does', () => {
    const orders = fc.dictionary(
      fc.integer({ min: 1, max: 60 }).map((n) => `${n * 5}`),
      fc.integer({ min: 0, max: 8 }),
      { maxKeys: 12 },
    );
    const settings = fc.record({
      gatewayTimeoutSeconds: fc.constantFrom(5, 60),
      gatewayQueueLimit: fc.constantFrom(3, 1000),
      gracePeriodSeconds: fc.constantFrom(0, 2, 3600),
      gatewayHolds: fc.constantFrom('NoneReady' as const, 'AllFull' as const),
      routing: fc.constantFrom('LeastLoaded' as const, 'RoundRobin' as const),
      drainSeconds: fc.constantFrom(0, 600),
      coldStartSeconds: fc.constantFrom(0, 20, 110),
      seed: fc.integer({ min: 1, max: 1000 }),
      rate: fc.constantFrom(1, 10, 40),
    });
    const tight = profileWith({ maxNumSeqs: 8, kvCapacityTokens: 6000 });
    fc.assert(
      fc.property(orders, settings, (sizes, { rate, ...setting }) => {
        const workload = poisson({ rate, seconds: 300, seed: setting.seed });
        const options = { ...setting, workload, profile: tight, minReplicas: 0, maxReplicas: 8, initialReplicas: 2 };
        const result = runSimulation(options, new Script(sizes));
        expect(result.arrivals).toBe(workload.arrivalMs.length);
        expect(result.completed + result.shed + result.lost).toBe(result.arrivals);
        expect(result.attainment ?? 0).toBeLessThanOrEqual(result.completed / Math.max(1, result.arrivals));
        // Draining pods overlap with new ones: never more than the nodes have.
        expect(result.gpuHours).toBeLessThanOrEqual((16 * 300) / 3600 + 1e-9);
      }),
      { numRuns: 80, seed: 11 },
    );
  });

  for (const size of [1, 3, 8]) {
    it(`charges a static fleet of ${size} for exactly its size times the duration`, () => {
      const result = runSimulation(quiet, new Script({}, { initial: size }));
      expect(result.gpuHours).toBeCloseTo((size * 900) / 3600, 10);
      expect(result.replicaChanges).toBe(0);
      expect(result.lost + result.shed).toBe(0);
      expect(result.timeline.t.at(-1)).toBe(900);
    });
  }

  it('gives every policy the same arrivals and the k-th start the same durations', () => {
    const readyAfter = (policy: Script): readonly number[] => {
      runSimulation({ ...quiet, startSpread: 0.3, gpusPerNode: 1 }, policy);
      const last = policy.views.at(-1)?.seen.targets[0]?.replicas ?? [];
      return last.flatMap(({ milestones: { readyAt, createdAt }, node }) =>
        node === 'node-01' || readyAt === undefined ? [] : [readyAt - createdAt],
      );
    };
    const together = readyAfter(new Script({ 5: 4 }));
    expect(together).toHaveLength(3);
    expect(readyAfter(new Script({ 50: 2, 100: 3, 200: 4 }))).toStrictEqual(together);
  });

  it('pays from binding to release, and finishes what a draining replica runs', () => {
    const workload = workloadOf('one long answer', [{ arrivalMs: 1000, promptTokens: 100, outputTokens: 5000 }], 600);
    const drained = runSimulation({ workload, profile, minReplicas: 0 }, new Script({ 5: 0 }));
    expect(drained).toMatchObject({ completed: 1, lost: 0, lostOnScaleDown: 0, shed: 0 });
    expect(drained.gpuHours * 3600).toBeCloseTo(1 + (drained.e2e?.mean ?? 0), 1);
    const killed = runSimulation({ workload, profile, minReplicas: 0, gracePeriodSeconds: 10 }, new Script({ 5: 0 }));
    expect(killed).toMatchObject({ completed: 0, lost: 1, lostOnScaleDown: 1, shed: 0, attainment: 0 });
    expect(killed.gpuHours * 3600).toBeCloseTo(15, 6);
  });

  it('says what GPUs were there for: on the way, idle, busy or draining', () => {
    const workload = workloadOf('one answer', [{ arrivalMs: 200_000, promptTokens: 100, outputTokens: 5000 }], 600);
    const options = { workload, profile, minReplicas: 0, coldStartSeconds: 100, startSpread: 0, gpusPerNode: 1 };
    const { gpuHoursBy, e2e } = runSimulation(options, new Script({ 5: 2, 400: 1 }, { initial: 1 }));
    const seconds = Object.fromEntries(Object.entries(gpuHoursBy).map(([use, hours]) => [use, hours * 3600]));
    const served = (e2e?.mean ?? 0) - profile.tau0 / 1000;
    // Of a cold start of 100 s 2 are scheduling, before GPUs are allocated. One replica is there throughout, the other from 7 to 400 s.
    expect(seconds['image']).toBeCloseTo(38, 6);
    expect(seconds['weights']).toBeCloseTo(20, 6);
    expect(seconds['engine']).toBeCloseTo(40, 6);
    expect(seconds['busy']).toBeCloseTo(served, 3);
    expect(seconds['idle']).toBeCloseTo(600 + 295 - served, 3);
    expect(seconds['draining']).toBe(0);
    const drained = runSimulation(options, new Script({ 205: 0 }, { initial: 1 }));
    expect(drained.gpuHoursBy.busy * 3600).toBeCloseTo(5, 3);
    expect(drained.gpuHoursBy.draining * 3600).toBeCloseTo(served - 5, 3);
  });

  it('holds requests at the gateway while nothing is ready, and sheds those that time out', () => {
    const workload = workloadOf(
      'two requests',
      [10, 80].map((seconds) => ({ arrivalMs: seconds * 1000, promptTokens: 100, outputTokens: 10 })),
      300,
    );
    const options = { workload, profile, minReplicas: 0, coldStartSeconds: 110, startSpread: 0 };
    const early = runSimulation(options, new Script({ 5: 0, 15: 1 }, { initial: 1 }));
    expect(early).toMatchObject({ shed: 0, completed: 2 });
    // Ordered on a node that holds everything: 2.2 s to bind, 44 s for the engine.
    expect(early.ttft?.p99).toBeCloseTo(15 + 46.2 - 10, 1);
    const late = runSimulation(options, new Script({ 5: 0, 60: 1 }, { initial: 1 }));
    expect(late.shed).toBe(1);
    expect(late.ttft?.mean).toBeCloseTo(60 + 46.2 - 80, 1);
  });

  it('leaves waiting what does not fit at the beginning', () => {
    const policy = new Script({}, { initial: 6 });
    const { peakReplicas } = runSimulation({ ...quiet, nodes: 1, gpusPerNode: 4 }, policy);
    const phases = policy.views.at(-1)?.seen.targets[0]?.replicas.map(({ phase }) => phase);
    expect(phases?.filter((phase) => phase === 'Ready')).toHaveLength(4);
    expect(phases?.filter((phase) => phase === 'Unschedulable')).toHaveLength(2);
    expect(peakReplicas).toBe(4);
  });

  it('leaves unschedulable what no node can hold, and binds it when GPUs come free', () => {
    const policy = new Script({ 5: 4, 300: 3, 305: 2 }, { initial: 2 });
    const result = runSimulation({ ...quiet, nodes: 1, gpusPerNode: 2 }, policy);
    const at = (seconds: number): number =>
      policy.views
        .find(({ now }) => now === seconds * 1000)
        ?.seen.targets[0]?.replicas.filter(({ phase }) => phase === 'Unschedulable').length ?? -1;
    expect(at(10)).toBe(2);
    expect(at(310)).toBe(0);
    expect(result.peakReplicas).toBe(2);
    expect(result.coldStarts + result.warmStarts).toBe(0);
  });

  it('starts faster on a node that was assigned the weights in time', () => {
    const options: ScenarioOptions = { ...quiet, gpusPerNode: 1, nodes: 3 };
    const artifact = simArtifact(profile).hash;
    const lead = (assigns: boolean): number => {
      const policy = new Script(
        { 200: 2 },
        {
          answer: ({ now }) =>
            assigns && now === 5000
              ? { actions: [{ kind: 'Assign', node: 'node-3', artifact, pool: 'simulation/pool' }] }
              : {},
        },
      );
      const result = runSimulation(options, policy);
      expect([result.coldStarts, result.warmStarts]).toStrictEqual(assigns ? [0, 1] : [1, 0]);
      const started = policy.views.at(-1)?.seen.targets[0]?.replicas[1];
      expect(started?.node).toBe(assigns ? 'node-3' : 'node-2');
      return ((started?.milestones.readyAt ?? 0) - (started?.milestones.orderedAt ?? 0)) / 1000;
    };
    expect(lead(false)).toBeCloseTo(110, 1);
    expect(lead(true)).toBeCloseTo(88, 1);
  });
});
