import { describe, expect, test } from 'vitest';
import { blended, BudPrediction } from '../../../../src/sim/policies/bud-prediction.ts';
import { isGated } from '../../../../src/sim/policies/budscaler.ts';
import { at } from '../../../support/builders.ts';
import { look, policyNamed, times } from '../../../support/peer-policies.ts';

test('increases are gated while half of the pods start', () => {
  const half = { maxStartingPodPercent: 50 };
  expect([isGated(half, 3, 2), isGated(half, 2, 2), isGated({ maxStartingPodPercent: 0 }, 0, 9)]).toStrictEqual([
    false,
    true,
    false,
  ]);
});

describe('the forecast', () => {
  const line = (n: number): BudPrediction => {
    const prediction = new BudPrediction();
    for (let i = 0; i < n; i++) prediction.add(at(15 * i), 2 + i);
    return prediction;
  };
  test('is a straight line through everything', () => expect(line(5).ahead(900)).toBeCloseTo(6 + 60, 9));
  test('of one reading is that reading', () => expect(line(1).ahead(900)).toBe(2));
  test('is surer with more readings and less variation', () => {
    const flat = new BudPrediction();
    for (let i = 0; i < 90; i++) flat.add(at(i), 5);
    expect(flat.confidence).toBeCloseTo(0.9, 9);
    expect(line(90).confidence).toBeLessThan(0.7);
    expect(new BudPrediction().confidence).toBe(0);
  });
  test('pulls a right answer down: 10 against 2 is 7.6', () => expect(blended(10, 2, 1)).toBeCloseTo(7.6, 9));
  test('is not asked when it is unsure or says nothing', () => {
    expect(blended(10, 2, 0.69)).toBe(10);
    expect(blended(10, 0, 1)).toBe(10);
  });
});

describe('budscaler', () => {
  test('adds at most two replicas each 30 s and takes one away after 300 s', async () => {
    const policy = await policyNamed('budscaler');
    const at15 = (s: number, n: number, waiting: number) => look(policy, s, { ready: times(n, { waiting }) }).replicas;
    expect(at15(0, 4, 50)).toBe(6);
    expect(at15(15, 6, 50)).toBeUndefined();
    expect(at15(30, 6, 50)).toBe(8);
    expect(at15(315, 8, 1)).toBeUndefined();
    expect(at15(330, 8, 1)).toBe(7);
  });
  test('a queue of 0 is passed over, so an idle pool is not shrunk by it', async () => {
    const policy = await policyNamed('budscaler');
    expect([0, 600, 1200].map((s) => look(policy, s, { ready: times(4, { waiting: 0 }) }).replicas)).toStrictEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
  test('waits while half of the pods start', async () => {
    const policy = await policyNamed('budscaler');
    const answer = look(policy, 0, { ready: times(2, { waiting: 50 }), others: times(2, 'LoadingWeights') });
    expect(answer.replicas).toBeUndefined();
  });
});
