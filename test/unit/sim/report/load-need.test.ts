import fc from 'fast-check';
import { expect, test } from 'vitest';
import { busiestWindow, peakNeed } from '../../../../src/sim/report/load-need.ts';
import { loadVerdict } from '../../../../src/sim/report/verdict.ts';
import { slice } from '../../../../src/sim/workload/scale.ts';
import { type Workload, workloadOf } from '../../../../src/sim/workload/workload.ts';
import { llama8bH100 } from '../../../support/builders.ts';

const objectives = { ttftMs: 2000, itlMs: 100 };

/** Evenly spaced requests from one time to another. */
function steady(
  fromSeconds: number,
  toSeconds: number,
  perSecond: number,
): { arrivalMs: number; promptTokens: number; outputTokens: number }[] {
  return Array.from({ length: Math.floor((toSeconds - fromSeconds) * perSecond) }, (_, at) => ({
    arrivalMs: (fromSeconds + at / perSecond) * 1000,
    promptTokens: 600,
    outputTokens: 200,
  }));
}

/** A long near-idle head, then a hundred times the traffic: the shape in which benchmarks of the head separate nobody. */
const idleHead = workloadOf('idle head', [...steady(0, 72_000, 0.034), ...steady(72_000, 90_000, 60)], 90_000);

test('the idle head never needs more than one replica, and the busiest window of its length is named', () => {
  const head = slice(idleHead, 0, 72_000);
  const need = peakNeed(head, llama8bH100, objectives);
  const busiest = busiestWindow(idleHead, head.durationSeconds);
  const verdict = loadVerdict({ peakNeed: need, minReplicas: 1, durationSeconds: head.durationSeconds, busiest });
  expect(verdict).toStrictEqual({
    isInformative: false,
    message:
      'The load never needs more than the floor (peak need 1 of min 1), so the ranking is not informative: the busiest 20h is --slice 18000:90000',
  });
});

test('the whole trace needs more than the floor and ranks', () => {
  const need = peakNeed(idleHead, llama8bH100, objectives);
  expect(need).toBeGreaterThan(1);
  expect(loadVerdict({ peakNeed: need, minReplicas: 1, durationSeconds: 90_000 })).toStrictEqual({
    isInformative: true,
  });
});

test('a floor above the peak need ranks nobody either, and without another part to replay says what to change', () => {
  const { message } = loadVerdict({ peakNeed: 5, minReplicas: 8, durationSeconds: 3600 });
  expect(message).toContain('(peak need 5 of min 8)');
  expect(message).toContain('a smaller --min-replicas');
});

test('a trace without requests needs one replica', () => {
  expect(peakNeed(workloadOf('none', [], 60), llama8bH100, objectives)).toBe(1);
});

test('no window holds more requests than the busiest', () => {
  const workloads = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 60 }).map(
    (times): Workload =>
      workloadOf(
        'any',
        times.map((arrivalMs) => ({ arrivalMs, promptTokens: 1, outputTokens: 1 })),
        100,
      ),
  );
  fc.assert(
    fc.property(workloads, fc.integer({ min: 1, max: 100 }), (workload, seconds) => {
      const count = (fromMs: number): number =>
        workload.arrivalMs.filter((at) => at >= fromMs && at <= fromMs + seconds * 1000).length;
      const most = Math.max(...Array.from(workload.arrivalMs, count));
      expect(busiestWindow(workload, seconds).requests).toBe(most);
    }),
    { seed: 11, numRuns: 500 },
  );
});
