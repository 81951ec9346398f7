import { describe, expect, it } from 'vitest';
import { dayWorkload, diurnalShare } from '../../../../src/sim/workload/day.ts';
import { scaleRate, slice } from '../../../../src/sim/workload/scale.ts';
import { poisson } from '../../../support/simulations.ts';

const trace = poisson({ rate: 5, seconds: 1800 });
const sum = (values: Int32Array): number => values.reduce((total, value) => total + value, 0);

describe('scaleRate', () => {
  it('adds jittered copies: as many times the requests and tokens, the first copy untouched, within the trace', () => {
    const scaled = scaleRate(trace, 20, 1);
    expect(scaled.arrivalMs.length).toBe(20 * trace.arrivalMs.length);
    expect(sum(scaled.promptTokens)).toBe(20 * sum(trace.promptTokens));
    expect(scaled.durationSeconds).toBe(trace.durationSeconds);
    const times = new Set(scaled.arrivalMs);
    expect(trace.arrivalMs.every((at) => times.has(at))).toBe(true);
    expect(scaled.arrivalMs.at(-1)).toBeLessThanOrEqual(trace.durationSeconds * 1000);
    expect([...scaled.arrivalMs]).toStrictEqual([...scaled.arrivalMs].toSorted((a, b) => a - b));
  });

  it('keeps the shape over minutes: each copy moves by at most 30 s', () => {
    const step = slice({ ...trace, arrivalMs: trace.arrivalMs.map((at) => Math.max(at, 900_000)) }, 0, 1800);
    const scaled = scaleRate(step, 10, 1);
    expect(scaled.arrivalMs[0]).toBeGreaterThanOrEqual(870_000);
  });

  it('thins by a fraction, and does nothing at 1', () => {
    expect(scaleRate(trace, 0.25, 1).arrivalMs.length / trace.arrivalMs.length).toBeCloseTo(0.25, 1);
    expect(scaleRate(trace, 2.5, 1).arrivalMs.length / trace.arrivalMs.length).toBeCloseTo(2.5, 1);
    expect(scaleRate(trace, 1, 1)).toBe(trace);
    expect(() => scaleRate(trace, 0, 1)).toThrow('must be above 0, was 0');
  });

  it('repeats itself for the same seed', () => {
    expect(scaleRate(trace, 3, 7)).toStrictEqual(scaleRate(trace, 3, 7));
    expect(scaleRate(trace, 3, 7)).not.toStrictEqual(scaleRate(trace, 3, 8));
  });
});

describe('slice', () => {
  it('cuts a part out and starts its time at 0; the parts are the whole', () => {
    const [head, tail] = [slice(trace, 0, 600), slice(trace, 600, 1e9)];
    expect(head.arrivalMs.length + tail.arrivalMs.length).toBe(trace.arrivalMs.length);
    expect(head.durationSeconds + tail.durationSeconds).toBe(1800);
    expect(Math.max(...head.arrivalMs)).toBeLessThan(600_000);
    expect(tail.arrivalMs[0]).toBeLessThan(3000);
    expect(slice(trace, 5000, 6000).arrivalMs.length).toBe(0);
  });
});

describe('dayWorkload', () => {
  const day = dayWorkload({ seed: 3, compress: 24, peakRate: 60 });
  const rateAt = (hour: number): number => {
    const from = (hour / 24) * day.durationSeconds * 1000;
    const span = 60_000;
    return day.arrivalMs.filter((at) => at >= from && at < from + span).length / 60;
  };

  it('is quiet at night, busy in the afternoon, and has a flash crowd after one o’clock', () => {
    expect(day.durationSeconds).toBe(3600);
    expect(rateAt(3)).toBeLessThan(0.25 * 60);
    expect(rateAt(15)).toBeGreaterThan(0.7 * 60);
    expect(rateAt(13.5) / (60 * diurnalShare(13.5))).toBeGreaterThan(1.6);
  });

  it('is as long and as wordy as the conversation trace it is shaped after', () => {
    const count = day.arrivalMs.length;
    expect(sum(day.promptTokens) / count).toBeGreaterThan(1000);
    expect(sum(day.promptTokens) / count).toBeLessThan(1350);
    expect(sum(day.outputTokens) / count).toBeGreaterThan(180);
    expect(sum(day.outputTokens) / count).toBeLessThan(240);
    expect(day.promptTokens.every((tokens) => tokens >= 1)).toBe(true);
    expect(day.outputTokens.every((tokens) => tokens >= 1)).toBe(true);
  });

  it('is burstier than Poisson over ten seconds', () => {
    const inWindow = (i: number): number => day.arrivalMs.filter((at) => Math.floor(at / 10_000) === i).length;
    const counts = Array.from({ length: 40 }, (_, k) => inWindow(215 + k));
    const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
    const variance = counts.reduce((total, n) => total + (n - mean) ** 2, 0) / counts.length;
    expect(variance / mean).toBeGreaterThan(2);
  });

  it('repeats itself for the same seed', () => {
    expect(dayWorkload({ seed: 3, compress: 24, peakRate: 60 })).toStrictEqual(day);
  });
});
