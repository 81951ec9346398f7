import { describe, expect, test } from 'vitest';
import { AibrixStabilisation } from '../../../../src/sim/policies/aibrix-stabilisation.ts';
import { at } from '../../../support/builders.ts';
import { look, policyNamed, times } from '../../../support/peer-policies.ts';

describe('the APA', () => {
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

describe('the KPA', () => {
  test('shrinks a pool that is full', async () => {
    const answer = look(await policyNamed('aibrix-kpa'), 0, { ready: times(8, { kvUse: 1 }) });
    expect(answer.replicas).toBe(4);
  });
});
