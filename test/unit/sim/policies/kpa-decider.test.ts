import { describe, expect, test } from 'vitest';
import { at } from '../../../support/builders.ts';
import { decisions, kpaCases } from '../../../support/peer-tables/knative.ts';

describe("Knative's decision function", () => {
  test('K11, K22 each step over the threshold moves the time of the panic', () => {
    for (const [name, last] of [
      ['K11 an exponential rise, in panic all along', 3],
      ['K22 a rise that doubles again extends its panic', 30],
    ] as const) {
      expect(decisions(kpaCases[name] ?? { spec: { target: 1 }, steps: [] }).decider.panicSince).toBe(at(last));
    }
  });
  test('begins in panic when it finds more than one pod, and so does not shrink', () => {
    const { made } = decisions({
      spec: { target: 10 },
      begins: 5,
      steps: [
        { s: 0, ready: 5, load: [1, 1], want: 5 },
        { s: 61, ready: 5, load: [1, 1], want: 1 },
      ],
    });
    expect(made.map(({ replicas }) => replicas)).toStrictEqual([5, 1]);
  });
});

const bursts: Readonly<Record<string, { readonly name: string; readonly want: number }>> = {
  'K1 less than nothing with one pod': { name: 'K1 nothing asks for nothing', want: Math.floor(10 / 0.75 - 100) },
  'K2 is -1 when the activator always stays': { name: 'K2 one is enough under its target', want: -1 },
  'K3 is 0 when it stays only at zero': { name: 'K3 the stable mean over the target', want: 0 },
  'K4 counts the ready pods': { name: 'K4 with five ready', want: Math.floor((5 * 10) / 0.75 - 100 - 50) },
};
describe('the excess burst capacity', () => {
  for (const [sentence, { name, want }] of Object.entries(bursts)) {
    test(`${sentence}`, () =>
      expect(decisions(kpaCases[name] ?? { spec: { target: 1 }, steps: [] }).made[0]?.excessBurstCapacity).toBe(want));
  }
});
