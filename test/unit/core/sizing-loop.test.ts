import { expect, test } from 'vitest';
import { replicas } from '../../../src/core/model/units.ts';
import { llama8bH100, poolPolicy, targetPolicy } from '../../support/builders.ts';
import { FluidPool } from '../../support/fluid-pool.ts';
import { passes } from '../../support/scenes.ts';

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
