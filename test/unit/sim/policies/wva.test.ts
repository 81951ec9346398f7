import { describe, expect, test } from 'vitest';
import { CapacityStore, derivedCapacity } from '../../../../src/sim/policies/wva-capacity.ts';
import { tokenDemand } from '../../../../src/sim/policies/wva-v2.ts';
import { at } from '../../../support/builders.ts';
import { look, policyNamed, times } from '../../../support/peer-policies.ts';
import { v2 } from '../../../support/peer-tables/wva.ts';

describe('wva-v1', () => {
  const full = { kvUse: 0.95, waiting: 9 };
  test('steps up by one and is blocked until it is there', async () => {
    const policy = await policyNamed('wva-v1');
    expect(look(policy, 0, { ready: [full] }).replicas).toBe(2);
    const blocked = look(policy, 15, { ready: [full], others: ['LoadingWeights'] });
    expect(blocked).toMatchObject({ because: expect.stringContaining('blocked: 2 desired, 2 there, 1 pending') });
    expect(blocked.replicas).toBeUndefined();
    expect(look(policy, 30, { ready: [full, full] }).replicas).toBe(3);
  });
  test('reads the largest of 60 s', async () => {
    const policy = await policyNamed('wva-v1');
    look(policy, 0, { ready: [full, full] });
    expect(look(policy, 45, { ready: [{ kvUse: 0 }, { kvUse: 0 }, {}] }).because).toContain('of 1 unsaturated');
  });
  test('does not see the queue at the gateway', async () => {
    expect(look(await policyNamed('wva-v1'), 0, { ready: [{ kvUse: 0.5 }], queued: 900 }).replicas).toBeUndefined();
  });
  test("one more on ten is inside its HPA's tolerance: it is not taken, and so blocks for ever", async () => {
    const policy = await policyNamed('wva-v1');
    expect(look(policy, 0, { ready: times(10, full) }).replicas).toBeUndefined();
    expect(look(policy, 15, { ready: times(10, full) }).because).toContain('blocked: 11 desired, 10 there');
  });
  test('wakes from zero by a request that waits at the gateway', async () => {
    const policy = await policyNamed('wva-v1', { minReplicas: 0 });
    expect(look(policy, 0, { ready: [], queued: 0 }).replicas).toBeUndefined();
    expect(look(policy, 15, { ready: [], queued: 1 }).replicas).toBe(1);
  });
});

describe('the demand in tokens', () => {
  const replicas = [
    { tokens: 1000, kvTokens: 10_000, waiting: 2 },
    { tokens: 500, kvTokens: 10_000, waiting: 0 },
  ];
  const lengths = { prompt: 400, output: 100, hitRate: 0.5 };
  test('is what is in use, what waits in the engines and what waits at the gateway', () =>
    expect(tokenDemand({ prefixHits: 'Zero' }, replicas, 3, lengths)).toBe(1500 + 2 * 500 + 3 * 500));
  test('is less at the gateway where prefix hits are found', () =>
    expect(tokenDemand({ prefixHits: 'Measured' }, replicas, 3, lengths)).toBe(1500 + 2 * 500 + 3 * 300));
  test('is what is in use while no length is known', () =>
    expect(tokenDemand({ prefixHits: 'Zero' }, replicas, 3, undefined)).toBe(1500));
});

describe('the capacity of a replica', () => {
  const lengths = { prompt: 1000, output: 200, hitRate: 0 };
  const idle = { tokens: 100, kvTokens: 420_800, waiting: 0 };
  test('derived: sequences of the token budget, each with half of its answer', () => {
    expect(derivedCapacity(v2, lengths)).toBe(256 * 1100);
    expect(derivedCapacity(v2, { prompt: 8000, output: 192 })).toBe(192 * 8096);
    expect(derivedCapacity(v2, undefined)).toBeUndefined();
  });
  test('P4 is 80 % of the KV cache where nothing else is known', () =>
    expect(new CapacityStore(v2).look(at(0), [idle], undefined)).toBe(0.8 * 420_800));
  test('P3 is the derived one where it is less', () =>
    expect(new CapacityStore(v2).look(at(0), [idle], lengths)).toBe(256 * 1100));
  test('P1 is what a queueing replica holds now, P2 the mean of what was seen so', () => {
    const store = new CapacityStore(v2);
    expect(store.look(at(0), [{ ...idle, tokens: 100_000, waiting: 5 }], lengths)).toBe(100_000);
    expect(store.look(at(15), [{ ...idle, tokens: 200_000, waiting: 5 }], lengths)).toBe(200_000);
    expect(store.look(at(30), [idle], lengths)).toBe(150_000);
    expect(store.look(at(45), [idle], { ...lengths, output: 20 })).not.toBe(150_000);
    expect(store.look(at(45 + 25 * 3600), [idle], lengths)).toBe(256 * 1100);
  });
  test('is the median of the replicas, and is remembered for a week without any', () => {
    const store = new CapacityStore(v2);
    const queueing = [10, 30, 20].map((tokens) => ({ ...idle, tokens, waiting: 9 }));
    expect(store.look(at(0), queueing, lengths)).toBe(20);
    expect(store.look(at(6 * 86_400), [], lengths)).toBe(20);
    expect(store.look(at(8 * 86_400), [], lengths)).toBeUndefined();
  });
});

test('wva-v2 holds when no ready replica tells its tokens', async () => {
  const answer = look(await policyNamed('wva-v2'), 0, { ready: [{ kvUse: 0.5 }] });
  expect(answer).toStrictEqual({ actions: [], because: 'no-data: held' });
});
