import { describe, expect, it } from 'vitest';
import type { ReplicaSeen } from '../../../src/core/model/pool.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import type { ScenarioOptions } from '../../../src/sim/scenario.ts';
import { workloadOf } from '../../../src/sim/workload/workload.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

const profile = profileWith();
const base: ScenarioOptions = {
  workload: poisson({ rate: 4, seconds: 600 }),
  profile,
  scrapeIntervalSeconds: 15,
  scrapeLagSeconds: 2,
  startSpread: 0,
};

function watch(options: ScenarioOptions, orders: Record<number, number> = {}, initial = 2): Script {
  const policy = new Script(orders, { tickSeconds: 1, initial });
  runSimulation(options, policy);
  return policy;
}
const replicasOf = (policy: Script): readonly { readonly now: number; readonly seen: ReplicaSeen }[] =>
  policy.views.flatMap(({ now, seen }) =>
    seen.targets.flatMap(({ replicas }) => replicas.map((r) => ({ now, seen: r }))),
  );

describe('what policies see', () => {
  it('is a reading of each replica at its own phase of the interval, at least one lag old', () => {
    const policy = watch(base);
    const times = new Map<string, Set<number>>();
    for (const { now, seen } of replicasOf(policy)) {
      const { waiting } = seen.samples;
      if (waiting.kind === 'missing') continue;
      expect(now - waiting.at).toBeGreaterThanOrEqual(1999);
      expect(now - waiting.at).toBeLessThan(15_000 + 2000 + 1001);
      times.set(seen.id, (times.get(seen.id) ?? new Set()).add(waiting.at % 15_000));
    }
    const phases = [...times.values()].map((set) => [...set]);
    expect(phases).toHaveLength(2);
    for (const phase of phases) expect(Math.max(...phase) - Math.min(...phase)).toBeLessThanOrEqual(1);
    expect(phases[0]?.[0]).not.toBe(phases[1]?.[0]);
  });

  it('says NotScraped of a replica that is not ready, never 0', () => {
    const policy = watch({ ...base, gpusPerNode: 1 }, { 60: 4 });
    const starting = replicasOf(policy).filter(({ seen }) => seen.milestones.readyAt === undefined);
    expect(starting.length).toBeGreaterThan(50);
    expect(new Set(starting.map(({ seen }) => seen.phase))).toStrictEqual(
      new Set(['Scheduling', 'PullingImage', 'LoadingWeights', 'StartingEngine']),
    );
    for (const { seen } of starting) {
      expect(seen.samples.waiting).toStrictEqual({ kind: 'missing', cause: 'NotScraped' });
      expect(seen.samples.kvUse).toStrictEqual({ kind: 'missing', cause: 'NotScraped' });
    }
  });

  it('turns stale after three intervals without a scrape', () => {
    const policy = watch({ ...base, scrapeGapShare: 0.8, seed: 5 });
    const kinds = replicasOf(policy).map(({ now, seen: { samples } }) => {
      if (samples.running.kind === 'missing') return 'missing';
      const age = now - samples.running.at;
      expect(samples.running.kind).toBe(age <= 45_000 ? 'value' : 'stale');
      return samples.running.kind;
    });
    expect(new Set(kinds)).toStrictEqual(new Set(['missing', 'value', 'stale']));
  });

  it('counts as the engine does, and gives no hint of how long running answers will be', () => {
    const seen = (outputTokens: number): string => {
      const rows = [0, 1, 2].map((i) => ({ arrivalMs: 1000 + i, promptTokens: 400, outputTokens }));
      const policy = watch({ ...base, workload: workloadOf('long', rows, 20), drainSeconds: 0 }, {}, 1);
      return JSON.stringify(policy.views.filter(({ now }) => now <= 20_000));
    };
    expect(seen(50_000)).toBe(seen(90_000));
    const policy = watch({ ...base, workload: poisson({ rate: 4, seconds: 400 }), drainSeconds: 600 }, {}, 1);
    let last = -1;
    for (const { seen: replica } of replicasOf(policy)) {
      const { finishedTotal, ttftCount, running } = replica.samples;
      if (finishedTotal.kind !== 'value' || ttftCount.kind !== 'value' || running.kind !== 'value') continue;
      expect(finishedTotal.value).toBeGreaterThanOrEqual(last);
      expect(ttftCount.value).toBeLessThanOrEqual(finishedTotal.value + running.value);
      last = finishedTotal.value;
    }
    expect(last).toBeGreaterThan(1000);
  });

  it('shows the gateway, the sizes that were set, and what nodes hold', () => {
    const policy = watch(base, { 100: 3, 200: 1 }, 1);
    expect(policy.views.at(-1)).toMatchObject({
      seen: {
        targets: [
          {
            specChanges: [
              { at: 100_000, from: 1, to: 3 },
              { at: 200_000, from: 3, to: 1 },
            ],
          },
        ],
        gateway: { queued: { kind: 'value', value: 0 } },
      },
      fleet: {
        nodes: [
          { node: 'node-1', freeGpus: 7, cache: { phases: { c0ffee000001: 'Ready' }, assigned: [] } },
          { node: 'node-2', freeGpus: 8, cache: { phases: {} } },
          { node: 'node-3', freeGpus: 8, cache: { phases: {} } },
        ],
      },
    });
  });
});
