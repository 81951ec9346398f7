import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capacityFromProfile, lateShare } from '../../../../src/core/capacity/from-profile.ts';
import { iterationMs, operatingPoint, scaled } from '../../../../src/core/capacity/iteration-time.ts';
import { poolingAfter, serversOf } from '../../../../src/core/capacity/pooling.ts';
import { prefillMs } from '../../../../src/core/capacity/prefill.ts';
import type { Flow } from '../../../../src/core/signals/flow.ts';
import type { Lengths } from '../../../../src/core/signals/mix.ts';
import { milliseconds } from '../../../../src/core/model/units.ts';
import { llama8bH100 as llama } from '../../../support/builders.ts';

const chat: Lengths = { uncachedPrompt: 1155, cachedPrompt: 0, output: 211, isPrior: false };
const itl = (ms: number) => ({
  interTokenLatency: { percentile: 95, milliseconds: milliseconds(ms) },
  attainmentPercent: 99,
});
const loose = { objectives: { attainmentPercent: 99 }, kvTokens: Infinity, maxSequences: Infinity };

test('one sequence alone takes what was measured: 7 ms an iteration', () => {
  const time = iterationMs(llama, { sequences: 1, context: 1024, prompts: 0, chunk: 0 });
  expect(time).toBeCloseTo(6.96, 2);
});

test('a prompt of 4,096 tokens on an idle replica has its first token after what was measured: 114 ms', () => {
  const lengths = { ...chat, uncachedPrompt: 4096 };
  expect(prefillMs(llama, lengths, 0) + llama.tau0).toBeCloseTo(113.7, 0);
});

test('the operating point obeys its own equation: what it assumes of the batch gives back its time', () => {
  const { iterationMs: time, sequences } = operatingPoint(llama, chat, 15);
  const prompts = (15 / 1000) * time;
  const batch = { sequences, context: 1155 + 211 / 2, prompts, chunk: 1155 };
  expect(sequences).toBeCloseTo(0.015 * 211 * time, 9);
  expect(iterationMs(llama, batch) + llama.kappa * prompts).toBeCloseTo(time, 5);
});

test('beyond saturation there is no operating point', () => {
  expect(operatingPoint(llama, chat, 40)).toMatchObject({ iterationMs: Infinity, sequences: Infinity });
});

const bounds = {
  'compute where nothing else binds': { limits: loose, boundBy: 'compute' },
  'an objective where it is tight': { limits: { ...loose, objectives: itl(12) }, boundBy: 'objective' },
  'kv where the cache is small': { limits: { ...loose, kvTokens: 20_000 }, boundBy: 'kv' },
  'compute where sequences are few': { limits: { ...loose, maxSequences: 8 }, boundBy: 'compute' },
} as const;
for (const [name, { limits, boundBy }] of Object.entries(bounds)) {
  test(`capacity is bound by ${name}, and keeps what binds it`, () => {
    const capacity = capacityFromProfile(llama, chat, limits);
    expect(capacity.boundBy).toBe(boundBy);
    const { iterationMs: time, kvTokens, sequences } = operatingPoint(llama, chat, capacity.requestsPerSecond);
    expect(kvTokens).toBeLessThanOrEqual(limits.kvTokens);
    expect(sequences).toBeLessThanOrEqual(limits.maxSequences);
    expect(time).toBeLessThanOrEqual('interTokenLatency' in limits.objectives ? 12 : Infinity);
    expect(capacity.requestsPerSecond).toBeGreaterThan(1);
  });
}

test('an objective that no rate can keep leaves a replica that serves one request after another', () => {
  const capacity = capacityFromProfile(llama, chat, { ...loose, objectives: itl(1) });
  expect(capacity).toMatchObject({ inFlight: 1, boundBy: 'objective' });
  expect(capacity.requestsPerSecond).toBeCloseTo(1 / (0.035 + 211 * 0.007), 1);
});

test('longer requests, slower engines and tighter objectives never raise the capacity (by more than the search leaves open)', () => {
  const capacity = (lengths: Lengths, factor: number, ms: number): number =>
    capacityFromProfile(scaled(llama, factor), lengths, { ...loose, kvTokens: 400_000, objectives: itl(ms) })
      .requestsPerSecond;
  fc.assert(
    fc.property(
      fc.record({ prompt: fc.integer({ min: 1, max: 30_000 }), output: fc.integer({ min: 1, max: 3000 }) }),
      fc.double({ min: 1, max: 3, noNaN: true }),
      fc.integer({ min: 10, max: 200 }),
      ({ prompt, output }, more, ms) => {
        const lengths = { ...chat, uncachedPrompt: prompt, output };
        const base = capacity(lengths, 1, ms) * 1.01;
        expect(capacity({ ...lengths, uncachedPrompt: prompt * more }, 1, ms)).toBeLessThanOrEqual(base);
        expect(capacity({ ...lengths, output: output * more }, 1, ms)).toBeLessThanOrEqual(base);
        expect(capacity(lengths, more, ms)).toBeLessThanOrEqual(base);
        expect(capacity(lengths, 1, ms / more)).toBeLessThanOrEqual(base);
      },
    ),
    { numRuns: 300 },
  );
});

test('of one server the share of late prompts is that of M/M/1, of many it is nearly the time of the prompt itself', () => {
  for (const load of [0.1, 0.5, 0.9]) {
    const alone = lateShare({ patience: 3, load, servers: 1 });
    expect(alone).toBeCloseTo(Math.exp(-3 * (1 - load)), 9);
    expect(lateShare({ patience: 3, load, servers: 64 })).toBeLessThan(Math.exp(-3) * 1.5 + 0.05);
  }
  expect(lateShare({ patience: 3, load: 1, servers: 8 })).toBe(1);
  expect(lateShare({ patience: -1, load: 0.5, servers: 8 })).toBe(1);
});

test('more servers behind one queue are never later, more load never earlier', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 20, noNaN: true }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      fc.double({ min: 1, max: 100, noNaN: true }),
      (patience, load, servers) => {
        const late = lateShare({ patience, load, servers });
        expect(late).toBeGreaterThanOrEqual(0);
        expect(late).toBeLessThanOrEqual(1 + 1e-9);
        expect(lateShare({ patience, load, servers: servers + 1 })).toBeLessThanOrEqual(late + 1e-9);
        expect(lateShare({ patience, load: load + 0.005, servers })).toBeGreaterThanOrEqual(late - 1e-9);
      },
    ),
    { numRuns: 5000 },
  );
});

const long: Lengths = { uncachedPrompt: 8000, cachedPrompt: 0, output: 500, isPrior: false };
/** What eight replicas do in a minute at a rate each, with so many seconds of waiting a request. */
function waited(rate: number, seconds: number): Flow {
  const replicaSeconds = 480;
  const requests = rate * replicaSeconds;
  return {
    replicas: 8,
    replicaSeconds,
    finished: requests,
    started: requests,
    promptTokens: requests * 8000,
    cachedTokens: 0,
    outputTokens: requests * 500,
    runningSeconds: 0,
    runningChange: 0,
    waitingSeconds: seconds * requests,
    itlSeconds: 0,
    itlTokens: 0,
  };
}
function serversAfter(seconds: number): number {
  let pooling: ReturnType<typeof poolingAfter>;
  for (let i = 0; i < 120; i++) {
    const step = { flow: waited(1.5, seconds), profile: llama, lengths: long, seconds: 60, isBacklog: false };
    pooling = poolingAfter(pooling, step);
  }
  return serversOf(pooling, 8);
}

test('a router is known by how long requests wait: by chance, or as one queue', () => {
  const service = prefillMs(llama, long, operatingPoint(llama, long, 1.5).sequences) / 1000;
  const load = 1.5 * service;
  const byChance = (service * load) / (1 - load);
  expect(serversOf(undefined, 8)).toBe(1);
  expect(serversAfter(byChance)).toBeCloseTo(1, 3);
  expect(serversAfter(byChance * 2)).toBe(1);
  expect(serversAfter(0)).toBeGreaterThan(5);
  expect(serversAfter(byChance / 3)).toBeGreaterThan(1.5);
  expect(serversAfter(byChance / 3)).toBeLessThan(5);
});

test('one queue before the replicas serves more inside the objective than a queue at each', () => {
  const objectives = { timeToFirstToken: { percentile: 95, milliseconds: milliseconds(900) }, attainmentPercent: 99 };
  const capacity = (servers: number): number =>
    capacityFromProfile(llama, long, { ...loose, objectives, servers }).requestsPerSecond;
  expect(capacity(8) / capacity(1)).toBeGreaterThan(1.2);
  expect(capacity(8)).toBeGreaterThan(capacity(3));
});
