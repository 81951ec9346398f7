import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capacityFromProfile, firstTokenMs } from '../../../../src/core/capacity/from-profile.ts';
import { iterationMs, operatingPoint, scaled } from '../../../../src/core/capacity/iteration-time.ts';
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
  const point = { iterationMs: 0, load: 0, sequences: 0, kvTokens: 0 };
  expect(firstTokenMs(llama, lengths, { point, percentile: 50 })).toBeCloseTo(113.7, 0);
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
