import { describe, expect, test } from 'vitest';
import { apaReplicas } from '../../../../src/sim/policies/aibrix-apa.ts';
import { aibrixKpaReplicas } from '../../../../src/sim/policies/aibrix-kpa.ts';
import { AibrixStabilisation } from '../../../../src/sim/policies/aibrix-stabilisation.ts';
import { at } from '../../../support/builders.ts';
import { look, policyNamed, times } from '../../../support/peer-policies.ts';

const parameters = {
  tickSeconds: 10,
  signal: 'KvUse',
  targetMilli: 500,
  observeWindowSeconds: 180,
  maxScaleUpRate: 2,
  maxScaleDownRate: 2,
  tolerancePercent: 10,
  scaleUpCooldownSeconds: 0,
  scaleDownCooldownSeconds: 300,
  panicWindowSeconds: 60,
  panicThresholdPercent: 200,
} as const;

const apa: Readonly<Record<string, { readonly current: number; readonly mean: number; readonly want: number }>> = {
  'keeps the size inside the tolerance': { current: 4, mean: 0.55, want: 4 },
  'scales by the ratio above it': { current: 4, mean: 0.6, want: 5 },
  'at most doubles': { current: 3, mean: 1.8, want: 6 },
  'scales by the ratio below it': { current: 8, mean: 0.3, want: 5 },
  'at most halves': { current: 9, mean: 0, want: 4 },
};
describe('the APA', () => {
  for (const [name, { current, mean, want }] of Object.entries(apa)) {
    test(`${name}`, () => expect(apaReplicas(parameters, current, mean)).toBe(want));
  }
  test('counts replicas that have not started yet, and so doubles on', async () => {
    const policy = await policyNamed('aibrix-apa');
    const sizes = [1, 2, 4, 8].map(
      (spec, i) => look(policy, 10 * i, { ready: [{ kvUse: 1 }], others: times(spec - 1, 'LoadingWeights') }).replicas,
    );
    expect(sizes).toStrictEqual([2, 4, 8, 16]);
  });
  test('goes on rising for minutes after a burst, by the mean of 180 s', async () => {
    const policy = await policyNamed('aibrix-apa', { maxReplicas: 1000 });
    for (let s = 0; s < 60; s += 10) look(policy, s, { ready: [{ kvUse: 1 }] });
    expect(look(policy, 60, { ready: [{ kvUse: 0 }] }).replicas).toBe(2);
  });
  test('holds when no pod ever answered', async () => {
    const answer = look(await policyNamed('aibrix-apa'), 0, { ready: [{ kvUse: 'ScrapeFailed' }] });
    expect(answer).toStrictEqual({ actions: [], because: 'no pod answered inside the window: held' });
  });
});

describe('the inverted cooldown', () => {
  test('takes the smallest of 300 s when falling', () => {
    const window = new AibrixStabilisation(0, 300);
    expect(window.next(at(0), 2, 2)).toBe(2);
    expect(window.next(at(10), 8, 6)).toBe(2);
    expect(window.next(at(311), 8, 6)).toBe(6);
  });
  test('takes the largest of its window when rising', () => {
    const window = new AibrixStabilisation(60, 300);
    expect(window.next(at(0), 2, 9)).toBe(9);
    expect(window.next(at(10), 2, 3)).toBe(9);
    expect(window.next(at(61), 2, 3)).toBe(3);
  });
});

interface KpaRow {
  readonly current: number;
  readonly stable: number;
  readonly panic: number;
  readonly want: number;
}
const kpa: Readonly<Record<string, KpaRow>> = {
  'settles at the mean of a pod over its target, whatever the size': { current: 4, stable: 1, panic: 1, want: 2 },
  'at most halves': { current: 10, stable: 1, panic: 1, want: 5 },
  'at most doubles': { current: 1, stable: 5, panic: 5, want: 2 },
  'in panic takes the larger mean': { current: 3, stable: 1, panic: 2.4, want: 5 },
  'without stable data is in panic': { current: 1, stable: 0, panic: 1, want: 2 },
  'keeps the size inside the tolerance': { current: 2, stable: 1.05, panic: 1, want: 2 },
};
describe('the KPA', () => {
  for (const [name, { current, stable, panic, want }] of Object.entries(kpa)) {
    test(`${name}`, () => expect(aibrixKpaReplicas(parameters, current, { stable, panic })).toBe(want));
  }
  test('shrinks a pool that is full', async () => {
    const answer = look(await policyNamed('aibrix-kpa'), 0, { ready: times(8, { kvUse: 1 }) });
    expect(answer.replicas).toBe(4);
  });
});
