import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PoolPolicy } from '../../../src/core/model/policy.ts';
import type { Recommendation } from '../../../src/core/model/decision.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { repaired } from '../../../src/core/role-repair.ts';
import { targetPolicy } from '../../support/builders.ts';
import { counterexample, runs } from '../../support/properties.ts';
import { target } from '../../support/settle-builders.ts';

interface World {
  readonly prefill: readonly number[];
  readonly decode: readonly number[];
  readonly bounds?: PoolPolicy['prefillPerDecode'];
  readonly most?: number;
}

function sizesAfter({ prefill, decode, bounds, most = 1000 }: World): {
  readonly prefill: readonly number[];
  readonly decode: readonly number[];
  readonly targets: Recommendation['targets'];
} {
  const halves = [
    ...prefill.map((wanted, i) => ({ name: `p${i}`, role: 'Prefill' as const, wanted })),
    ...decode.map((wanted, i) => ({ name: `d${i}`, role: 'Decode' as const, wanted })),
  ];
  const targets = repaired(
    halves.map(({ name, wanted }) => ({
      ...target({ wanted, minReplicas: 0, maxReplicas: most }),
      target: name,
    })),
    {
      targets: halves.map(({ name, role }) => targetPolicy({ target: name, role })),
      ...(bounds === undefined ? {} : { prefillPerDecode: bounds }),
    },
  );
  const sizes = targets.map(({ wanted }) => Number(wanted));
  return { prefill: sizes.slice(0, prefill.length), decode: sizes.slice(prefill.length), targets };
}

interface Case {
  readonly world: World;
  readonly prefill: readonly number[];
  readonly decode: readonly number[];
}

const cases: Readonly<Record<string, Case>> = {
  'without bounds stay as they are': { world: { prefill: [9], decode: [1] }, prefill: [9], decode: [1] },
  'are zero together': { world: { prefill: [0], decode: [0] }, prefill: [0], decode: [0] },
  'keep one while the other is wanted': { world: { prefill: [3], decode: [0] }, prefill: [3], decode: [1] },
  'lack prefill': { world: { prefill: [1], decode: [8], bounds: { min: 0.5 } }, prefill: [4], decode: [8] },
  'lack decode': { world: { prefill: [9], decode: [2], bounds: { max: 2 } }, prefill: [9], decode: [5] },
  'are inside': { world: { prefill: [3], decode: [2], bounds: { min: 1, max: 2 } }, prefill: [3], decode: [2] },
  'fill the first target, then the next': {
    world: { prefill: [5, 1], decode: [4, 4], bounds: { min: 1 }, most: 6 },
    prefill: [6, 2],
    decode: [4, 4],
  },
  'a third of six is two': { world: { prefill: [1], decode: [6], bounds: { min: 1 / 3 } }, prefill: [2], decode: [6] },
};

describe('two halves', () => {
  for (const [name, { world, prefill, decode }] of Object.entries(cases)) {
    test(`${name}`, () => {
      const after = sizesAfter(world);
      expect([after.prefill, after.decode]).toStrictEqual([prefill, decode]);
    });
  }
  test('say why one is raised', () => {
    const { targets } = sizesAfter({ prefill: [1], decode: [8], bounds: { min: 0.5 } });
    expect(targets[0]?.because[0]).toStrictEqual({
      reason: 'RolesTogether',
      message: '4: at least 0.5 prefill replicas for each of 8 that decode',
    });
  });
  test('of which one is not known are left alone', () => {
    const targets = [
      { ...target({ wanted: 8 }), target: 'decode' },
      { ...target({}), target: 'prefill', wanted: undefined },
    ].map(({ wanted, ...one }) => (wanted === undefined ? one : { ...one, wanted: replicas(wanted) }));
    const policies = [
      targetPolicy({ target: 'decode', role: 'Decode' }),
      targetPolicy({ target: 'prefill', role: 'Prefill' }),
    ];
    expect(repaired(targets, { targets: policies, prefillPerDecode: { min: 2 } })).toStrictEqual(targets);
  });
});

const worlds = fc.record({
  prefill: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 3 }),
  decode: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 3 }),
  bounds: fc
    .tuple(fc.double({ min: 0, max: 4, noNaN: true }), fc.double({ min: 0.1, max: 4, noNaN: true }))
    .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })),
  most: fc.integer({ min: 40, max: 500 }),
});
const sum = (sizes: readonly number[]): number => sizes.reduce((total, n) => total + n, 0);

describe('whatever the halves want', () => {
  test('none is lowered, a second repair changes nothing, and what is still outside is at its maximum', () => {
    expect(
      counterexample(
        fc.property(worlds, (world) => {
          const once = sizesAfter(world);
          const twice = sizesAfter({ ...world, ...once });
          const [p, d] = [sum(once.prefill), sum(once.decode)];
          const isFull = (sizes: readonly number[]): boolean => sizes.every((n) => n === world.most);
          const isUnder = p < world.bounds.min * d - 1e-6 && !isFull(once.prefill);
          const isOver = d < p / world.bounds.max - 1e-6 && !isFull(once.decode);
          const isLowered = [...once.prefill, ...once.decode].some(
            (n, i) => n < ([...world.prefill, ...world.decode][i] ?? 0),
          );
          const isStill = sum(twice.prefill) === p && sum(twice.decode) === d;
          return !isUnder && !isOver && !isLowered && isStill;
        }),
        runs(57),
      ),
    ).toBeUndefined();
  });
});
