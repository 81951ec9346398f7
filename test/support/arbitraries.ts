import fc from 'fast-check';
import type { Behavior } from '../../src/core/model/policy.ts';
import type { SpecChange } from '../../src/core/model/pool.ts';
import { replicas } from '../../src/core/model/units.ts';
import { at } from './settle-builders.ts';

/** Records as a reader of JSON or YAML makes them; where that is not ruled out, some are without a prototype. */
export interface Made {
  readonly noNullPrototype: boolean;
}

export const size: fc.Arbitrary<number> = fc.integer({ min: 0, max: 60 });

/** Any `behavior` that the API accepts, small enough to bind. */
export function behaviorOf(made: Made): fc.Arbitrary<Behavior> {
  const rate = fc.record(
    {
      type: fc.constantFrom('Pods' as const, 'Percent' as const),
      value: fc.integer({ min: 1, max: 200 }),
      periodSeconds: fc.integer({ min: 1, max: 300 }),
    },
    made,
  );
  const direction = fc.record(
    {
      stabilizationWindowSeconds: fc.integer({ min: 0, max: 600 }),
      selectPolicy: fc.constantFrom('Max' as const, 'Min' as const, 'Disabled' as const),
      policies: fc.array(rate, { minLength: 1, maxLength: 3 }),
    },
    made,
  );
  return fc.record({ scaleUp: direction, scaleDown: direction }, made);
}

/** Observed changes around the epoch. */
export function changeOf(made: Made): fc.Arbitrary<SpecChange> {
  return fc.record(
    { at: fc.integer({ min: -400, max: 0 }).map(at), from: size.map(replicas), to: size.map(replicas) },
    made,
  );
}

export const behavior: fc.Arbitrary<Behavior> = behaviorOf({ noNullPrototype: false });
export const change: fc.Arbitrary<SpecChange> = changeOf({ noNullPrototype: false });
