import fc from 'fast-check';
import type { Behavior } from '../../src/core/model/policy.ts';
import type { SpecChange } from '../../src/core/model/pool.ts';
import { replicas } from '../../src/core/model/units.ts';
import { at } from './settle-builders.ts';

/** Any `behavior` that the API accepts, small enough to bind. */
export const size: fc.Arbitrary<number> = fc.integer({ min: 0, max: 60 });
const rate = fc.record({
  type: fc.constantFrom('Pods' as const, 'Percent' as const),
  value: fc.integer({ min: 1, max: 200 }),
  periodSeconds: fc.integer({ min: 1, max: 300 }),
});
const direction = fc.record({
  stabilizationWindowSeconds: fc.integer({ min: 0, max: 600 }),
  selectPolicy: fc.constantFrom('Max' as const, 'Min' as const, 'Disabled' as const),
  policies: fc.array(rate, { minLength: 1, maxLength: 3 }),
});
/** Observed changes around the epoch. */
export const change: fc.Arbitrary<SpecChange> = fc.record({
  at: fc.integer({ min: -400, max: 0 }).map(at),
  from: size.map(replicas),
  to: size.map(replicas),
});

export const behavior: fc.Arbitrary<Behavior> = fc.record({ scaleUp: direction, scaleDown: direction });
