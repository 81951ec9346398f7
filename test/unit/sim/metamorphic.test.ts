import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineProfile } from '../../../src/core/model/profile.ts';
import { Replica, type ReplicaRequest } from '../../../src/sim/replica.ts';
import type { SimResult } from '../../../src/sim/result.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { type RequestRow, type Workload, workloadOf } from '../../../src/sim/workload/workload.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

/** What must hold between two runs that differ in one thing, and between the parts of one run, whatever its numbers are. */

interface Sent extends Omit<ReplicaRequest, 'id'> {
  readonly atMs: number;
}

interface Times {
  readonly firstMs: readonly number[];
  readonly doneMs: readonly number[];
  /** The times at which the engine told of something, as they came. */
  readonly toldMs: readonly number[];
  readonly engine: Replica;
}

function serve(profile: EngineProfile, requests: readonly Sent[], startMs = 0): Times {
  const [firstMs, doneMs, toldMs]: [number[], number[], number[]] = [[], [], []];
  const engine = new Replica({
    profile,
    startMs,
    observer: {
      firstToken: (id, atMs) => {
        firstMs[id] = atMs;
        toldMs.push(atMs);
      },
      finished: (id, atMs) => {
        doneMs[id] = atMs;
        toldMs.push(atMs);
      },
    },
  });
  requests.forEach(({ atMs, ...request }, id) => engine.submit({ id, ...request }, atMs));
  engine.advance(Number.POSITIVE_INFINITY);
  return { firstMs, doneMs, toldMs, engine };
}

/** Small enough that prompts are chunked, blocks run out and requests are preempted. */
const profiles = fc
  .record({
    alpha: fc.integer({ min: 1, max: 20 }),
    w: fc.constantFrom(0, 3),
    beta: fc.constantFrom(0.01, 0.1),
    gamma: fc.constantFrom(0, 1e-4),
    delta: fc.constantFrom(0, 0.1),
    kappa: fc.constantFrom(0, 0.3),
    gq: fc.constantFrom(0, 1e-5),
    kvCapacityTokens: fc.constantFrom(1600, 100_000),
    maxNumSeqs: fc.constantFrom(2, 8, 64),
    maxBatchedTokens: fc.constantFrom(64, 512),
  })
  .map((changes) => profileWith(changes));
const sent = fc
  .array(
    fc.record({
      gapMs: fc.integer({ min: 0, max: 400 }),
      promptTokens: fc.integer({ min: 1, max: 700 }),
      outputTokens: fc.integer({ min: 1, max: 120 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((rows) => {
    let atMs = 0;
    return rows.map(({ gapMs, ...request }): Sent => ({ ...request, atMs: (atMs += gapMs) }));
  });

function holdsForAll(property: (profile: EngineProfile, requests: readonly Sent[]) => void, numRuns = 200): void {
  fc.assert(fc.property(profiles, sent, property), { seed: 7, numRuns });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('an engine', () => {
  it('tells of everything once and in order, and of nothing before its cause', () => {
    holdsForAll((profile, requests) => {
      const { firstMs, doneMs, toldMs, engine } = serve(profile, requests);
      expect(toldMs).toStrictEqual(toldMs.toSorted((a, b) => a - b));
      expect(toldMs).toHaveLength(2 * requests.length);
      for (const [id, { atMs, outputTokens }] of requests.entries()) {
        const [first = Number.NaN, done = Number.NaN] = [firstMs[id], doneMs[id]];
        expect(first).toBeGreaterThanOrEqual(atMs + profile.alpha);
        expect(done - first).toBeGreaterThanOrEqual((outputTokens - 1) * profile.alpha - 1e-6);
      }
      expect(engine.inFlight).toBe(0);
      expect(engine.freeBlocks).toBe(profile.kvCapacityTokens / profile.blockTokens);
    });
  });

  it('works exactly while it has something to do', () => {
    holdsForAll((profile, requests) => {
      const { doneMs, engine } = serve(profile, requests);
      let [busy, until] = [0, 0];
      for (const [id, { atMs }] of requests.entries()) {
        // Who was sent by then is done at the latest at the end of the busy time that holds the arrival.
        const done = doneMs[id] ?? Number.NaN;
        busy += Math.max(0, done - Math.max(atMs, until));
        until = Math.max(until, done);
      }
      expect(engine.busyMs(until)).toBeCloseTo(busy, 4);
    });
  });

  it("obeys Little's law: requests in it over time are what they stayed", () => {
    holdsForAll((profile, requests) => {
      const { doneMs } = serve(profile, requests);
      const stayed = sum(requests.map(({ atMs }, id) => (doneMs[id] ?? Number.NaN) - atMs));
      const looks = [...requests.map(({ atMs }) => atMs), ...doneMs].toSorted((a, b) => a - b);
      const engine = new Replica({
        profile,
        startMs: 0,
        observer: { firstToken: () => undefined, finished: () => undefined },
      });
      let next = 0;
      let area = 0;
      for (const [i, at] of looks.entries()) {
        for (let one = requests[next]; one !== undefined && one.atMs <= at; one = requests[++next]) {
          engine.submit({ ...one, id: next }, one.atMs);
        }
        // Just after: an end that was reached in other steps may come a rounding later.
        engine.advance(at + 1e-6);
        area += engine.inFlight * ((looks[i + 1] ?? at) - at);
      }
      expect(area / stayed).toBeCloseTo(1, 6);
    }, 100);
  });

  it('that is twice as slow under half the rate takes twice as long, to the bit', () => {
    holdsForAll((profile, requests) => {
      const { alpha, w, beta, gamma, delta, kappa, gq } = profile;
      const twice = { alpha, w, beta, gamma, delta, kappa, gq };
      const slow = {
        ...profile,
        ...Object.fromEntries(Object.entries(twice).map(([name, value]) => [name, 2 * value])),
      };
      const is = serve(profile, requests);
      const then = serve(
        slow,
        requests.map((request) => ({ ...request, atMs: 2 * request.atMs })),
      );
      expect(then.doneMs).toStrictEqual(is.doneMs.map((at) => 2 * at));
      expect(then.firstMs).toStrictEqual(is.firstMs.map((at) => 2 * at));
    });
  });

  it('that was idle in between has served two traces, each as if it were alone', () => {
    fc.assert(
      fc.property(profiles, sent, sent, (profile, before, after) => {
        const gapMs = Math.ceil(Math.max(...serve(profile, before).doneMs)) + 1000;
        const whole = serve(profile, [...before, ...after.map((one) => ({ ...one, atMs: one.atMs + gapMs }))]);
        const alone = serve(profile, after);
        expect(whole.doneMs.slice(0, before.length)).toStrictEqual(serve(profile, before).doneMs);
        const shift = whole.doneMs.slice(before.length).map((at, i) => at - gapMs - (alone.doneMs[i] ?? Number.NaN));
        expect(Math.max(...shift.map(Math.abs))).toBeLessThan(1e-6);
      }),
      { seed: 8, numRuns: 100 },
    );
  });
});

const profile = profileWith({ maxNumSeqs: 16, kvCapacityTokens: 20_000 });

function fixedFleet(workload: Workload, size: number, seed = 1): SimResult {
  const options = { workload, profile, minReplicas: size, maxReplicas: size, initialReplicas: size, seed };
  return runSimulation(
    { ...options, routing: 'RoundRobin', timelineStepSeconds: 1 },
    new Script({}, { initial: size }),
  );
}

const loads = fc.record({
  rate: fc.integer({ min: 4, max: 30 }),
  seed: fc.integer({ min: 1, max: 1000 }),
  size: fc.integer({ min: 1, max: 4 }),
});

describe('a fleet', () => {
  // Who comes while an iteration runs waits for its end, and which one runs then is chance.
  const oneIteration = (profile.alpha + profile.w + (profile.beta + profile.delta) * profile.maxNumSeqs) / 1000;

  it('twice as large under the same routing has no longer tails, but for one iteration', () => {
    fc.assert(
      fc.property(loads, ({ rate, seed, size }) => {
        const workload = poisson({ rate, seconds: 120, seed });
        const [small, large] = [fixedFleet(workload, size), fixedFleet(workload, 2 * size)];
        expect(large.ttft?.p99).toBeLessThanOrEqual((small.ttft?.p99 ?? Number.NaN) + oneIteration);
        expect(large.e2e?.p99).toBeLessThanOrEqual((small.e2e?.p99 ?? Number.NaN) + oneIteration);
        expect(large.attainment).toBeGreaterThanOrEqual(small.attainment ?? Number.NaN);
      }),
      { seed: 9, numRuns: 25 },
    );
  });

  it("obeys Little's law in what it reports, to what a look each second can tell", () => {
    const workload = poisson({ rate: 12, seconds: 1800, seed: 3 });
    const { timeline, e2e, completed, durationSeconds, arrivals } = fixedFleet(workload, 3);
    expect(completed).toBe(arrivals);
    const inside = sum(timeline.running.map((running, i) => running + (timeline.queued[i] ?? 0))) / timeline.t.length;
    expect((inside * durationSeconds) / (completed * (e2e?.mean ?? Number.NaN))).toBeCloseTo(1, 1.7);
  });

  it('whose replicas start sooner keeps no fewer objectives, and at once keeps most', () => {
    fc.assert(
      fc.property(loads, ({ rate, seed }) => {
        const workload = poisson({ rate, seconds: 300, seed });
        const attained = [0.001, 10, 60, 200].map(
          (coldStartSeconds) =>
            runSimulation(
              { workload, profile, seed, coldStartSeconds, startSpread: 0, minReplicas: 1, maxReplicas: 9 },
              new Script({ 20: 4, 60: 8 }, { initial: 1 }),
            ).attainment ?? Number.NaN,
        );
        expect(attained).toStrictEqual(attained.toSorted((a, b) => b - a));
      }),
      { seed: 10, numRuns: 15 },
    );
  });

  it('that was idle in between adds up its parts', () => {
    const parts = [4, 5].map((seed) => rowsOf(poisson({ rate: 10, seconds: 100, seed })));
    const rows = parts.flatMap((part, i) => part.map((row) => ({ ...row, arrivalMs: row.arrivalMs + 400_000 * i })));
    const whole = fixedFleet(workloadOf('both', rows, 800), 2);
    const alone = parts.map((part) => fixedFleet(workloadOf('one', part, 400), 2));
    const times = ({ completed, e2e }: SimResult): number => completed * (e2e?.mean ?? Number.NaN);
    expect(whole.completed).toBe(sum(alone.map(({ completed }) => completed)));
    expect(whole.gpuHours).toBeCloseTo(sum(alone.map(({ gpuHours }) => gpuHours)), 9);
    expect(whole.gpuHoursBy.busy).toBeCloseTo(sum(alone.map(({ gpuHoursBy }) => gpuHoursBy.busy)), 9);
    expect(times(whole)).toBeCloseTo(sum(alone.map(times)), 6);
  });
});

function rowsOf({ arrivalMs, promptTokens, outputTokens }: Workload): readonly RequestRow[] {
  return [...arrivalMs].map((at, k) => ({
    arrivalMs: at,
    promptTokens: promptTokens[k] ?? 1,
    outputTokens: outputTokens[k] ?? 1,
  }));
}
