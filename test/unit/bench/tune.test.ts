import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { originOf, peerNames, tunedPeers } from '../../../bench/decisions/policies.ts';
import { standardWorkloads } from '../../../bench/decisions/workloads.ts';
import {
  bestOf,
  firstCandidates,
  pointOf,
  refinedCandidates,
  settingOf,
  type Tried,
} from '../../../bench/tune/search.ts';
import { sobolPoints } from '../../../bench/tune/sobol.ts';
import { type Range, readSpace, type Simulated, valueAt, withSettings } from '../../../bench/tune/space.ts';
import { tunedText } from '../../../bench/tune/tuned-file.ts';
import type { NamedPolicy } from '../../../src/cli/simulation-input.ts';
import { bundledPolicies, readPolicy, tunedPolicies } from '../../../src/cli/bundled.ts';
import { readPolicyVariants } from '../../../src/config/policy-file.ts';

async function peer(name: string): Promise<Simulated> {
  const definition = await readPolicy(name);
  if (definition.kind !== 'SimulatedPolicy') throw new TypeError(`${name} is no peer`);
  return definition;
}

/** A file of its own with this text. */
function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-tune-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file.yaml');
  writeFileSync(path, text);
  return path;
}

test('the first Sobol points are those that were published', () => {
  expect(sobolPoints(3, { from: 0, count: 8 })).toStrictEqual([
    [0, 0, 0],
    [0.5, 0.5, 0.5],
    [0.75, 0.25, 0.25],
    [0.25, 0.75, 0.75],
    [0.375, 0.375, 0.625],
    [0.875, 0.875, 0.125],
    [0.625, 0.125, 0.875],
    [0.125, 0.625, 0.375],
  ]);
});

test('property: each coordinate of the first 2^k points takes every 2^-k once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 7 }), (dimensions, k) => {
      const count = 2 ** k;
      const points = sobolPoints(dimensions, { from: 0, count });
      for (let d = 0; d < dimensions; d++) {
        const cells = points.map((point) => Math.floor((point[d] ?? 0) * count)).toSorted((a, b) => a - b);
        expect(cells).toStrictEqual(Array.from({ length: count }, (_, i) => i));
      }
    }),
  );
});

test('every peer is tuned but two variants of others, each within what its schema allows at both ends', async () => {
  const space = readSpace();
  const left = (await peerNames()).filter((name) => space[name] === undefined);
  expect(left).toStrictEqual(['production-stack-unsummed', 'wva-v2-hits']);
  for (const [name, ranges] of Object.entries(space)) {
    const policy = await peer(name);
    for (const part of [0, 0.5, 1]) {
      const values = ranges.map((range) => valueAt(range, part));
      const changed = withSettings(policy, ranges, values);
      expect(ranges.map(({ setting }) => settingOf(changed, setting))).toStrictEqual(values);
    }
  }
});

test('a space that is wrong is refused with the place', () => {
  const wrong = (line: string) => () => readSpace(fileOf(line));
  expect(wrong('static: []')).toThrow(/static.*fewer than 1/);
  expect(wrong('static:\n  - { setting: replicas, scale: log, from: 0, to: 5 }')).toThrow(
    /replicas must go up, from 1/,
  );
  expect(wrong('static:\n  - { setting: replicas, scale: square, from: 0, to: 5 }')).toThrow(/scale.*square/);
});

test('a setting that does not exist, or that the policy forbids, is refused', async () => {
  const policy = await peer('static');
  const range = (setting: string): Range => ({ setting, scale: 'linear', from: 0, to: 9 });
  expect(() => withSettings(policy, [range('size')], [3])).toThrow(/no number at size/);
  expect(() => withSettings(policy, [range('size.deep')], [3])).toThrow(/no setting size.deep/);
  expect(() => withSettings(policy, [range('replicas')], [-1])).toThrow(/replicas/);
});

const ranges: readonly Range[] = [
  { setting: 'targetAverageMilli', scale: 'log', from: 100, to: 10_000 },
  { setting: 'tolerancePercent', scale: 'linear', from: 0, to: 30 },
];

test('the defaults are tried first, the same settings once', async () => {
  const policy = await peer('hpa-queue');
  const candidates = firstCandidates(policy, ranges);
  expect(candidates[0]).toStrictEqual({ definition: policy });
  expect(candidates).toHaveLength(65);
  const fixed = firstCandidates(await peer('static'), [{ setting: 'replicas', scale: 'linear', from: 1, to: 4 }]);
  expect(fixed.map(({ definition }) => settingOf(definition, 'replicas')).toSorted((a, b) => a - b)).toStrictEqual([
    1, 2, 3, 4, 8,
  ]);
});

test('a refinement looks around the best, and nowhere twice', async () => {
  const policy = await peer('hpa-queue');
  const tried = firstCandidates(policy, ranges).map(
    (one, i): Tried => ({ ...one, misses: 0, gpuHours: i === 40 ? 1 : 2 }),
  );
  const best = bestOf(tried)?.point ?? [];
  const refined = refinedCandidates(policy, ranges, { round: 0, tried });
  expect(refined.length).toBeGreaterThan(4);
  for (const { point = [] } of refined) {
    point.forEach((part, i) => expect(Math.abs(part - (best[i] ?? 0))).toBeLessThanOrEqual(0.15));
  }
  const settings = [...tried, ...refined].map(({ definition }) => JSON.stringify(definition));
  expect(new Set(settings).size).toBe(settings.length);
  expect(pointOf(policy, ranges)[1]).toBeCloseTo(1 / 3);
});

test('the cheapest that keeps the allowance wins, then whoever misses least', async () => {
  const definition = await peer('static');
  const of = (misses: number, gpuHours: number): Tried => ({ definition, misses, gpuHours });
  expect(bestOf([of(0, 5), of(0.009, 3), of(0.011, 1)])).toMatchObject({ gpuHours: 3 });
  expect(bestOf([of(0.3, 1), of(0.2, 9)])).toMatchObject({ gpuHours: 9 });
});

test('what was found is read again under its own name', async () => {
  const definition = await peer('hpa-queue');
  const one: Tried = { definition, misses: 0.002, gpuHours: 3.25 };
  const found = ['s2', 's7'].map((workload) => ({ workload, best: one, defaults: one, tried: 81 }));
  const text = tunedText({ policy: 'hpa-queue', command: 'npm run tune', about: 'So and so.', found });
  const variants = await readPolicyVariants(fileOf(text));
  expect(variants.map(({ name }) => name)).toStrictEqual(['hpa-queue@s2', 'hpa-queue@s7']);
  expect(variants[0]).toStrictEqual({ ...definition, name: 'hpa-queue@s2' });
  expect(text).toContain('0.20 % missed for 3.25 GPU-hours');
  const more = [{ workload: 's7', best: { ...one, gpuHours: 9 }, defaults: one, tried: 12 }];
  const again = tunedText({ policy: 'hpa-queue', command: 'npm run tune', about: 'So and so.', found: more }, text);
  expect((await readPolicyVariants(fileOf(again))).map(({ name }) => name)).toStrictEqual([
    'hpa-queue@s2',
    'hpa-queue@s7',
  ]);
  expect(again.match(/^# .*tried$/gm)).toStrictEqual([
    '# 0.20 % missed for 3.25 GPU-hours; the defaults 0.20 % missed for 3.25 GPU-hours; 81 tried',
    '# 0.20 % missed for 9.00 GPU-hours; the defaults 0.20 % missed for 3.25 GPU-hours; 12 tried',
  ]);
});

test('every tuned variant that is stored is of a peer, for a standard workload, and within the space', async () => {
  const workloads = standardWorkloads().map(({ name }) => name);
  const tuned = await tunedPeers();
  expect([...tuned.keys()].filter((name) => !workloads.includes(name))).toStrictEqual([]);
  const outside = await Promise.all([...tuned.values()].flat().map(outsideSpace));
  expect(outside.flat()).toStrictEqual([]);
});

/** Settings that are neither the defaults' nor inside the range that was searched. */
async function outsideSpace({ label, definition }: NamedPolicy): Promise<readonly string[]> {
  if (!('parameters' in definition)) return [`${label} is no peer`];
  const origin = originOf(label) ?? '';
  const defaults = await peer(origin);
  const ranges = readSpace()[origin] ?? [];
  return ranges.flatMap(({ setting, from, to }) => {
    const value = settingOf(definition, setting);
    const isInside = value === settingOf(defaults, setting) || (value >= from && value <= to);
    return isInside ? [] : [`${label}: ${setting} is ${value}`];
  });
}

test('a tuned variant is asked for by policy and workload, and a wrong one is answered with those there are', async () => {
  const [tuned] = Object.keys(tunedPolicies());
  if (tuned === undefined) throw new Error('policies/tuned must hold at least one policy');
  await expect(readPolicy('nobody@s2')).rejects.toThrow(
    new RegExp(`must name a tuned policy of .*${tuned}.*'nobody@s2'`),
  );
  await expect(readPolicy(`${tuned}@nowhere`)).rejects.toThrow(
    new RegExp(`must be one of .*${tuned}@.*'${tuned}@nowhere'`),
  );
  expect(Object.keys(bundledPolicies())).toContain(tuned);
});
