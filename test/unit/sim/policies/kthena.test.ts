import { describe, expect, test } from 'vitest';
import type { KthenaParameters } from '../../../../src/core/model/peer-parameters.ts';
import { KthenaCorrection } from '../../../../src/sim/policies/kthena-correction.ts';
import { at } from '../../../support/builders.ts';
import { look, policyNamed, times } from '../../../support/peer-policies.ts';

const stable = {
  instances: 1,
  percent: 100,
  periodSeconds: 15,
  selectPolicy: 'Or',
  stabilizationWindowSeconds: 0,
} as const;
const parameters: KthenaParameters = {
  tickSeconds: 15,
  tolerancePercent: 10,
  metrics: [{ signal: 'Waiting', targetMilli: 10_000 }],
  scaleUp: stable,
  scaleDown: { ...stable, stabilizationWindowSeconds: 300 },
  panic: { percent: 1000, periodSeconds: 0, thresholdPercent: 200, holdSeconds: 60 },
};
describe("Kthena's correction", () => {
  test('twice the size is a panic, which takes it at once', () =>
    expect(new KthenaCorrection(parameters).next(at(0), 2, 9)).toBe(9));
  test('in panic, held for 60 s, nothing shrinks', () => {
    const correction = new KthenaCorrection({ ...parameters, scaleDown: stable });
    correction.next(at(0), 2, 9);
    expect(correction.next(at(60), 9, 3)).toBe(9);
    expect(correction.next(at(61), 9, 3)).toBe(3);
  });
  test('outside a panic it at most doubles in 15 s', () => {
    const correction = new KthenaCorrection({ ...parameters, panic: { ...parameters.panic, holdSeconds: 0 } });
    expect(correction.next(at(0), 3, 9)).toBe(6);
    expect(correction.next(at(5), 6, 9)).toBe(9);
    expect(correction.next(at(10), 9, 40)).toBe(12);
  });
  test('And takes the nearer of the two rates', () => {
    const and = { ...stable, selectPolicy: 'And' } as const;
    const quiet = { ...parameters.panic, holdSeconds: 0 };
    expect(new KthenaCorrection({ ...parameters, scaleUp: and, panic: quiet }).next(at(0), 4, 9)).toBe(5);
    expect(new KthenaCorrection({ ...parameters, scaleDown: and, panic: quiet }).next(at(0), 4, 1)).toBe(3);
  });
  test('goes down to the highest of five minutes, the size it began with included', () => {
    const correction = new KthenaCorrection(parameters);
    expect(correction.next(at(0), 5, 2)).toBe(5);
    expect(correction.next(at(300), 5, 2)).toBe(5);
    expect(correction.next(at(301), 5, 2)).toBe(2);
  });
  test('a panic of its own period is limited by percent of the least size of it', () => {
    const panic = { ...parameters.panic, percent: 200, periodSeconds: 60 };
    expect(new KthenaCorrection({ ...parameters, panic }).next(at(0), 2, 50)).toBe(6);
  });
});

describe('kthena', () => {
  test('asks for one replica per ten waiting requests of all ready pods', async () => {
    expect(look(await policyNamed('kthena'), 0, { ready: times(3, { waiting: 20 }) }).replicas).toBe(6);
  });
  test('stops while any pod ends', async () => {
    const answer = look(await policyNamed('kthena'), 0, { ready: [{ waiting: 90 }], others: ['Draining'] });
    expect(answer).toStrictEqual({ actions: [], because: 'chat-o0 is Draining: metrics skipped, held' });
  });
  test('holds without a value', async () => {
    const answer = look(await policyNamed('kthena'), 0, { ready: [{ waiting: 'ScrapeFailed' }] });
    expect(answer).toStrictEqual({ actions: [], because: 'no metric has a value: held' });
  });
});
