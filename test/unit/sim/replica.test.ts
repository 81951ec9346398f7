import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogHistogram } from '../../../src/sim/engine/log-histogram.ts';
import { Replica } from '../../../src/sim/replica.ts';
import { naiveEngine, type NaiveRequest } from '../../support/naive-engine.ts';
import { profileWith } from '../../support/profiles.ts';

class Log {
  readonly first = new Map<number, number>();
  readonly done = new Map<number, number>();
  firstToken(id: number, atMs: number): void {
    this.first.set(id, atMs);
  }
  finished(id: number, atMs: number): void {
    this.done.set(id, atMs);
  }
}

const requests = fc
  .array(
    fc.record({
      gapMs: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 400, noNaN: true })),
      promptTokens: fc.integer({ min: 1, max: 300 }),
      outputTokens: fc.integer({ min: 1, max: 90 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((rows): NaiveRequest[] => {
    let atMs = 0;
    return rows.map(({ gapMs, promptTokens, outputTokens }, id) => {
      atMs += gapMs;
      return { id, atMs, promptTokens, outputTokens };
    });
  });

const profiles = fc
  .record({
    kvCapacityTokens: fc.integer({ min: 400, max: 4000 }),
    blockTokens: fc.constantFrom(1, 4, 16),
    maxNumSeqs: fc.integer({ min: 1, max: 24 }),
    maxBatchedTokens: fc.integer({ min: 24, max: 400 }),
    gamma: fc.constantFrom(0, 4e-5, 1e-3),
    kappa: fc.constantFrom(0, 0.3),
    gq: fc.constantFrom(0, 4e-6),
  })
  .map(profileWith);

describe('Replica', () => {
  it('finishes every token at the time of the naive engine, whenever it is looked at', () => {
    let preemptions = 0;
    let iterations = 0;
    fc.assert(
      fc.property(
        profiles,
        requests,
        fc.array(fc.double({ min: 0, max: 5000, noNaN: true })),
        (profile, rows, looks) => {
          const log = new Log();
          const itl = new LogHistogram();
          const replica = new Replica({ profile, observer: log, startMs: 0, itl });
          const times = [...looks].sort((a, b) => a - b);
          for (const row of rows) {
            while (times[0] !== undefined && times[0] < row.atMs) replica.advance(times.shift() ?? 0);
            expect(replica.submit(row, row.atMs)).toBe(true);
          }
          for (const time of times) replica.advance(Math.max(time, rows.at(-1)?.atMs ?? 0));
          replica.advance(Number.POSITIVE_INFINITY);
          const want = naiveEngine(profile, rows);
          for (const { id } of rows) {
            expect(log.first.get(id)).toBeCloseTo(want.firstTokenMs.get(id) ?? -1, 5);
            expect(log.done.get(id)).toBeCloseTo(want.finishedMs.get(id) ?? -1, 5);
          }
          const seen = replica.snapshot();
          expect(seen.preemptionsTotal).toBe(want.preemptions);
          expect(seen.itlCount).toBe(want.gaps.length);
          expect(itl.total).toBe(want.gaps.length);
          const sum = want.gaps.reduce((total, gap) => total + gap, 0);
          expect(seen.itlSecondsSum).toBeCloseTo(sum / 1000, 6);
          expect(replica.freeBlocks).toBe(Math.floor(profile.kvCapacityTokens / profile.blockTokens));
          preemptions += want.preemptions;
          iterations += want.iterations;
        },
      ),
      { numRuns: 1500, seed: 7 },
    );
    expect(preemptions).toBeGreaterThan(1000);
    expect(iterations).toBeGreaterThan(100_000);
  });
});
