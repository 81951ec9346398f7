import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bundledPolicies } from '../../../../src/cli/bundled.ts';
import type { ReplicaPhase } from '../../../../src/core/model/pool.ts';
import { at, fleetSeen, poolSeen, type Readings, targetSeen } from '../../../support/builders.ts';
import { definitionOf, look, type PoolGiven, policyOf } from '../../../support/peer-policies.ts';

const definitions = await Promise.all(Object.keys(bundledPolicies()).map(definitionOf));
const peers = definitions.filter(
  (definition) => definition.kind === 'SimulatedPolicy' && definition.algorithm !== 'Static',
);

const readings: fc.Arbitrary<Readings> = fc.record({
  waiting: fc.oneof(fc.nat(2000), fc.constant('ScrapeFailed' as const)),
  running: fc.nat(1024),
  kvUse: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant('NotExposed' as const)),
  kvCapacityTokens: fc.constantFrom(420_800, 0),
  finishedTotal: fc.nat(1e6),
  promptTokensTotal: fc.nat(1e9),
  cachedPromptTokensTotal: fc.nat(1e6),
  outputTokensTotal: fc.nat(1e9),
  ttftCount: fc.nat(1e6),
  ttftSecondsSum: fc.nat(1e6),
  itlCount: fc.nat(1e9),
  itlSecondsSum: fc.nat(1e6),
  maxRunning: fc.constantFrom(256, 1024),
});
const phases = fc.constantFrom<ReplicaPhase>('Unschedulable', 'LoadingWeights', 'StartingEngine', 'Draining');
const pools: fc.Arbitrary<PoolGiven> = fc.record({
  ready: fc.array(readings, { maxLength: 4 }),
  others: fc.array(phases, { maxLength: 3 }),
  spec: fc.integer({ min: 1, max: 8 }),
  queued: fc.nat(5000),
  requestsTotal: fc.nat(1e6),
});

describe('whatever it sees, every peer', () => {
  for (const definition of peers) {
    test(`${definition.name} stays inside the bounds of the run`, () => {
      fc.assert(
        fc.property(fc.array(pools, { minLength: 1, maxLength: 12 }), fc.constantFrom(15, 200), (views, seconds) => {
          const policy = policyOf(definition, { minReplicas: 1, maxReplicas: 8 });
          for (const [i, view] of views.entries()) {
            const { replicas = 1, because } = look(policy, seconds * i, view);
            expect(because).not.toBe('');
            expect([1, 2, 3, 4, 5, 6, 7, 8]).toContain(replicas);
          }
        }),
        { numRuns: 60, seed: 7 },
      );
    });
    test(`${definition.name} decides nothing when the size cannot be read`, () => {
      const { specReplicas: _, ...target } = targetSeen();
      const seen = poolSeen({ targets: [target] });
      const answer = policyOf(definition).decide({ now: at(0), seen, fleet: fleetSeen() });
      expect(answer.replicas).toBeUndefined();
    });
  }
});

test('a peer carries nothing from one run to the next', () => {
  for (const definition of peers) {
    const busy: PoolGiven = { ready: [{ kvUse: 1, waiting: 50, running: 90 }], queued: 5, requestsTotal: 100 };
    const first = look(policyOf(definition), 0, busy);
    expect(look(policyOf(definition), 0, busy)).toStrictEqual(first);
  }
});
