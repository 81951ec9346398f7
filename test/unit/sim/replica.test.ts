import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineProfile } from '../../../src/core/model/profile.ts';
import { LogHistogram } from '../../../src/sim/engine/log-histogram.ts';
import { Replica, type ReplicaRequest, type ReplicaSnapshot } from '../../../src/sim/replica.ts';
import { naiveEngine, type NaiveOutcome, type NaiveRequest } from '../../support/naive-engine.ts';
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

/** What the engine's counters must say at a time: only what has happened by then. */
function countsAt(
  { firstTokenMs, finishedMs }: NaiveOutcome,
  rows: readonly NaiveRequest[],
  atMs: number,
): Partial<ReplicaSnapshot> {
  const begun = rows.filter(({ id }) => (firstTokenMs.get(id) ?? 0) <= atMs);
  return {
    finishedTotal: rows.filter(({ id }) => (finishedMs.get(id) ?? 0) <= atMs).length,
    ttftCount: begun.length,
    promptTokensTotal: begun.reduce((sum, row) => sum + row.promptTokens, 0),
  };
}

interface Run {
  readonly log: Log;
  readonly itl: LogHistogram;
  readonly end: ReplicaSnapshot;
  readonly freeBlocks: number;
  /** How often the replica named a time at least 100 ms away. */
  readonly quiet: number;
}

/** When the next request is finished if nobody comes before; Infinity where somebody does. */
function nextFinish(finishes: readonly number[], afterMs: number, nextArrivalMs = Number.POSITIVE_INFINITY): number {
  const next = finishes.find((at) => at > afterMs) ?? Number.POSITIVE_INFINITY;
  return next < nextArrivalMs ? next : Number.POSITIVE_INFINITY;
}

interface Play {
  readonly profile: EngineProfile;
  readonly rows: readonly NaiveRequest[];
  readonly looks: readonly number[];
  readonly want: NaiveOutcome;
  readonly prefixBlockTokens?: number;
}

/** Submits all requests, looks at the replica at the times given, and holds what it says then to what the naive engine did by then. */
function play({ profile, rows, looks, want, prefixBlockTokens }: Play): Run {
  const log = new Log();
  const itl = new LogHistogram();
  const replica = new Replica({ profile, observer: log, startMs: 0, itl, prefixBlockTokens });
  const finishes = [...want.finishedMs.values()].toSorted((a, b) => a - b);
  const times = looks.toSorted((a, b) => a - b);
  let quiet = 0;
  const look = (atMs: number): void => {
    replica.advance(atMs);
    expect(replica.snapshot()).toMatchObject(countsAt(want, rows, atMs));
    const during = want.freeBlocks.find(({ fromMs, toMs }) => fromMs + 1e-6 < atMs && atMs < toMs - 1e-6);
    expect(replica.freeBlocks).toBe(during?.free ?? replica.freeBlocks);
  };
  for (const [i, row] of rows.entries()) {
    while (times[0] !== undefined && times[0] < row.atMs) look(times.shift() ?? 0);
    expect(replica.submit(row, row.atMs)).toBe(true);
    expect(replica.nextChangeMs).toBeLessThanOrEqual(nextFinish(finishes, row.atMs, rows[i + 1]?.atMs) + 1e-6);
    if (replica.nextChangeMs > row.atMs + 100) quiet++;
  }
  for (const time of times) look(Math.max(time, rows.at(-1)?.atMs ?? 0));
  replica.advance(Number.POSITIVE_INFINITY);
  return { log, itl, end: replica.snapshot(), freeBlocks: replica.freeBlocks, quiet };
}

/** Prompts of a few conversations that grow, and now and then begin alike. */
const conversations = (prefixTokens: number): fc.Arbitrary<NaiveRequest[]> =>
  fc
    .array(
      fc.record({
        gapMs: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 300, noNaN: true })),
        conversation: fc.integer({ min: 0, max: 4 }),
        blocks: fc.integer({ min: 0, max: 6 }),
        rest: fc.integer({ min: 0, max: 2 * prefixTokens }),
        known: fc.integer({ min: 0, max: 8 }),
        outputTokens: fc.oneof(fc.constantFrom(1, 20), fc.integer({ min: 1, max: 60 })),
      }),
      { minLength: 1, maxLength: 30 },
    )
    .map((rows) => {
      let atMs = 0;
      return rows.map(({ gapMs, conversation, blocks, rest, known, outputTokens }, id) => {
        atMs += gapMs;
        const promptTokens = Math.max(1, blocks * prefixTokens + rest);
        const whole = Math.min(known, Math.ceil(promptTokens / prefixTokens));
        const prefix = Int32Array.from({ length: whole }, (_, i) => (i < 2 ? i : 100 * conversation + i));
        return { id, atMs, promptTokens, outputTokens, prefix };
      });
    });

/** An engine whose prefix cache is soon full, and its prompts. */
const cachingEngines = fc
  .record({
    blocks: fc.integer({ min: 40, max: 160 }),
    blockTokens: fc.constantFrom(1, 4, 16),
    perPrefix: fc.constantFrom(1, 2, 4),
    maxNumSeqs: fc.integer({ min: 1, max: 16 }),
    budget: fc.integer({ min: 24, max: 300 }),
    gamma: fc.constantFrom(0, 1e-3),
  })
  .chain(({ blocks, blockTokens, perPrefix, budget, ...rest }) => {
    const prefixTokens = perPrefix * blockTokens;
    const kvCapacityTokens = Math.max(blocks * blockTokens, 8 * prefixTokens + 70);
    const profile = profileWith({ ...rest, blockTokens, kvCapacityTokens, maxBatchedTokens: budget });
    return fc.record({
      profile: fc.constant(profile),
      prefixTokens: fc.constant(prefixTokens),
      rows: conversations(prefixTokens),
    });
  });

describe('Replica', () => {
  it('finishes every token at the time of the naive engine, whenever it is looked at', () => {
    const total = { preemptions: 0, iterations: 0, quiet: 0 };
    const times = fc.array(fc.double({ min: 0, max: 5000, noNaN: true }));
    fc.assert(
      fc.property(profiles, requests, times, (profile, rows, looks) => {
        const want = naiveEngine(profile, rows);
        const { log, itl, end, freeBlocks, quiet } = play({ profile, rows, looks, want });
        for (const { id } of rows) {
          expect(log.first.get(id)).toBeCloseTo(want.firstTokenMs.get(id) ?? -1, 5);
          expect(log.done.get(id)).toBeCloseTo(want.finishedMs.get(id) ?? -1, 5);
        }
        const { gaps, preemptions } = want;
        expect(end).toMatchObject({ preemptionsTotal: preemptions, itlCount: gaps.length, running: 0, waiting: 0 });
        expect(itl.total).toBe(gaps.length);
        expect(end.itlSecondsSum).toBeCloseTo(gaps.reduce((sum, gap) => sum + gap, 0) / 1000, 6);
        expect(freeBlocks).toBe(Math.floor(profile.kvCapacityTokens / profile.blockTokens));
        total.preemptions += preemptions;
        total.iterations += want.iterations;
        total.quiet += quiet;
      }),
      { numRuns: 1500, seed: 7 },
    );
    expect(total.preemptions).toBeGreaterThan(1000);
    expect(total.iterations).toBeGreaterThan(100_000);
    expect(total.quiet).toBeGreaterThan(300);
  });

  it('with a prefix cache: finishes every token, finds every cached block and holds every free one as the naive engine does', () => {
    const total = { cached: 0, evictions: 0, preemptions: 0, looks: 0 };
    const times = fc.array(fc.double({ min: 0, max: 3000, noNaN: true }));
    fc.assert(
      fc.property(cachingEngines, times, ({ profile, prefixTokens, rows }, looks) => {
        const want = naiveEngine(profile, rows, prefixTokens);
        const { log, end, freeBlocks } = play({ profile, rows, looks, want, prefixBlockTokens: prefixTokens });
        for (const { id } of rows) {
          expect(log.first.get(id)).toBeCloseTo(want.firstTokenMs.get(id) ?? -1, 5);
          expect(log.done.get(id)).toBeCloseTo(want.finishedMs.get(id) ?? -1, 5);
        }
        const cached = [...want.cachedTokens.values()].reduce((sum, tokens) => sum + tokens, 0);
        expect(end).toMatchObject({ cachedPromptTokensTotal: cached, preemptionsTotal: want.preemptions });
        expect(freeBlocks).toBe(Math.floor(profile.kvCapacityTokens / profile.blockTokens));
        total.cached += cached;
        total.evictions += want.evictions;
        total.preemptions += want.preemptions;
        total.looks += looks.length;
      }),
      { numRuns: 2000, seed: 12 },
    );
    expect(total.cached).toBeGreaterThan(100_000);
    expect(total.evictions).toBeGreaterThan(1000);
    expect(total.preemptions).toBeGreaterThan(100);
    expect(total.looks).toBeGreaterThan(1000);
  });

  const server = profileWith({ kvCapacityTokens: 1600, maxNumSeqs: 2 });
  const request = (id: number, outputTokens: number): ReplicaRequest => ({ id, promptTokens: 100, outputTokens });

  it('reports what waits, what runs and how full its cache is', () => {
    const replica = new Replica({ profile: server, observer: new Log(), startMs: 0 });
    for (const id of [0, 1, 2]) replica.submit(request(id, 50), 0);
    replica.advance(1);
    expect(replica.snapshot()).toMatchObject({ waiting: 1, running: 2, kvUse: 14 / 100, maxRunning: 2 });
    replica.advance(Number.POSITIVE_INFINITY);
    expect(replica.snapshot()).toMatchObject({ waiting: 0, running: 0, kvUse: 0, finishedTotal: 3, queueCount: 3 });
    expect(replica.nextChangeMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('refuses what can never fit its cache, and everything once it drains', () => {
    const log = new Log();
    const replica = new Replica({ profile: server, observer: log, startMs: 0 });
    expect(replica.submit(request(0, 1502), 0)).toBe(false);
    expect(replica.submit(request(1, 1501), 0)).toBe(true);
    replica.drain();
    expect(replica.submit(request(2, 1), 5)).toBe(false);
    replica.advance(Number.POSITIVE_INFINITY);
    expect([...log.done.keys()]).toStrictEqual([1]);
  });

  it('loses what runs and waits when it is killed', () => {
    const replica = new Replica({ profile: server, observer: new Log(), startMs: 0 });
    for (const id of [0, 1, 2]) replica.submit(request(id, 50), 0);
    replica.advance(100);
    expect(replica.kill()).toStrictEqual([0, 1, 2]);
  });

  it('drops the blocks of the oldest first where several are done at the same time', () => {
    const profile = profileWith({ kvCapacityTokens: 8 * 16 });
    const replica = new Replica({ profile, observer: new Log(), startMs: 0, prefixBlockTokens: 16 });
    const short = (id: number, block: number): ReplicaRequest => ({
      id,
      promptTokens: 17,
      outputTokens: 5,
      prefix: Int32Array.of(block),
    });
    for (const block of [1, 2, 3]) replica.submit(short(block, block), 0);
    replica.submit({ id: 4, promptTokens: 7 * 16, outputTokens: 1 }, 1000);
    replica.advance(2000);
    const cachedOf = (block: number, atMs: number): number => {
      const before = replica.snapshot().cachedPromptTokensTotal;
      replica.submit(short(block + 10, block), atMs);
      replica.advance(atMs + 1000);
      return replica.snapshot().cachedPromptTokensTotal - before;
    };
    expect([cachedOf(1, 2000), cachedOf(2, 3000), cachedOf(3, 4000)]).toStrictEqual([0, 0, 16]);
  });

  it('computes less of a prompt that the prefix cache holds', () => {
    const firstTokenAt = (cachedTokens: number): number => {
      const log = new Log();
      const replica = new Replica({ profile: profileWith(), observer: log, startMs: 0 });
      replica.submit({ id: 0, promptTokens: 8000, outputTokens: 2, cachedTokens }, 0);
      replica.advance(Number.POSITIVE_INFINITY);
      expect(replica.snapshot().cachedPromptTokensTotal).toBe(cachedTokens);
      return log.first.get(0) ?? -1;
    };
    expect(firstTokenAt(0)).toBeCloseTo(2 + Math.cbrt(5 ** 3 + 200 ** 3) + 0.02, 3);
    expect(firstTokenAt(7000)).toBeCloseTo(2 + Math.cbrt(5 ** 3 + 25 ** 3) + 4e-5 * 7000 + 0.02, 3);
  });
});
