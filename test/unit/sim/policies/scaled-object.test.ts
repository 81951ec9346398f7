import { describe, expect, test } from 'vitest';
import { ScaledObject, type TriggerReading } from '../../../../src/sim/policies/scaled-object.ts';
import { at } from '../../../support/builders.ts';
import { look, policyNamed, setting, times } from '../../../support/peer-policies.ts';

const reading = (value: number | undefined): TriggerReading => ({
  name: 'queue',
  type: 'AverageValue',
  value,
  thresholdMilli: 5000,
  activationThresholdMilli: 0,
});
const polled = { pollingSeconds: 30, cooldownSeconds: 300, tolerancePercent: 10 };
const size = (n: number) => ({ spec: n, status: n, ready: n });

describe('the two actors', () => {
  test('the HPA syncs each 15 s between two polls of 30 s', () => {
    expect(ScaledObject.tickSeconds({ pollingSeconds: 30 })).toBe(15);
    expect(ScaledObject.tickSeconds({ pollingSeconds: 20 })).toBe(5);
    const object = new ScaledObject(polled, setting);
    expect(object.look(at(0), size(1), [reading(4)]).replicas).toBe(1);
    expect(object.look(at(15), size(1), [reading(20)]).replicas).toBe(4);
  });
  test('from zero it wakes at a poll, not at a sync', () => {
    const object = new ScaledObject(polled, { ...setting, minReplicas: 0 });
    expect(object.look(at(0), size(0), [reading(0)]).replicas).toBe(0);
    expect(object.look(at(15), size(0), [reading(9)]).replicas).toBe(0);
    expect(object.look(at(30), size(0), [reading(9)]).replicas).toBe(1);
  });
  test('to zero it goes after the cooldown, unless a trigger fails', () => {
    for (const [value, want] of [
      [0, 0],
      [undefined, 1],
    ] as const) {
      const object = new ScaledObject(polled, { ...setting, minReplicas: 0 });
      object.look(at(0), size(1), [reading(3)]);
      expect(object.look(at(270), size(1), [reading(value)]).replicas).toBe(1);
      expect(object.look(at(300), size(1), [reading(value)]).replicas).toBe(want);
    }
  });
  test('one success starts the count of failures anew', () => {
    const object = new ScaledObject(
      { ...polled, fallback: { failureThreshold: 1, replicas: 4, behavior: 'static' } },
      setting,
    );
    const sizes = [undefined, 5, undefined, undefined].map(
      (value, i) => object.look(at(15 * i), size(1), [reading(value)]).replicas,
    );
    expect(sizes).toStrictEqual([1, 1, 1, 4]);
  });
});

describe('production-stack', () => {
  test('as meant asks for a replica per five waiting requests', async () => {
    expect(look(await policyNamed('production-stack'), 0, { ready: times(2, { waiting: 9 }) }).replicas).toBe(4);
  });
  test('as shipped works with one pod and fails from two on', async () => {
    const policy = await policyNamed('production-stack-unsummed');
    expect(look(policy, 0, { ready: [{ waiting: 9 }] }).replicas).toBe(2);
    expect(look(policy, 15, { ready: times(2, { waiting: 900 }) })).toStrictEqual({
      actions: [],
      because: 'FailedGetExternalMetric: held',
    });
  });
  test('a query without series reads 0', async () => {
    const policy = await policyNamed('production-stack');
    expect(look(policy, 0, { ready: [{ waiting: 'ScrapeFailed' }] }).because).toContain('Waiting 0');
  });
  test('the operator takes the largest of three triggers, one replica a minute', async () => {
    const policy = await policyNamed('production-stack-operator');
    const at15 = (s: number, n: number) => look(policy, s, { ready: times(n, { running: 30 / n }) }).replicas;
    expect([at15(0, 1), at15(15, 2), at15(45, 2), at15(60, 2)]).toStrictEqual([2, undefined, undefined, 3]);
  });
});
