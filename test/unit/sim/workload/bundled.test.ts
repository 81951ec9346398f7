import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scenarioOf } from '../../../../src/sim/scenario.ts';
import { llama8bH100 } from '../../../support/builders.ts';
import {
  bundledAbout,
  bundledSettings,
  bundledSource,
  bundledWorkloads,
} from '../../../../src/sim/workload/bundled.ts';
import type { Workload } from '../../../../src/sim/workload/workload.ts';

function drawn(name: string, seed = 1): Workload {
  const source = bundledSource(name);
  if (source === undefined) throw new TypeError(name);
  return source.draw({ seed, from: 0, to: source.durationSeconds, rateScale: 1, timeScale: 1 });
}

/** Requests per second. */
function rate(workload: Workload, from: number, to: number): number {
  return workload.arrivalMs.filter((at) => at >= from * 1000 && at < to * 1000).length / (to - from);
}

function meanPrompt(workload: Workload, from: number, to: number): number {
  const tokens = workload.promptTokens.filter((_, i) => {
    const at = (workload.arrivalMs[i] ?? 0) / 1000;
    return at >= from && at < to;
  });
  return tokens.reduce((a, b) => a + b, 0) / tokens.length;
}

describe('bundled workloads', () => {
  it('are eighteen scenarios and the day, each with a row of the page', () => {
    const page = readFileSync(new URL('../../../../docs/workloads.md', import.meta.url), 'utf8');
    expect(bundledWorkloads.length).toBe(1 + 18 + 1);
    for (const { name, about } of bundledAbout()) expect(page).toContain(`| \`${name}\` | ${about} |`);
    expect(bundledSource('s19')).toBeUndefined();
  });

  for (const name of bundledWorkloads.filter((one) => one !== 'day')) {
    it(`are small: ${name}`, () => {
      const workload = drawn(name);
      expect(workload.arrivalMs.length).toBeLessThan(70_000);
      expect(workload.arrivalMs.length).toBeGreaterThan(5000);
      expect(workload.arrivalMs.at(-1)).toBeLessThan(workload.durationSeconds * 1000);
      expect(workload.outputTokens.every((tokens) => tokens >= 1)).toBe(true);
    });
  }

  it('bring the faults and the fleet that they are about', () => {
    const kinds = Object.fromEntries(
      bundledWorkloads.flatMap((name) => {
        const scenario = scenarioOf({ ...bundledSettings(name), workload: drawn(name), profile: llama8bH100 });
        return scenario.faults.map(({ kind }) => [name, kind]);
      }),
    );
    expect(kinds).toStrictEqual({
      s9: 'StaleSeries',
      s11: 'SkewedRouting',
      s15: 'MetricBlackout',
      s16: 'EngineCrash',
    });
    expect(bundledSettings('s8')).toStrictEqual({ nodes: 1, gpusPerNode: 4 });
    expect(bundledSettings('day')).toStrictEqual({});
  });

  it('are the same for the same seed', () => {
    expect(drawn('s3')).toStrictEqual(drawn('s3'));
    expect(drawn('s3', 2)).not.toStrictEqual(drawn('s3'));
  });

  it('do what they are for', () => {
    const crowd = drawn('s5');
    expect(rate(crowd, 640, 900) / rate(crowd, 0, 600)).toBeCloseTo(8, 0);
    const stairs = drawn('s2');
    expect(
      [15, 2, 10, 15, 5, 2]
        .map((want, i) => rate(stairs, 150 * i, 150 * (i + 1)) - want)
        .every((off) => Math.abs(off) < 1.5),
    ).toBe(true);
    const zero = drawn('s6');
    expect(rate(zero, 2400, 6000) * 3600).toBeCloseTo(1, 6);
    const longer = drawn('s10');
    expect(meanPrompt(longer, 900, 2400) / meanPrompt(longer, 0, 900)).toBeCloseTo(16, 0);
    expect(rate(longer, 900, 2400) / rate(longer, 0, 900)).toBeCloseTo(1, 1);
    const [first, second] = [drawn('s13'), drawn('s13-b')];
    expect(rate(first, 300, 600)).toBeGreaterThan(4 * rate(second, 300, 600));
    const trap = drawn('s18');
    expect(rate(trap, 5 * 1800, 6 * 1800) / rate(trap, 6 * 1800, 7 * 1800)).toBeCloseTo(0.2, 1);
  });

  it('share four fifths of their prompts, then a tenth', () => {
    const { prefixes, arrivalMs } = drawn('s17');
    const change = arrivalMs.findIndex((at) => at >= 1_200_000);
    const seen = new Set<number>();
    const share = (from: number, to: number): number => {
      const ids = prefixes?.ids.subarray(prefixes.offsets[from], prefixes.offsets[to]) ?? new Int32Array();
      let known = 0;
      for (const id of ids) {
        if (seen.has(id)) known++;
        seen.add(id);
      }
      return known / ids.length;
    };
    expect(share(0, change)).toBeCloseTo(0.8, 2);
    expect(share(change, arrivalMs.length)).toBeCloseTo(0.1, 2);
  });
});
