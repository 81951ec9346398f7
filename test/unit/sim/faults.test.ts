import { describe, expect, it } from 'vitest';
import type { ReplicaSeen } from '../../../src/core/model/pool.ts';
import type { Fault } from '../../../src/core/model/simulated-fault.ts';
import { ForewarmError } from '../../../src/errors.ts';
import type { SimResult } from '../../../src/sim/result.ts';
import { type ScenarioOptions, scenarioOf } from '../../../src/sim/scenario.ts';
import { runSimulation } from '../../../src/sim/simulation.ts';
import { profileWith } from '../../support/profiles.ts';
import { poisson, Script } from '../../support/simulations.ts';

const base: ScenarioOptions = {
  workload: poisson({ rate: 8, seconds: 900 }),
  profile: profileWith(),
  startSpread: 0,
  scrapeLagSeconds: 0,
};

interface Watched {
  readonly result: SimResult;
  /** What was seen of the replicas at this second. */
  readonly at: (seconds: number) => readonly ReplicaSeen[];
  readonly view: (seconds: number) => Script['views'][number];
}

function watch(
  faults: readonly Fault[],
  {
    orders = {},
    initial = 4,
    ...options
  }: Partial<ScenarioOptions> & { orders?: Record<number, number>; initial?: number } = {},
): Watched {
  const policy = new Script(orders, { tickSeconds: 1, initial });
  const result = runSimulation({ ...base, ...options, faults }, policy);
  const view = (seconds: number): Script['views'][number] => {
    const found = policy.views.find(({ now }) => now === seconds * 1000);
    if (found === undefined) throw new RangeError(`seconds must be a tick, was ${seconds}`);
    return found;
  };
  return { result, view, at: (seconds) => view(seconds).seen.targets[0]?.replicas ?? [] };
}
const kinds = (replicas: readonly ReplicaSeen[]): readonly string[] => replicas.map((r) => r.samples.waiting.kind);
const phases = (replicas: readonly ReplicaSeen[]): readonly string[] => replicas.map(({ phase }) => phase);
const open = (result: SimResult): number => result.completed + result.shed + result.lost;

describe('a metric blackout', () => {
  it('lets every reading grow stale, the gateway among them, and comes back with the first scrape', () => {
    const { at, view } = watch([{ kind: 'MetricBlackout', fromSeconds: 300, toSeconds: 400 }]);
    expect(kinds(at(299))).toStrictEqual(['value', 'value', 'value', 'value']);
    expect(kinds(at(320))).toStrictEqual(['stale', 'stale', 'stale', 'stale']);
    expect(view(320).seen.gateway?.queued.kind).toBe('stale');
    expect(kinds(at(406))).toStrictEqual(['value', 'value', 'value', 'value']);
  });

  it('of a share hits the same replicas under every policy, and spares the gateway', () => {
    const fault: Fault = { kind: 'MetricBlackout', fromSeconds: 300, toSeconds: 400, share: 0.5 };
    const dark = (orders: Record<number, number>): readonly string[] =>
      watch([fault], { orders, initial: 8 })
        .at(330)
        .flatMap(({ id, samples }) => (samples.waiting.kind === 'stale' ? [id] : []));
    const hit = dark({});
    expect(hit.length).toBeGreaterThan(0);
    expect(hit.length).toBeLessThan(8);
    expect(dark({ 200: 9 }).filter((id) => id < 'uid-000008')).toStrictEqual(hit);
    expect(watch([fault]).view(330).seen.gateway?.queued.kind).toBe('value');
  });
});

describe('series of dead pods', () => {
  it('look fresh for as long as the fault says, under a pod that is terminating', () => {
    const fault: Fault = { kind: 'StaleSeries', fromSeconds: 290, toSeconds: 400, persistSeconds: 60 };
    const orders = { 300: 2 };
    const { at, view } = watch([fault], { orders, gracePeriodSeconds: 0 });
    expect(phases(at(330))).toStrictEqual(['Ready', 'Ready', 'Draining', 'Draining']);
    const ghost = at(330)[3]?.samples.running;
    expect(ghost).toStrictEqual({ ...at(340)[3]?.samples.running, at: 330_000 });
    expect(view(330).seen.targets[0]?.statusReplicas).toBe(2);
    expect(at(361)).toHaveLength(2);
    expect(watch([], { orders, gracePeriodSeconds: 0 }).at(330)).toHaveLength(2);
  });
});

describe('frozen gauges', () => {
  it('stay while counters go on', () => {
    const { at } = watch([{ kind: 'FrozenGauges', fromSeconds: 300, toSeconds: 500 }]);
    const read = (seconds: number, name: 'running' | 'kvUse' | 'outputTokensTotal'): readonly unknown[] =>
      at(seconds).map(({ samples }) => (samples[name].kind === 'value' ? samples[name].value : samples[name].kind));
    expect(read(490, 'running')).toStrictEqual(read(310, 'running'));
    expect(read(490, 'kvUse')).toStrictEqual(read(310, 'kvUse'));
    expect(read(490, 'outputTokensTotal')).not.toStrictEqual(read(310, 'outputTokensTotal'));
    expect(read(520, 'kvUse')).not.toStrictEqual(read(310, 'kvUse'));
  });
});

describe('withdrawn capacity', () => {
  it('binds nothing until it is back, and shows no free GPUs', () => {
    const fault: Fault = { kind: 'Unschedulable', fromSeconds: 100, toSeconds: 400 };
    const { at, view } = watch([fault], { orders: { 150: 6 } });
    expect(phases(at(390)).slice(4)).toStrictEqual(['Unschedulable', 'Unschedulable']);
    expect(new Set(view(390).fleet.nodes.map(({ freeGpus }) => freeGpus))).toStrictEqual(new Set([0]));
    expect(at(402)[4]?.milestones.scheduledAt).toBe(400_000);
    expect(phases(at(890))).toStrictEqual(Array.from({ length: 6 }, () => 'Ready'));
  });

  it('leaves the other nodes alone', () => {
    const fault: Fault = { kind: 'Unschedulable', fromSeconds: 100, toSeconds: 400, nodes: [1] };
    const { at, view } = watch([fault], { orders: { 150: 6 } });
    expect(at(200).map(({ node }) => node)).toStrictEqual(['node-1', 'node-1', 'node-1', 'node-1', 'node-2', 'node-2']);
    expect(view(200).fleet.nodes.map(({ freeGpus }) => freeGpus)).toStrictEqual([0, 6, 8]);
  });
});

describe('a lost node', () => {
  const gpusPerNode = 2;
  it('loses what its replicas ran, is noticed after 50 s, evicted after 300 more, and replaced', () => {
    const fault: Fault = { kind: 'NodeLoss', fromSeconds: 200, toSeconds: 800, nodes: [1] };
    const { at, view, result } = watch([fault], {
      gpusPerNode,
      workload: poisson({ rate: 8, seconds: 900, output: 400 }),
    });
    expect(result.lost).toBeGreaterThan(0);
    expect(open(result)).toBe(result.arrivals);
    expect(phases(at(249))).toStrictEqual(['Ready', 'Ready', 'Ready', 'Ready']);
    expect(kinds(at(249))).toStrictEqual(['stale', 'stale', 'value', 'value']);
    expect(view(249).fleet.nodes[0]?.isHealthy).toBe(true);
    expect(phases(at(251))).toStrictEqual(['Unready', 'Unready', 'Ready', 'Ready']);
    expect(view(251).fleet.nodes[0]).toMatchObject({ isHealthy: false, cache: { reportedAt: 200_000 } });
    expect(at(551).map(({ id }) => id)).toStrictEqual(['uid-000002', 'uid-000003', 'uid-000004', 'uid-000005']);
    expect(at(700).map(({ node }) => node)).not.toContain('node-1');
    expect(phases(at(700))).toStrictEqual(['Ready', 'Ready', 'Ready', 'Ready']);
    expect(view(810).fleet.nodes[0]).toMatchObject({
      isHealthy: true,
      freeGpus: 2,
      cache: { phases: { c0ffee000001: 'Ready' } },
    });
  });

  it('starts its replicas again when it is back before they were evicted', () => {
    const { at } = watch([{ kind: 'NodeLoss', fromSeconds: 200, toSeconds: 300, nodes: [1] }], { gpusPerNode });
    expect(phases(at(301))).toStrictEqual(['Unready', 'Unready', 'Ready', 'Ready']);
    expect(phases(at(345))).toStrictEqual(['Ready', 'Ready', 'Ready', 'Ready']);
    expect(at(345)[0]?.milestones.readyAt).toBe(0);
  });

  it('cuts off a start, which begins again from what the disk holds', () => {
    const fault: Fault = { kind: 'NodeLoss', fromSeconds: 160, toSeconds: 220, nodes: [3] };
    const { at } = watch([fault], { gpusPerNode, orders: { 100: 5 } });
    // Scheduled at 102.2, image at 144, weights due at 166: lost; again from 220 on.
    expect(at(230)[4]).toMatchObject({ node: 'node-3', phase: 'LoadingWeights' });
    expect(at(880)[4]?.milestones.readyAt).toBeCloseTo((220 + 22 + 44) * 1000, -1);
  });
});

describe('slow pulls', () => {
  it('stretch what begins in the window by their factors', () => {
    const lead = (faults: readonly Fault[]): number => {
      const pod = watch(faults, { gpusPerNode: 1, orders: { 100: 5 } }).at(890)[4]?.milestones;
      return ((pod?.readyAt ?? 0) - (pod?.orderedAt ?? 0)) / 1000;
    };
    const slow: Fault = { kind: 'SlowPulls', fromSeconds: 50, toSeconds: 400, imageFactor: 3, weightsFactor: 2 };
    expect(lead([])).toBeCloseTo(110, 1);
    expect(lead([slow])).toBeCloseTo(110 + 2 * 41.8 + 22, 1);
    expect(lead([{ ...slow, toSeconds: 120 }])).toBeCloseTo(110 + 2 * 41.8, 1);
  });
});

describe('crashing engines', () => {
  it('lose what they ran, are Unready, count from zero again and keep their first readyAt', () => {
    const { at, result } = watch([{ kind: 'EngineCrash', fromSeconds: 300, toSeconds: 301 }]);
    expect(result.lost).toBeGreaterThan(0);
    expect(open(result)).toBe(result.arrivals);
    expect(phases(at(302))).toStrictEqual(['Unready', 'Unready', 'Unready', 'Unready']);
    expect(phases(at(346))).toStrictEqual(['Ready', 'Ready', 'Ready', 'Ready']);
    const finished = (seconds: number): number => {
      const sample = at(seconds)[0]?.samples.finishedTotal;
      return sample?.kind === 'value' ? sample.value : Number.NaN;
    };
    expect(finished(352)).toBeLessThan(finished(299));
    expect(at(352)[0]?.milestones.readyAt).toBe(0);
  });

  it('of a share are the same ones at the same times under every policy', () => {
    const fault: Fault = { kind: 'EngineCrash', fromSeconds: 300, toSeconds: 340, share: 0.5 };
    const down = (orders: Record<number, number>): readonly string[] =>
      watch([fault], { orders, initial: 8 })
        .at(341)
        .flatMap(({ id, phase, since }) => (phase === 'Unready' ? [`${id} ${since}`] : []));
    expect(down({}).length).toBeGreaterThan(0);
    expect(down({ 100: 9 }).filter((id) => id < 'uid-000008')).toStrictEqual(down({}));
  });

  it('back off from the second time on', () => {
    const { at } = watch([{ kind: 'EngineCrash', fromSeconds: 300, toSeconds: 301, times: 3 }], { initial: 1 });
    const seen = new Map<string, number>();
    for (let t = 300; t <= 480; t++) {
      const phase = at(t)[0]?.phase ?? 'gone';
      seen.set(phase, (seen.get(phase) ?? 0) + 1);
    }
    // Three starts of 44 s, back-offs of 10 and 20 s.
    expect(seen.get('CrashLooping')).toBe(30);
    expect(seen.get('Unready')).toBeGreaterThanOrEqual(131);
    expect(at(480)[0]?.phase).toBe('Ready');
  });
});

describe('skewed routing', () => {
  it('sends its share to the replica that has been ready the longest', () => {
    const fault: Fault = { kind: 'SkewedRouting', fromSeconds: 0, toSeconds: 900, share: 0.6 };
    const { at } = watch([fault]);
    const counts = at(890).map(({ samples }) =>
      samples.finishedTotal.kind === 'value' ? samples.finishedTotal.value : 0,
    );
    const sum = counts.reduce((all, count) => all + count, 0);
    expect((counts[0] ?? 0) / sum).toBeGreaterThan(0.55);
    expect((counts[0] ?? 0) / sum).toBeLessThan(0.75);
  });
});

describe('a scenario refuses', () => {
  const refused: Readonly<Record<string, { readonly fault: Fault; readonly says: string }>> = {
    'a window that ends before it begins': {
      fault: { kind: 'MetricBlackout', fromSeconds: 100, toSeconds: 100 },
      says: 'faults[0].toSeconds must be above fromSeconds (100), was 100',
    },
    'a node that it does not have': {
      fault: { kind: 'NodeLoss', fromSeconds: 0, toSeconds: 100, nodes: [4] },
      says: "faults[0].nodes must be numbers from 1 to 3 (the scenario's nodes), had 4",
    },
  };
  for (const [name, { fault, says }] of Object.entries(refused)) {
    it(`${name}`, () => {
      const act = (): unknown => scenarioOf({ ...base, faults: [fault] });
      expect(act).toThrow(ForewarmError);
      expect(act).toThrow(says);
    });
  }
});

it('a run with faults gives the same bytes for the same seed', () => {
  const faults: readonly Fault[] = [
    { kind: 'EngineCrash', fromSeconds: 100, toSeconds: 400, share: 0.5, times: 2 },
    { kind: 'NodeLoss', fromSeconds: 300, toSeconds: 700, nodes: [1] },
    { kind: 'SkewedRouting', fromSeconds: 200, toSeconds: 500, share: 0.3 },
    { kind: 'FrozenGauges', fromSeconds: 200, toSeconds: 300, share: 0.4 },
    { kind: 'SlowPulls', fromSeconds: 0, toSeconds: 900, imageFactor: 2 },
  ];
  const run = (): string => JSON.stringify(watch(faults, { orders: { 150: 9, 600: 3 }, startSpread: 0.2 }).result);
  expect(run()).toBe(run());
});
