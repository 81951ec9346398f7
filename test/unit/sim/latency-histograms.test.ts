import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Histogram } from '../../../src/core/model/pool.ts';
import { LatencyBuckets, LatencyHistograms, vllmBounds } from '../../../src/sim/engine/latency-histograms.ts';
import { Replica } from '../../../src/sim/replica.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { expositionsFolder, realPage } from '../../support/expositions.ts';
import { naiveEngine } from '../../support/naive-engine.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

const families = {
  timeToFirstToken: 'time_to_first_token_seconds',
  interTokenLatency: 'inter_token_latency_seconds',
  requestLatency: 'e2e_request_latency_seconds',
} as const;
const names = ['timeToFirstToken', 'interTokenLatency', 'requestLatency'] as const;

/** The cumulative counts that are not those of the values; a value on a bound, give or take rounding, may fall on either side. */
function wrongCounts({ bounds, counts }: Histogram, milliseconds: readonly number[]): readonly number[] {
  const within = (bound: number): number => milliseconds.filter((ms) => ms / 1000 <= bound).length;
  return counts.filter((count, i) => {
    const bound = bounds[i] ?? Infinity;
    return count < within(bound * (1 - 1e-9)) || count > within(bound * (1 + 1e-9));
  });
}

describe('latency histograms of an engine', () => {
  it.skipIf(expositionsFolder() === undefined)(
    'have the bounds of a real vLLM page (skipped where there is none)',
    () => {
      const page = realPage('vllm-0.32-cpu/saturated.prom').toString('utf8');
      for (const name of names) {
        const lines = page.split('\n').filter((line) => line.startsWith(`vllm:${families[name]}_bucket`));
        const bounds = lines.flatMap((line) => /le="([\d.]+)"/.exec(line)?.[1] ?? []).map(Number);
        expect([...new Set(bounds)]).toStrictEqual(vllmBounds[name]);
      }
    },
  );

  it('put a ramp of values where one after the other would go', () => {
    const some = { min: 0.01, max: 300, noNaN: true };
    const ramps = fc.record({
      from: fc.double(some),
      step: fc.oneof(fc.constant(0), fc.double({ ...some, max: 20 })),
      count: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(ramps, fc.integer({ min: 1, max: 5 }), (ramp, weight) => {
        const buckets = new LatencyBuckets(vllmBounds.interTokenLatency);
        buckets.addRamp(ramp, weight);
        const values = Array.from({ length: ramp.count * weight }, (_, i) => ramp.from + ramp.step * (i % ramp.count));
        const histogram = { bounds: vllmBounds.interTokenLatency, counts: buckets.read() };
        expect(wrongCounts(histogram, values)).toStrictEqual([]);
      }),
      { seed: 3 },
    );
  });

  it('count what an engine that takes every iteration by itself counts', () => {
    const rows = fc
      .array(
        fc.record({
          gapMs: fc.double({ min: 0, max: 400, noNaN: true }),
          promptTokens: fc.integer({ min: 1, max: 300 }),
          outputTokens: fc.integer({ min: 1, max: 90 }),
        }),
        { minLength: 1, maxLength: 30 },
      )
      .map((list) => {
        let atMs = 0;
        return list.map(({ gapMs, ...row }, id) => ({ ...row, id, atMs: (atMs += gapMs) }));
      });
    const profile = profileWith({ kvCapacityTokens: 1200, maxNumSeqs: 12, maxBatchedTokens: 200, gamma: 1e-3 });
    fc.assert(
      fc.property(rows, (requests) => {
        const want = naiveEngine(profile, requests);
        const histograms = new LatencyHistograms();
        const observer = { firstToken: () => undefined, finished: () => undefined };
        const replica = new Replica({ profile, observer, startMs: 0, histograms });
        for (const request of requests) replica.submit(request, request.atMs);
        replica.advance(Number.POSITIVE_INFINITY);
        const since = (times: ReadonlyMap<number, number>): number[] =>
          requests.map(({ id, atMs }) => (times.get(id) ?? NaN) - atMs);
        const { timeToFirstToken, interTokenLatency, requestLatency } = histograms.read();
        expect(wrongCounts(timeToFirstToken, since(want.firstTokenMs))).toStrictEqual([]);
        expect(wrongCounts(interTokenLatency, want.gaps)).toStrictEqual([]);
        expect(wrongCounts(requestLatency, since(want.finishedMs))).toStrictEqual([]);
      }),
      { numRuns: 200, seed: 5 },
    );
  });
});

describe('histograms that policies see', () => {
  const options = { workload: poisson({ rate: 4, seconds: 300 }), profile: profileWith(), scrapeLagSeconds: 2 };
  const watch = (readsHistograms: boolean) => {
    const policy = Object.assign(new Script({ 60: 3 }, { tickSeconds: 5 }), { readsHistograms });
    return { result: runSimulation(options, policy), views: policy.views };
  };

  it('are of the scrape that the samples are of, and agree with its counts', () => {
    const replicas = watch(true).views.flatMap(({ seen }) => seen.targets.flatMap((target) => target.replicas));
    const read = replicas.filter(({ samples }) => samples.ttftCount.kind !== 'missing');
    expect(read.length).toBeGreaterThan(100);
    for (const { samples, histograms } of read) {
      if (samples.ttftCount.kind === 'missing' || histograms === undefined)
        throw new Error('a page without histograms');
      expect(histograms.at).toBe(samples.ttftCount.at);
      expect(histograms.timeToFirstToken.counts.at(-1)).toBe(samples.ttftCount.value);
      expect(samples.itlCount).toMatchObject({ value: histograms.interTokenLatency.counts.at(-1) });
      expect(samples.finishedTotal).toMatchObject({ value: histograms.requestLatency.counts.at(-1) });
    }
    const unread = replicas.filter(({ samples }) => samples.ttftCount.kind === 'missing');
    expect(unread.length).toBeGreaterThan(5);
    expect(unread.every(({ histograms }) => histograms === undefined)).toBe(true);
  });

  it('change nothing else, and are not there for a policy that does not ask', () => {
    const [asked, plain] = [watch(true), watch(false)];
    expect(JSON.stringify(asked.result)).toBe(JSON.stringify(plain.result));
    const seen = plain.views.flatMap((view) => view.seen.targets.flatMap((target) => target.replicas));
    expect(seen.every(({ histograms }) => histograms === undefined)).toBe(true);
  });
});
