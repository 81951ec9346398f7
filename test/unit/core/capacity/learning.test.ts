import { expect, test } from 'vitest';
import { servedBy } from '../../../../src/core/capacity/ceiling.ts';
import { correctionFactor, doubtOf, learnCorrection, noCorrection } from '../../../../src/core/capacity/correction.ts';
import { plannedShare } from '../../../../src/core/decision/sizing.ts';
import { capacityFromCurve, learnCurve } from '../../../../src/core/capacity/curve.ts';
import { operatingPoint, scaled } from '../../../../src/core/capacity/iteration-time.ts';
import { freshMix, learnMix, lengthsOf, type Lengths } from '../../../../src/core/signals/mix.ts';
import type { Flow } from '../../../../src/core/signals/flow.ts';
import type { LearnedMemory } from '../../../../src/core/model/memory.ts';
import { milliseconds } from '../../../../src/core/model/units.ts';
import { llama8bH100 as llama } from '../../../support/builders.ts';

const chat: Lengths = { uncachedPrompt: 1000, cachedPrompt: 0, output: 200, isPrior: false };

/** What `replicas` in a steady state do in 15 s, each at `rate` requests/s with `running` at once. */
function flowAt(rate: number, running: number, over: Partial<Flow> = {}): Flow {
  const replicaSeconds = 60;
  const requests = rate * replicaSeconds;
  return {
    replicas: 4,
    replicaSeconds,
    finished: requests,
    started: requests,
    promptTokens: requests * 1000,
    cachedTokens: 0,
    outputTokens: requests * 200,
    runningSeconds: running * replicaSeconds,
    runningChange: 0,
    waitingSeconds: 0,
    itlSeconds: 0,
    itlTokens: 0,
    ...over,
  };
}

test('the mix begins at its prior and ends at what was measured', () => {
  let mix = freshMix;
  expect(lengthsOf(mix)).toEqual({ uncachedPrompt: 1024, cachedPrompt: 0, output: 256, isPrior: true });
  for (let i = 0; i < 40; i++) mix = learnMix(mix, flowAt(5, 20), 15);
  const { uncachedPrompt, output, isPrior } = lengthsOf(mix);
  expect(uncachedPrompt).toBeCloseTo(1000, 9);
  expect(output).toBeCloseTo(200, 9);
  expect(isPrior).toBe(false);
});

test('cached prompt tokens leave the mean prompt as it is and shrink what must be computed', () => {
  let mix = freshMix;
  const flow = flowAt(5, 20);
  for (let i = 0; i < 40; i++) mix = learnMix(mix, { ...flow, cachedTokens: flow.promptTokens * 0.8 }, 15);
  const { uncachedPrompt, cachedPrompt } = lengthsOf(mix);
  expect(uncachedPrompt).toBeCloseTo(200, 6);
  expect(cachedPrompt).toBeCloseTo(800, 6);
});

test('a drop of the cache share is learned within minutes', () => {
  let mix = freshMix;
  const flow = flowAt(5, 20);
  for (let i = 0; i < 240; i++) mix = learnMix(mix, { ...flow, cachedTokens: flow.promptTokens * 0.8 }, 15);
  for (let i = 0; i < 20; i++) mix = learnMix(mix, { ...flow, cachedTokens: flow.promptTokens * 0.1 }, 15);
  expect(lengthsOf(mix).uncachedPrompt).toBeGreaterThan(500);
});

test('prompts that are too long for the mix are another mix at once, shorter ones not', () => {
  const [short, long] = [flowAt(5, 20), flowAt(5, 20, { promptTokens: 5 * 60 * 8000 })];
  const after = (first: Flow, then: Flow): number => {
    let mix = freshMix;
    for (let i = 0; i < 40; i++) mix = learnMix(mix, first, 15);
    for (let i = 0; i < 2; i++) mix = learnMix(mix, then, 15);
    return lengthsOf(mix).uncachedPrompt;
  };
  expect(after(short, long)).toBeGreaterThan(5000);
  expect(after(long, short)).toBeGreaterThan(7000);
});

test('so are prompts that are no longer cached; a few long ones are none', () => {
  let cached = freshMix;
  for (let i = 0; i < 40; i++) cached = learnMix(cached, flowAt(5, 20, { cachedTokens: 240_000 }), 15);
  const cold = learnMix(cached, flowAt(5, 20), 15);
  expect(lengthsOf(cached).uncachedPrompt).toBeCloseTo(200, 6);
  expect(lengthsOf(cold).uncachedPrompt).toBeGreaterThan(500);
  const few = learnMix(cached, flowAt(5, 20, { started: 4, finished: 4, promptTokens: 4 * 2000 }), 15);
  expect(lengthsOf(few).uncachedPrompt).toBeLessThan(250);
});

test('what an engine served is told in requests of the mean length, whatever those that finished were', () => {
  const costs = { prompt: 1, output: 4 };
  expect(servedBy(flowAt(5, 20), chat, costs)).toBeCloseTo(5, 9);
  expect(
    servedBy(flowAt(5, 20, { finished: 10, promptTokens: 300 * 2000, outputTokens: 300 * 400 }), chat, costs),
  ).toBeCloseTo(10, 9);
  expect(servedBy(flowAt(5, 20, { promptTokens: 0, outputTokens: 0 }), chat, costs)).toBe(5);
  expect(servedBy(undefined, chat, costs)).toBeUndefined();
});

test('prompts are known from the first requests on', () => {
  const first = learnMix(freshMix, flowAt(5, 20, { started: 20, finished: 0, promptTokens: 20 * 4000 }), 15);
  expect(lengthsOf(first).uncachedPrompt).toBeCloseTo(4000, 6);
});

test('answers that have not ended are at least as long as they are by now; once enough have ended, those tell', () => {
  const running = { finished: 0, runningChange: 300, started: 300 };
  let mix = learnMix(freshMix, flowAt(5, 20, { ...running, outputTokens: 300 * 400 }), 15);
  mix = learnMix(mix, flowAt(5, 20, { ...running, started: 0, runningChange: 0, outputTokens: 300 * 500 }), 15);
  expect(lengthsOf(mix).output).toBeGreaterThan(850);
  expect(lengthsOf(mix).output).toBeLessThanOrEqual(930);
  const ended = learnMix(mix, flowAt(5, 20, { started: 0, outputTokens: 300 * 300, runningChange: -300 }), 15);
  expect(lengthsOf(ended).output).toBeLessThan(800);
});

test('while more run than have finished, short answers alone do not make the mean', () => {
  const flow = flowAt(5, 20);
  const young = learnMix(freshMix, { ...flow, finished: 300, outputTokens: 300 * 20, runningChange: 0 }, 0);
  expect(lengthsOf(young).output).toBe(20);
  expect(lengthsOf(young, 1000).output).toBeGreaterThan(230);
});

test.each([0.7, 1, 1.3])('an engine %f times as slow as its profile is found out, at any load', (factor) => {
  for (const rate of [6, 10, 13]) {
    const point = operatingPoint(scaled(llama, factor), chat, rate);
    const tokens = rate * 60 * 200;
    const flow = flowAt(rate, point.sequences, { itlTokens: tokens, itlSeconds: (tokens * point.iterationMs) / 1000 });
    let correction = noCorrection;
    for (let i = 0; i < 200; i++) correction = learnCorrection(correction, llama, chat, { flow, seconds: 15 });
    expect(correction.factor).toBeCloseTo(factor, 1);
    expect(correctionFactor(correction)).toBeGreaterThan(Math.min(1, factor) - 0.01);
  }
});

test('a correction stays inside its bounds, and a replica that hardly runs teaches none', () => {
  const slow = flowAt(10, 40, { itlTokens: 1000, itlSeconds: 1000 });
  const idle = flowAt(0.1, 1, { itlTokens: 1000, itlSeconds: 1000 });
  let correction = noCorrection;
  for (let i = 0; i < 500; i++) correction = learnCorrection(correction, llama, chat, { flow: slow, seconds: 15 });
  expect(correction.factor).toBeCloseTo(2, 9);
  expect(learnCorrection(noCorrection, llama, chat, { flow: idle, seconds: 15 })).toEqual(noCorrection);
});

const limits = {
  objectives: { attainmentPercent: 99 },
  kvHighRatio: 0.85,
  maxRunning: undefined,
  saturatedAt: Infinity,
  kvPerRequest: undefined,
} as const;

test('without profile and without a curve the prior says so', () => {
  const capacity = capacityFromCurve([], chat, limits);
  expect(capacity).toMatchObject({ source: 'prior', boundBy: 'learned', inFlight: 32 });
});

function curveOf(residence: (running: number) => number, at: readonly number[]): LearnedMemory['curve'] {
  let curve: LearnedMemory['curve'] = [];
  for (let i = 0; i < 60; i++) {
    for (const running of at) curve = learnCurve(curve, flowAt(running / residence(running), running), 15);
  }
  return curve;
}

test('a learned curve finds where residence time meets the objective', () => {
  const residence = (running: number): number => 200 * (0.008 + 0.0004 * running);
  const curve = curveOf(residence, [8, 16, 30, 44]);
  const capacity = capacityFromCurve(curve, chat, {
    ...limits,
    objectives: { attainmentPercent: 99, interTokenLatency: { percentile: 95, milliseconds: milliseconds(24) } },
  });
  expect(capacity.source).toBe('learned curve');
  expect(capacity.inFlight).toBeGreaterThan(24);
  expect(capacity.inFlight).toBeLessThan(36);
  expect(capacity.requestsPerSecond).toBeCloseTo(capacity.inFlight / residence(capacity.inFlight), 0);
});

test("the engine's own limit and the KV that requests hold bound a learned capacity", () => {
  const curve = curveOf((running) => 2 + 0.01 * running, [20, 40]);
  expect(capacityFromCurve(curve, chat, { ...limits, maxRunning: 16 }).inFlight).toBeCloseTo(12.8, 9);
  expect(capacityFromCurve(curve, chat, { ...limits, kvPerRequest: 0.05 }).inFlight).toBeCloseTo(17, 9);
  expect(capacityFromCurve(curve, chat, { ...limits, saturatedAt: 9 }).inFlight).toBeCloseTo(9, 9);
});

test('a concurrency far beyond what was seen is not promised', () => {
  const curve = curveOf((running) => 2 + 0.001 * running, [40]);
  expect(capacityFromCurve(curve, chat, limits).inFlight).toBeCloseTo(60, 0);
});

test('a curve stays bounded however wild the load', () => {
  let curve: LearnedMemory['curve'] = [];
  for (let i = 0; i < 2000; i++) curve = learnCurve(curve, flowAt(1 + (i % 17), 1.37 ** (i % 40)), 15);
  expect(curve.length).toBeLessThanOrEqual(24);
});

test('replicas are given back only on a concurrency that was nearly seen', () => {
  const proven = (running: number): number | undefined =>
    capacityFromCurve(
      curveOf((b) => 0.5 + 0.01 * b, [running]),
      chat,
      limits,
    ).provenInFlight;
  expect(proven(6)).toBeCloseTo(9, 6);
  expect(proven(1)).toBe(4);
  expect(proven(60)).toBeCloseTo(90, 6);
});

test('an engine that fills with hundreds of requests teaches nothing about what it serves', () => {
  const filling = flowAt(0.1, 100, { finished: 0, runningChange: 600 });
  expect(learnCurve([], filling, 15)).toStrictEqual([]);
  expect(learnCurve([], flowAt(5, 100, { runningChange: 30 }), 15)).toHaveLength(1);
  expect(learnCurve([], flowAt(0.5, 1, { runningChange: 3 }), 15)).toHaveLength(1);
});

test('what varies by chance where hardly anything runs does not bend the curve', () => {
  let curve: LearnedMemory['curve'] = [];
  // The same throughput whatever ran: residence time seems to grow with concurrency alone.
  for (let i = 0; i < 60; i++) curve = learnCurve(curve, flowAt(2, [0.7, 1, 1.4, 2][i % 4] ?? 1), 15);
  expect(capacityFromCurve(curve, chat, limits).requestsPerSecond).toBeGreaterThan(10);
});

test('measuring an engine narrows the margin to four tenths, and what is not measured again widens it', () => {
  expect(plannedShare(0.9, { doubt: doubtOf(noCorrection) })).toBeCloseTo(0.9, 9);
  const point = operatingPoint(llama, chat, 8);
  const flow = flowAt(8, point.sequences, { itlSeconds: 1000 * point.iterationMs, itlTokens: 1_000_000 });
  let correction = noCorrection;
  const shares: number[] = [];
  for (let i = 0; i < 200; i++) {
    correction = learnCorrection(correction, llama, chat, { flow, seconds: 15 });
    shares.push(plannedShare(0.9, { doubt: doubtOf(correction) }));
  }
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBeGreaterThan(0.95);
  expect(shares.at(-1)).toBeLessThan(0.96);
  for (let i = 0; i < 480; i++) correction = learnCorrection(correction, llama, chat, { flow: undefined, seconds: 15 });
  expect(plannedShare(0.9, { doubt: doubtOf(correction) })).toBeLessThan(0.91);
});
