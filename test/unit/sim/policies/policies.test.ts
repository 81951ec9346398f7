import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parsePolicy } from '../../../../src/config/policy-file.ts';
import type { PolicyDefinition } from '../../../../src/core/model/policy-definition.ts';
import type { PoolSeen, ReplicaSeen } from '../../../../src/core/model/pool.ts';
import { replicas } from '../../../../src/core/model/units.ts';
import { createPolicy } from '../../../../src/sim/policies/index.ts';
import { poolSaturation } from '../../../../src/sim/policies/keda-epp.ts';
import type { PolicyAnswer, PolicySetting, SimulatedPolicy } from '../../../../src/sim/policies/policy.ts';
import {
  at,
  fleetSeen,
  poolPolicy,
  poolSeen,
  type Readings,
  replicaSeen,
  samples,
  targetSeen,
} from '../../../support/builders.ts';

const setting: PolicySetting = { minReplicas: 1, maxReplicas: 16, seed: 1 };
async function definitionOf(name: string): Promise<PolicyDefinition> {
  const parsed = parsePolicy(await readFile(new URL(`../../../../policies/${name}.yaml`, import.meta.url), 'utf8'));
  if (!parsed.ok) throw new Error(`policies/${name}.yaml is invalid`);
  return parsed.value;
}
const policyNamed = async (name: string, given: Partial<PolicySetting> = {}): Promise<SimulatedPolicy> =>
  createPolicy(await definitionOf(name), { ...setting, ...given }, poolPolicy());

/** A pool of ready replicas with these readings, at `s` seconds; `spec` where it differs from their number. */
function pool(s: number, readings: readonly Readings[], spec = readings.length): PoolSeen {
  const seen = readings.map((reading, i): ReplicaSeen => replicaSeen(`r${i}`, { samples: samples(reading, at(s)) }));
  return poolSeen({
    targets: [targetSeen({ replicas: seen, specReplicas: replicas(spec), statusReplicas: replicas(spec) })],
  });
}
const look = (policy: SimulatedPolicy, s: number, seen: PoolSeen): PolicyAnswer =>
  policy.decide({ now: at(s), seen, fleet: fleetSeen() });

describe('static', () => {
  test('starts at its number and asks for it only while it is not there', async () => {
    const policy = await policyNamed('static');
    expect(policy.initialReplicas).toBe(8);
    expect(look(policy, 0, pool(0, [{}])).replicas).toBe(8);
    expect(look(policy, 60, pool(60, [{}], 8)).replicas).toBeUndefined();
  });
  test('without a number is the maximum', () => {
    const policy = createPolicy(
      { kind: 'SimulatedPolicy', name: 's', algorithm: 'Static', parameters: {} },
      setting,
      poolPolicy(),
    );
    expect(policy.initialReplicas).toBe(16);
  });
});

describe('hpa-queue', () => {
  test('asks for one replica per five waiting requests', async () => {
    expect(look(await policyNamed('hpa-queue'), 0, pool(0, [{ waiting: 9 }, { waiting: 8 }])).replicas).toBe(4);
  });
  test('looks each 15 s and is silent when nothing changes', async () => {
    const policy = await policyNamed('hpa-queue');
    expect(policy.tickSeconds).toBe(15);
    expect(look(policy, 0, pool(0, [{ waiting: 5 }])).replicas).toBeUndefined();
  });
  test('sums the replicas that have a series', async () => {
    expect(
      look(await policyNamed('hpa-queue'), 0, pool(0, [{ waiting: 16 }, { waiting: 'ScrapeFailed' }])).replicas,
    ).toBe(4);
  });
  test('holds when there is no series at all, and says why', async () => {
    const answer = look(
      await policyNamed('hpa-queue'),
      0,
      pool(0, [{ waiting: 'ScrapeFailed' }, { waiting: 'NotScraped' }]),
    );
    expect(answer).toStrictEqual({ actions: [], because: 'FailedGetExternalMetric: held' });
  });
  test('does not believe a reading older than three scrapes', async () => {
    const policy = await policyNamed('hpa-queue');
    expect(look(policy, 16, pool(0, [{ waiting: 50 }])).because).toBe('FailedGetExternalMetric: held');
  });
  test('grows 1, 5, 9 under a lasting queue and comes down only after its window', async () => {
    const policy = await policyNamed('hpa-queue');
    let spec = 1;
    const sizes: number[] = [];
    for (let s = 0; s <= 420; s += 15) {
      const waiting = s < 60 ? 45 : 0;
      spec = look(policy, s, pool(s, [{ waiting }], spec)).replicas ?? spec;
      sizes.push(spec);
    }
    expect(sizes.slice(0, 3)).toStrictEqual([5, 9, 9]);
    expect(sizes.findIndex((size, i) => i > 3 && size < 9) * 15).toBe(345);
    expect(sizes.at(-1)).toBe(1);
  });
});

describe('keda-epp', () => {
  const thresholds = { queueDepthThreshold: 5, kvUseThresholdPercent: 80 };
  const saturations: Readonly<Record<string, { readonly readings: readonly Readings[]; readonly want: number }>> = {
    'is the larger of queue and KV': { readings: [{ waiting: 2, kvUse: 0.6 }], want: 0.75 },
    'is the mean over endpoints': {
      readings: [
        { waiting: 5, kvUse: 0 },
        { waiting: 0, kvUse: 0.4 },
      ],
      want: 0.75,
    },
    'is above one when oversubscribed': { readings: [{ waiting: 20, kvUse: 1 }], want: 4 },
    'counts an endpoint without fresh metrics as full': {
      readings: [{ kvUse: 'ScrapeFailed' }, { waiting: 0, kvUse: 0 }],
      want: 0.5,
    },
    'is one for an empty pool': { readings: [], want: 1 },
  };
  for (const [name, { readings, want }] of Object.entries(saturations)) {
    test(`pool saturation ${name}`, () =>
      expect(poolSaturation(thresholds, pool(0, readings), at(0))).toBeCloseTo(want, 12));
  }
  test('scales by saturation over ready replicas', async () => {
    const busy = { waiting: 0, running: 10, kvUse: 0.8 };
    expect(look(await policyNamed('keda-epp'), 0, pool(0, [busy, busy])).replicas).toBe(3);
  });
  test('scales by running requests, 16 a replica, waiting ones included', async () => {
    const busy = { waiting: 4, running: 28, kvUse: 0.3 };
    expect(look(await policyNamed('keda-epp'), 0, pool(0, [busy, busy, busy, busy])).replicas).toBe(8);
  });
  test('at most doubles, for KEDA writes its HPA without behavior', async () => {
    const busy = { waiting: 4, running: 96, kvUse: 0.3 };
    expect(look(await policyNamed('keda-epp'), 0, pool(0, [busy, busy, busy])).replicas).toBe(6);
  });
  test('scales up through a scrape outage, as its fail-closed gauge does', async () => {
    const dark: Readings = { waiting: 'ScrapeFailed', running: 'ScrapeFailed', kvUse: 'ScrapeFailed' };
    expect(look(await policyNamed('keda-epp'), 0, pool(0, [dark, dark])).replicas).toBe(3);
  });
  test('never goes to zero where the minimum is one', async () => {
    const policy = await policyNamed('keda-epp');
    const sizes = [0, 300, 600, 900].map((s) => look(policy, s, pool(s, [{}])).replicas);
    expect(sizes).toStrictEqual([undefined, undefined, undefined, undefined]);
  });
  test('goes to zero after the cooldown where the minimum is zero', async () => {
    const policy = await policyNamed('keda-epp', { minReplicas: 0 });
    expect(look(policy, 0, pool(0, [{ running: 1 }])).replicas).toBeUndefined();
    expect(look(policy, 285, pool(285, [{}])).replicas).toBeUndefined();
    expect(look(policy, 300, pool(300, [{}])).replicas).toBe(0);
  });
  test('at zero the empty pool counts as saturated, so it wakes again', async () => {
    expect(look(await policyNamed('keda-epp', { minReplicas: 0 }), 0, pool(0, [])).replicas).toBe(1);
  });
});

describe('balanced', () => {
  test('carries its memory from look to look and raises under a queue', async () => {
    const policy = await policyNamed('balanced');
    expect(policy.tickSeconds).toBe(15);
    let spec = 1;
    for (let s = 0; s <= 60; s += 15) {
      const answer = look(policy, s, pool(s, [{ waiting: 200, running: 64, kvUse: 0.98, finishedTotal: s }], spec));
      expect(answer.report?.pool).toBe('team-a/chat');
      spec = answer.replicas ?? spec;
    }
    expect(spec).toBeGreaterThan(1);
    expect(spec).toBeLessThanOrEqual(16);
  });
  test('is bounded by the run and not by the pool it was told of', async () => {
    const policy = await policyNamed('balanced', { maxReplicas: 2 });
    const answer = look(policy, 0, pool(0, [{ waiting: 500, running: 64, kvUse: 0.99 }]));
    expect(answer.replicas ?? 1).toBeLessThanOrEqual(2);
  });
  test('two instances share nothing', async () => {
    const [one, two] = await Promise.all([policyNamed('balanced'), policyNamed('balanced')]);
    const busy = pool(0, [{ waiting: 200, running: 64, kvUse: 0.98 }]);
    const first = look(one, 0, busy);
    look(one, 15, pool(15, [{ waiting: 300, running: 64, kvUse: 0.98 }]));
    expect(look(two, 0, busy)).toStrictEqual(first);
  });
});
