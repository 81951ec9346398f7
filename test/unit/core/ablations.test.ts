import { expect, test } from 'vitest';
import type { Part } from '../../../src/core/model/policy.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { llama8bH100, poolPolicy, targetPolicy, tunables } from '../../support/builders.ts';
import { FluidPool } from '../../support/fluid-pool.ts';
import { passes } from '../../support/scenes.ts';

/** Sizes of a load that climbs and falls, with a part left out; the fluid replicas serve half of what their profile says. */
function sizes(...without: readonly Part[]): readonly number[] {
  const rate = (t: number): number => 40 + 120 * Math.max(0, 1 - Math.abs(t - 1200) / 900);
  const pool = new FluidPool(rate, { ready: 6, after: () => 120, each: 10 });
  const policy = poolPolicy({
    targets: [targetPolicy({ profile: llama8bH100, maxReplicas: replicas(60) })],
    tunables: { ...tunables, without },
  });
  return passes({ seen: (t, spec) => pool.seen(t, spec), policy, spec: 6, to: 3600 }).map(({ spec }) => spec);
}

test.each<Part>(['Forecast', 'Pending', 'Consolidation', 'Learning'])(
  'without %s the same minutes are decided otherwise',
  (part) => {
    expect(sizes(part)).not.toStrictEqual(sizes());
  },
);
