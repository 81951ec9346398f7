import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Capacity } from '../../../../src/core/capacity/from-profile.ts';
import { sizeTarget, type SizingInput } from '../../../../src/core/decision/sizing.ts';
import {
  counterfactualOf,
  nearestChanges,
  demandTimes,
  kvUseOf,
  queueOf,
} from '../../../../src/core/explain/counterfactual.ts';
import { tunables } from '../../../support/builders.ts';
import { counterexample, runs } from '../../../support/properties.ts';

interface Given {
  readonly spec: number;
  readonly rate: number;
  readonly waiting: number;
  readonly running: number;
  readonly kvUse: number;
  readonly blocked: number;
  readonly allowsDecrease: boolean;
}
const plain: Given = { spec: 4, rate: 20, waiting: 0, running: 40, kvUse: 0.4, blocked: 0, allowsDecrease: true };
const capacity = {
  requestsPerSecond: 8,
  inFlight: 32,
  boundBy: 'objective',
  source: 'profile',
  believed: 1,
  doubt: 0.5,
} as unknown as Capacity;

function inputOf({ spec, rate, waiting, running, kvUse, blocked, allowsDecrease }: Given): SizingInput {
  const stock = { waiting, running, queued: 0, kvSum: kvUse * spec, kvReplicas: spec };
  return {
    spec,
    position: {
      serving: spec - blocked,
      ready: spec - blocked,
      dead: 0,
      unreadyUnderLoad: 0,
      arriving: [],
      unschedulable: blocked,
      gated: 0,
      crashLooping: 0,
      refused: 0,
      refusedBy: 'CreateRefused',
    },
    capacity,
    supply: { now: (spec - blocked) * 8, arrivals: [] },
    slots: { warm: 2, cold: 8 },
    lead: { warm: 60, cold: 240 },
    stock: { up: stock, down: stock },
    outlook: (horizonSeconds) => ({ level: rate, recent: rate, upper: rate * (1 + horizonSeconds / 1000) }),
    tunables,
    evidence: { allowsDecrease, showsIdle: false },
    share: 1,
    mayBeZero: false,
  };
}

const anything: fc.Arbitrary<Given> = fc.record({
  spec: fc.integer({ min: 1, max: 30 }),
  rate: fc.double({ min: 1, max: 200, noNaN: true }),
  waiting: fc.integer({ min: 0, max: 400 }),
  running: fc.integer({ min: 0, max: 600 }),
  kvUse: fc.double({ min: 0, max: 1, noNaN: true }),
  blocked: fc.constant(0),
  allowsDecrease: fc.boolean(),
});

const wanted = (input: SizingInput): number => sizeTarget(input).wanted;

test('each change that is named changes the answer, and nine tenths of it do not', () => {
  expect(
    counterexample(
      fc.property(anything, (given) => {
        const input = inputOf(given);
        const sizing = sizeTarget(input);
        const { replicas, queue, demand, kvUse } = nearestChanges(input, sizing);
        const less = demand === undefined ? 1 : 1 + 0.9 * (demand.factor - 1) - 0.001;
        return (
          (queue === undefined || wanted(queueOf(queue).of(input)) > replicas) &&
          (demand === undefined || wanted(demandTimes(demand.factor).of(input)) > replicas) &&
          (kvUse === undefined || wanted(kvUseOf(kvUse).of(input)) > replicas) &&
          (less <= 1 || wanted(demandTimes(less).of(input)) <= replicas)
        );
      }),
      runs(31),
    ),
  ).toBeUndefined();
});

test('a pool with room is always told what would make it grow', () => {
  expect(
    counterexample(
      fc.property(anything, (given) => {
        const input = inputOf(given);
        const { queue, demand } = nearestChanges(input, sizeTarget(input));
        return queue !== undefined || demand !== undefined;
      }),
      runs(32),
    ),
  ).toBeUndefined();
});

const texts: Readonly<Record<string, { given: Partial<Given>; max?: number; want: RegExp }>> = {
  'the nearest queue, rate and KV use': {
    given: {},
    want: /^would scale to 5 at queue >= \d+ or [\d.]+ req\/s or KV use >= 86 %$/,
  },
  'that replicas which cannot start come first': {
    given: { blocked: 2, rate: 100 },
    want: /^stays at 4 whatever waits: 2 ordered replicas cannot start$/,
  },
  'that the maximum holds it': { given: { rate: 100 }, max: 6, want: /^stays at 6 whatever waits: it is the maximum$/ },
};
describe('it says', () => {
  for (const [name, { given, max = 100, want }] of Object.entries(texts)) {
    test(`${name}`, () => {
      const input = inputOf({ ...plain, ...given });
      expect(counterfactualOf(input, sizeTarget(input), max)).toMatch(want);
    });
  }
});
