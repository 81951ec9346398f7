import fc from 'fast-check';
import { expect, test } from 'vitest';
import { learnLeadTimes, leadTimeSeconds, phaseSeconds } from '../../../../src/core/capacity/lead-time.ts';
import { slotsOf } from '../../../../src/core/capacity/slots.ts';
import type { LearnedMemory } from '../../../../src/core/model/memory.ts';
import type { ReplicaSeen } from '../../../../src/core/model/pool.ts';
import { bytes } from '../../../../src/core/model/units.ts';
import { freshMemory } from '../../../../src/core/propose.ts';
import {
  at,
  fleetSeen,
  nodeSeen,
  nodeWithCache,
  poolSeen,
  replicaSeen,
  targetPolicy,
  targetSeen,
  tunables,
} from '../../../support/builders.ts';

/** A replica ordered at 0 that was Ready after `total` seconds. */
function started(id: string, total: number, over: Partial<ReplicaSeen> = {}): ReplicaSeen {
  const milestones = {
    orderedAt: at(0),
    createdAt: at(1),
    scheduledAt: at(3),
    imageAt: at(total * 0.4),
    weightsAt: at(total * 0.7),
    readyAt: at(total),
  };
  return replicaSeen(id, { since: at(total), milestones, ...over });
}

function learnAll(...looks: readonly (readonly ReplicaSeen[])[]): LearnedMemory {
  return looks.reduce((learned, replicas) => learnOne(learned, replicas, false), freshMemory(at(0)).learned);
}

function learnOne(learned: LearnedMemory, replicas: readonly ReplicaSeen[], mayBeWarm: boolean): LearnedMemory {
  const seen = poolSeen({ targets: [targetSeen({ replicas })] });
  return { ...learned, ...learnLeadTimes(seen, learned, { now: at(500), mayBeWarm }) };
}

test('before anything was measured the tunables speak', () => {
  const { leadTime } = freshMemory(at(0)).learned;
  expect(leadTimeSeconds(leadTime, 'cold', { tunables })).toBe(300);
  expect(leadTimeSeconds(leadTime, 'warm', { tunables })).toBe(60);
});

test('three measured starts overrule a prior that was too long, one overrules a prior that was too short', () => {
  const starts = (n: number) => Array.from({ length: n }, (_, i) => started(`r${i}`, 110));
  expect(leadTimeSeconds(learnAll(starts(2)).leadTime, 'cold', { tunables })).toBeGreaterThan(290);
  expect(leadTimeSeconds(learnAll(starts(3)).leadTime, 'cold', { tunables })).toBeLessThan(121);
  const warm = learnAll([started('w', 110, { startedWarm: true })]);
  expect(leadTimeSeconds(warm.leadTime, 'warm', { tunables })).toBeGreaterThan(109);
});

test('starts under way that took longer than any expected count before they end, shorter ones say nothing', () => {
  const fresh = freshMemory(at(0)).learned.leadTime;
  expect(leadTimeSeconds(fresh, 'warm', { tunables, waited: [59, 10] })).toBe(60);
  const late = leadTimeSeconds(fresh, 'warm', { tunables, waited: [200, 30] });
  expect(late).toBeGreaterThanOrEqual(200);
  expect(late).toBeLessThan(200 * 1.08);
  const many = learnAll(Array.from({ length: 30 }, (_, i) => started(`r${i}`, 110))).leadTime;
  expect(leadTimeSeconds(many, 'cold', { tunables, waited: [400] })).toBeLessThan(121);
  expect(leadTimeSeconds(many, 'cold', { tunables, waited: [400, 410, 420, 430] })).toBeGreaterThan(400);
});

test('property: one more late start never shortens the lead time', () => {
  const waits = fc.array(fc.integer({ min: 0, max: 3600 }), { maxLength: 8 });
  const known = learnAll(Array.from({ length: 5 }, (_, i) => started(`r${i}`, 60 + 20 * i))).leadTime;
  fc.assert(
    fc.property(waits, fc.integer({ min: 0, max: 3600 }), (waited, more) => {
      const before = leadTimeSeconds(known, 'cold', { tunables, waited });
      if (more < before) return;
      expect(leadTimeSeconds(known, 'cold', { tunables, waited: [...waited, more] })).toBeGreaterThanOrEqual(before);
    }),
  );
});

test('warm and cold starts, and their phases, are told apart', () => {
  const learned = learnAll([
    ...['a', 'b', 'c', 'd'].map((id) => started(id, 40, { startedWarm: true })),
    ...['e', 'f', 'g', 'h'].map((id) => started(id, 200)),
  ]);
  expect(learned.leadTime.total.warm.count).toBe(4);
  expect(leadTimeSeconds(learned.leadTime, 'warm', { tunables })).toBeLessThan(62);
  expect(leadTimeSeconds(learned.leadTime, 'cold', { tunables })).toBeGreaterThan(199);
  expect(phaseSeconds(learned.leadTime, 'weights', 'cold')).toBeCloseTo(60, -1);
  expect(phaseSeconds(learned.leadTime, 'weights', 'warm')).toBeCloseTo(12, -1);
});

test('where nodes may hold the weights, a start of which nobody saw what it found is counted as neither', () => {
  const found = [started('a', 40, { startedWarm: true }), started('b', 200, { startedWarm: false }), started('c', 40)];
  const learned = learnOne(freshMemory(at(0)).learned, found, true);
  expect([learned.leadTime.total.warm.count, learned.leadTime.total.cold.count]).toStrictEqual([1, 1]);
  expect(learned.counted).toStrictEqual(['a', 'b', 'c']);
});

test('no start is counted twice, and what is gone is forgotten', () => {
  const one = [started('a', 100)];
  const learned = learnAll(one, one, one);
  expect(learned.leadTime.total.cold.count).toBe(1);
  expect(learned.counted).toEqual(['a']);
  expect(learnAll(one, []).counted).toEqual([]);
});

test('a replica that was seen unready gives no sample, not even when it is ready again', () => {
  const learned = learnAll([started('a', 100, { phase: 'Unready' })], [started('a', 100)]);
  expect(learned.leadTime.total.cold.count).toBe(0);
});

test('hours from order to Ready were no start', () => {
  expect(learnAll([started('a', 4000)]).leadTime.total.cold.count).toBe(0);
});

test('room is counted on healthy eligible nodes, warm where the weights are ready', () => {
  const hash = '0123456789ab';
  const fleet = fleetSeen([
    nodeWithCache('a', hash),
    nodeWithCache('b', hash, 'Downloading'),
    { ...nodeWithCache('c', hash), isHealthy: false },
    nodeSeen('d', { gpus: 8, freeGpus: 5 }),
    { ...nodeWithCache('e', hash), freeGpus: 0 },
    nodeWithCache('f', hash),
  ]);
  const target = targetSeen({ eligibleNodes: ['a', 'b', 'c', 'd', 'e'] });
  const warmth = { mode: 'Act' as const, artifact: { hash, name: 'm', bytes: bytes(1) }, floorCopies: 0 };
  expect(slotsOf(target, targetPolicy(), { fleet, warmth })).toEqual({ warm: 1, cold: 6 });
  expect(slotsOf(target, targetPolicy({ gpusPerReplica: 2 }), { fleet, warmth })).toEqual({ warm: 0, cold: 2 });
  expect(slotsOf(target, targetPolicy(), { fleet, warmth: { mode: 'Plan', floorCopies: 0 } }).warm).toBe(0);
});
