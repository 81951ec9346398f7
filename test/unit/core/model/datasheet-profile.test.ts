import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { profileFromDatasheet } from '../../../../src/core/model/datasheet-profile.ts';
import type { Datasheet } from '../../../../src/core/model/datasheet.ts';
import type { EngineProfile } from '../../../../src/core/model/profile.ts';

const settings = { name: 'x', tau0: 10, blockTokens: 16, maxNumSeqs: 256, maxBatchedTokens: 8192 };
const h100 = { memoryGib: 79.2, memoryGbPerSecond: 3350, teraflops: 989 };
const nvLink = { kind: 'NvLink', gbPerSecond: 450 } as const;
const llama8b: Datasheet = {
  model: { weightsBytes: 16.06e9, parameters: 8.03e9, layers: 32, hiddenSize: 4096, kvBytesPerToken: 131_072 },
  gpu: h100,
  precision: 'BF16',
  tensorParallel: 1,
};
const qwen14b: Datasheet = {
  ...llama8b,
  model: { weightsBytes: 29.5e9, parameters: 14.77e9, layers: 48, hiddenSize: 5120, kvBytesPerToken: 196_608 },
};

function estimated(sheet: Datasheet): EngineProfile {
  const read = profileFromDatasheet(settings, sheet);
  if (!read.ok) throw new Error(read.problem.allowed);
  return read.value;
}

describe('what was fitted to measurements is met', () => {
  const fitted = [
    ['Llama-3.1-8B on H100', llama8b, { w: 4.746, beta: 0.0247, gamma: 4.151e-5 }],
    ['Qwen2.5-14B on H100', qwen14b, { w: 9.23, beta: 0.0455, gamma: 7.07e-5 }],
  ] as const;
  for (const [name, sheet, constants] of fitted) {
    test(`${name}: memory within 13 %, compute within 5 %`, () => {
      const { w, gamma, beta } = estimated(sheet);
      expect(Math.abs(w / constants.w - 1)).toBeLessThan(0.05);
      expect(Math.abs(gamma / constants.gamma - 1)).toBeLessThan(0.13);
      expect(Math.abs(beta / constants.beta - 1)).toBeLessThan(0.05);
    });
  }

  test('Llama-3.1-8B on H100 held 420,800 tokens', () =>
    expect(Math.abs(estimated(llama8b).kvCapacityTokens / 420_800 - 1)).toBeLessThan(0.05));

  test('by hand: 16.06 GB at 98 % of 3.35 TB/s, 128 KiB at 94 %, 2 x 8.03e9 at 66 % of 989 TFLOPS', () => {
    const { w, gamma, beta, alpha, delta } = estimated(llama8b);
    expect(w).toBeCloseTo(4.8919, 3);
    expect(gamma).toBeCloseTo(4.1624e-5, 8);
    expect(beta).toBeCloseTo(0.024604, 5);
    expect({ alpha, delta }).toStrictEqual({ alpha: 2.1, delta: 0.02 });
  });

  test('several GPUs share the reading and pay for two all-reduces of each layer', () => {
    const alone = estimated(llama8b);
    const two = estimated({ ...llama8b, tensorParallel: 2, link: nvLink });
    expect(two.w).toBeCloseTo(alone.w / 2, 9);
    expect(two.gamma).toBeCloseTo(alone.gamma / 2, 12);
    expect(two.alpha).toBeCloseTo(2.1 + 64 * 0.016, 9);
    expect(two.beta).toBeCloseTo(alone.beta / 2 + (4 * 32 * 4096 * 0.5) / 450e6, 9);
    expect(two.gpusPerReplica).toBe(2);
    const overPcie = estimated({ ...llama8b, tensorParallel: 2, link: { kind: 'Pcie', gbPerSecond: 32 } });
    expect(overPcie.alpha).toBeCloseTo(2.1 + 64 * 0.06, 9);
  });
});

test('an estimate says that it is one, and how far it may be off', () => {
  const profile = estimated(llama8b);
  expect(profile).toMatchObject({ isValidated: false, iterationError: 0.25 });
  expect(profile.validity).toContain('25 %');
});

describe('a sheet that cannot be', () => {
  it('has weights that fill the memory', () => {
    const read = profileFromDatasheet(settings, { ...llama8b, gpu: { ...h100, memoryGib: 22 } });
    expect(read).toStrictEqual({
      ok: false,
      problem: { field: 'datasheet.gpu.memoryGib', seen: '22', allowed: 'above 23.3: weights leave no room for KV' },
    });
  });

  it('has several GPUs and no link', () => {
    expect(profileFromDatasheet(settings, { ...llama8b, tensorParallel: 2 })).toMatchObject({
      problem: { field: 'datasheet.link', allowed: 'present where `tensorParallel` is above 1 (2)' },
    });
  });
});

const sheets = fc.record({
  model: fc.record({
    weightsBytes: fc.double({ min: 1e8, max: 3e10, noNaN: true }),
    parameters: fc.double({ min: 1e8, max: 3e10, noNaN: true }),
    layers: fc.integer({ min: 1, max: 128 }),
    hiddenSize: fc.integer({ min: 64, max: 16_384 }),
    kvBytesPerToken: fc.integer({ min: 1024, max: 1_000_000 }),
  }),
  gpu: fc.record({
    memoryGib: fc.double({ min: 60, max: 300, noNaN: true }),
    memoryGbPerSecond: fc.double({ min: 100, max: 10_000, noNaN: true }),
    teraflops: fc.double({ min: 10, max: 10_000, noNaN: true }),
  }),
  precision: fc.constantFrom('BF16', 'FP8', 'FP4'),
  tensorParallel: fc.constantFrom(1, 2, 4, 8),
  link: fc.constant(nvLink),
});

test('property: more bandwidth, compute or memory never makes an engine slower or smaller', () => {
  fc.assert(
    fc.property(sheets, fc.double({ min: 1, max: 4, noNaN: true }), (sheet, times) => {
      const is = estimated(sheet);
      const { memoryGib, memoryGbPerSecond, teraflops } = sheet.gpu;
      const better = estimated({
        ...sheet,
        gpu: {
          memoryGib: memoryGib * times,
          memoryGbPerSecond: memoryGbPerSecond * times,
          teraflops: teraflops * times,
        },
      });
      for (const name of ['alpha', 'w', 'beta', 'gamma', 'delta'] as const) {
        expect(better[name]).toBeLessThanOrEqual(is[name]);
      }
      expect(better.kvCapacityTokens).toBeGreaterThanOrEqual(is.kvCapacityTokens);
      const numbers = Object.values(is).filter((value) => typeof value === 'number');
      expect(numbers.every(Number.isFinite)).toBe(true);
    }),
    { seed: 35 },
  );
});
