import { describe, expect, test } from 'vitest';
import type { PoolSeen, ReplicaSeen, TargetSeen } from '../../../src/core/model/pool.ts';
import type { PoolReport } from '../../../src/core/model/report.ts';
import { bytes, replicas } from '../../../src/core/model/units.ts';
import { freshMemory, propose, type Proposed } from '../../../src/core/propose.ts';
import {
  at,
  fleetSeen,
  llama8bH100,
  missingSamples,
  nodeWithCache,
  poolPolicy,
  poolSeen,
  replicaSeen,
  replicasSeen,
  samples,
  serving,
  targetPolicy,
  targetSeen,
} from '../../support/builders.ts';
import { lastProposal, passes, proposals } from '../../support/scenes.ts';

const withProfile = poolPolicy({ targets: [targetPolicy({ profile: llama8bH100, maxReplicas: replicas(100) })] });

function pool(listed: readonly ReplicaSeen[], over: Partial<TargetSeen> = {}): PoolSeen {
  return poolSeen({ targets: [targetSeen({ replicas: listed, ...over })] });
}
/** NaN, which is neither more nor less than anything, where nothing is wanted. */
function wanted(proposed: Proposed | undefined): number {
  return proposed?.recommendation.targets[0]?.wanted ?? Number.NaN;
}
function condition(report: PoolReport | undefined, type: string): string {
  const found = report?.conditions.find((c) => c.type === type);
  return `${found?.status} ${found?.reason}: ${found?.message}`;
}

describe('demand and capacity', () => {
  test('a steady load is given the replicas that carry its bound, and says which', () => {
    const last = lastProposal({ seen: (t) => pool(serving(4, 40, t)), policy: withProfile, to: 900 });
    const { capacity, forecast, targets } = last.report;
    const { upper, upperTokens } = forecast ?? { upper: Number.NaN };
    const each = (capacity?.requestsPerSecond ?? Number.NaN) * 0.8;
    expect(capacity?.source).toBe('profile');
    expect(upper).toBeGreaterThanOrEqual(40);
    expect(upperTokens).toStrictEqual({ promptPerSecond: 1000 * upper, outputPerSecond: 200 * upper });
    expect(wanted(last)).toBe(Math.ceil(upper / each - 1e-9));
    expect(targets?.[0]?.because[0]?.message).toMatch(/req\/s/);
    expect(targets?.[0]?.counterfactual).toMatch(
      /^would scale to \d+ at queue >= \d+ or \d+ req\/s( or KV use >= \d+ %)?$/,
    );
  });

  test('a jump of demand is one jump of replicas', () => {
    const load = (t: number) => (t < 600 ? 20 : 80);
    let finished = 0;
    const seen = (t: number) => {
      finished += (load(t) * 15) / 4;
      const readings = {
        running: load(t) / 2,
        finishedTotal: finished,
        promptTokensTotal: finished * 1000,
        outputTokensTotal: finished * 200,
      };
      return pool(replicasSeen(4, { samples: samples(readings, at(t)) }));
    };
    const all = proposals({ seen, policy: withProfile, to: 660 });
    const before = all.findLast((p) => p.t < 600);
    const after = all.find((p) => p.t === 630);
    expect(wanted(after)).toBeGreaterThanOrEqual(wanted(before) + 3);
  });

  test('without a profile the learned curve sizes the pool and the report says so', () => {
    const last = lastProposal({ seen: (t) => pool(serving(4, 40, t)), to: 600 });
    expect(last.report.capacity).toMatchObject({ source: 'learned curve', boundBy: 'learned' });
    expect(wanted(last)).toBeGreaterThanOrEqual(1);
  });

  test('requests that wait at the gateway of an empty pool want a replica at once', () => {
    const seen = poolSeen({
      targets: [targetSeen({ replicas: [], specReplicas: replicas(0) })],
      gateway: { queued: samples({ waiting: 1 }).waiting, requestsTotal: samples({ finishedTotal: 1 }).finishedTotal },
    });
    const { recommendation } = propose({
      memory: freshMemory(at(0)),
      seen,
      fleet: fleetSeen(),
      policy: poolPolicy(),
      now: at(0),
    });
    expect(recommendation.targets[0]).toMatchObject({ wanted: 1, isReactiveRaise: true });
  });

  test('more copies are wanted warm than the load needs now, up to the maximum', () => {
    const noisy = (t: number) => 60 + 30 * Math.sin(t / 47);
    let finished = 0;
    const seen = (t: number) => {
      finished += (noisy(t) * 15) / 4;
      const readings = {
        running: 20,
        finishedTotal: finished,
        promptTokensTotal: finished * 1000,
        outputTokensTotal: finished * 200,
      };
      return pool(replicasSeen(4, { samples: samples(readings, at(t)) }), { specReplicas: replicas(4) });
    };
    const copies = (max: number) => {
      const policy = poolPolicy({ targets: [targetPolicy({ profile: llama8bH100, maxReplicas: replicas(max) })] });
      return lastProposal({ seen, policy, to: 1800 })?.recommendation.targets[0];
    };
    expect(copies(100)?.warmCopiesWanted).toBeGreaterThanOrEqual(1);
    expect(copies(100)?.warmNeededInSeconds).toBeGreaterThan(0);
    expect(copies(4)).toMatchObject({ warmCopiesWanted: 0 });
    expect(copies(4)).not.toHaveProperty('warmNeededInSeconds');
  });
});

test('nodes on which a replica has yet to find its weights are told apart from those on which one runs', () => {
  const starting = replicasSeen(2, { phase: 'LoadingWeights' }).map((one, i) => ({
    ...one,
    id: `s${i}`,
    node: `new-${i}`,
  }));
  const running = serving(2, 1, 300).map((one, i) => ({ ...one, node: `old-${i}` }));
  const last = lastProposal({ seen: () => pool([...running, ...starting]), policy: withProfile, to: 300 });
  expect(last.recommendation.targets[0]).toMatchObject({
    occupiedNodes: ['new-0', 'new-1', 'old-0', 'old-1'],
    waitingNodes: ['new-0', 'new-1'],
  });
});

describe('missing is not zero', () => {
  test('signals that are missing never lower the size, and the report names them', () => {
    const listed = (t: number) =>
      serving(5, 1, t).map((r, i) => (i < 3 ? { ...r, samples: missingSamples('ScrapeFailed') } : r));
    const last = lastProposal({ seen: (t) => pool(listed(t)), policy: withProfile, to: 300 });
    expect(last.recommendation.targets[0]).toMatchObject({
      wanted: 5,
      evidence: { allowsDecrease: false, isAnythingKnown: true },
    });
    expect(condition(last.report, 'MetricsAvailable')).toMatch(
      /^False SignalsMissing: waiting on 3 of 5 replicas \(ScrapeFailed\)/,
    );
  });

  test('what is known may still raise', () => {
    const listed = serving(5, 1, 0, { waiting: 200, running: 200, kvUse: 0.97 }).map((r, i) =>
      i < 3 ? { ...r, samples: missingSamples() } : r,
    );
    const first = lastProposal({ seen: () => pool(listed), policy: withProfile, to: 0 });
    expect(wanted(first)).toBeGreaterThan(5);
  });

  test('when nothing is known nothing is wanted', () => {
    const listed = replicasSeen(3, { samples: missingSamples() });
    const target = lastProposal({ seen: () => pool(listed), to: 30 })?.recommendation.targets[0];
    expect(target?.wanted).toBeUndefined();
    expect(target?.because[0]?.reason).toBe('AllSignalsMissing');
    expect(target?.evidence.isAnythingKnown).toBe(false);
  });

  test('a target whose scale could not be read is left alone', () => {
    const { specReplicas: _, ...unread } = targetSeen({ replicas: serving(2, 10, 0) });
    const target = lastProposal({ seen: () => poolSeen({ targets: [unread] }), to: 0 })?.recommendation.targets[0];
    expect(target?.wanted).toBeUndefined();
    expect(target?.because[0]?.reason).toBe('TargetUnreadable');
  });

  test('a ratio over no events is absent by nature: an idle pool with a fresh count of 0 is idle (SIG-03)', () => {
    const idle = { ttftSecondsSum: 'NotANumber', ttftCount: 0, finishedTotal: 0 } as const;
    const out = passes({
      spec: 7,
      seen: (t, spec) => pool(replicasSeen(7, { samples: samples(idle, at(t)) }).slice(0, spec)),
      to: 900,
    });
    expect(out.find((p) => p.spec === 1)?.t).toBeLessThanOrEqual(315 + 15);
    expect(condition(out.at(-1)?.reports[0], 'MetricsAvailable')).toMatch(/^True/);
  });

  test('an unreadable count is not a zero count: the pool holds for ever and names the query (SIG-03, twin)', () => {
    const unread = { finishedTotal: 'QueryFailed' } as const;
    const out = passes({
      spec: 7,
      seen: (t) => pool(replicasSeen(7, { samples: samples(unread, at(t)) })),
      to: 2400,
    });
    expect(out.every((p) => p.spec === 7)).toBe(true);
    expect(condition(out.at(-1)?.reports[0], 'MetricsAvailable')).toMatch(
      /^False SignalsMissing: finishedTotal .*QueryFailed/,
    );
  });
});

describe('gauges that no counter backs (SIG-01)', () => {
  const frozen = {
    running: 106,
    waiting: 15,
    kvUse: 0.904,
    finishedTotal: 5000,
    promptTokensTotal: 9e6,
    outputTokensTotal: 1e6,
  };
  const seen = (t: number): PoolSeen => {
    const moving = t >= 600 ? { ...frozen, running: 1, waiting: 0, kvUse: 0.01, outputTokensTotal: 1e6 + t } : frozen;
    return pool([
      replicaSeen('a', { samples: samples(moving, at(t)) }),
      replicaSeen('b', { samples: samples({ finishedTotal: 70 }, at(t)) }),
    ]);
  };

  test('are stale within a minute, ask for nothing and give nothing back', () => {
    const out = passes({ spec: 2, seen, to: 585 });
    const stuck = out.filter((p) => p.t >= 60);
    expect(stuck.every((p) => p.spec === 2)).toBe(true);
    for (const { reports } of stuck) {
      expect(condition(reports[0], 'ReplicasHealthy')).toMatch(/^False ReplicaStuck: .*chat-a/);
      expect(reports[0]?.inputs['running']).toMatchObject({ value: 0, coverage: 0.5 });
    }
  });

  test('are believed again on the first reading that moves', () => {
    const out = proposals({ seen, to: 615 });
    const back = out.find((p) => p.t === 600);
    expect(back?.report.inputs['running']).toMatchObject({ value: 1, coverage: 1 });
    expect(condition(back?.report, 'ReplicasHealthy')).toMatch(/^True/);
    expect(back?.recommendation.targets[0]?.evidence.allowsDecrease).toBe(true);
  });
});

describe('replicas that do not serve', () => {
  const overloaded = { waiting: 30, running: 32, kvUse: 0.95 };

  test('two full replicas want at least four, however many dead pods there were (TGT-01)', () => {
    const first = lastProposal({ seen: () => pool(replicasSeen(2, { samples: samples(overloaded) })), to: 0 });
    expect(wanted(first)).toBeGreaterThanOrEqual(4);
    expect(first.report.inputs['waiting']).toMatchObject({ coverage: 1 });
  });

  test('unready under load asks for as much as ready, and says so (TGT-03)', () => {
    const readings = (t: number) => ({
      waiting: 60,
      running: 32,
      kvUse: 0.99,
      finishedTotal: 1000 + 10 * t,
      promptTokensTotal: 1e6 + 1e4 * t,
      outputTokensTotal: 1e5 + 2e3 * t,
    });
    const run = (phase: 'Ready' | 'Unready') =>
      lastProposal({
        seen: (t) =>
          pool(replicasSeen(4, { samples: samples(readings(t), at(t)), ...(t < 60 ? {} : { phase, since: at(60) }) })),
        from: 30,
        to: 90,
      });
    const ready = run('Ready');
    const unready = run('Unready');
    expect(wanted(unready)).toBe(wanted(ready));
    expect(wanted(unready)).toBeGreaterThan(4);
    expect(condition(unready.report, 'ReplicasHealthy')).toMatch(/4 of 4 replicas unready under load/);
    expect(unready.memory.learned.leadTime.total.cold.count).toBe(ready.memory.learned.leadTime.total.cold.count);
  });

  test('pods refused at creation have no arrival time, block further raises and are named (TGT-08)', () => {
    const createFailure = { reason: 'FailedCreate', message: 'exceeded quota: gpus, requested 1, used 4, limited 4' };
    const refused = (waiting: number) => (t: number) =>
      pool(replicasSeen(4, { samples: samples({ ...overloaded, waiting, finishedTotal: 100 + 8 * t }, at(t)) }), {
        specReplicas: replicas(10),
        statusReplicas: replicas(4),
        createFailure,
      });
    const { report, recommendation } = lastProposal({ seen: refused(50), to: 60 });
    expect(recommendation.targets[0]?.wanted).toBe(10);
    expect(recommendation.targets[0]?.because[0]?.reason).toBe('QuotaExceeded');
    expect(report.targets[0]?.arriving).toEqual([]);
    expect(condition(report, 'ScalingLimited')).toMatch(/^True QuotaExceeded: 4 of 10 created/);
  });

  test('when need falls the refused order is taken back', () => {
    const seen = (t: number) =>
      pool(serving(4, 8, t), {
        specReplicas: replicas(10),
        statusReplicas: replicas(4),
        createFailure: { reason: 'FailedCreate', message: 'denied by webhook' },
      });
    const last = lastProposal({ seen, policy: withProfile, to: 600 });
    expect(wanted(last)).toBeLessThanOrEqual(4);
    expect(condition(last.report, 'ScalingLimited')).toMatch(/CreateRefused/);
  });

  test.each(['Unschedulable', 'Gated', 'CrashLooping'] as const)('%s replicas block further raises', (phase) => {
    const waiting = replicaSeen('z', {
      phase,
      samples: missingSamples('NotScraped'),
      milestones: { createdAt: at(-60) },
    });
    const seen = (t: number) =>
      pool([...serving(2, 10, t, { ...overloaded, waiting: 30 + 30 * t }), waiting], { specReplicas: replicas(3) });
    const target = lastProposal({ seen, policy: withProfile, to: 90 })?.recommendation.targets[0];
    expect(target).toMatchObject({
      wanted: 3,
      unschedulable: phase === 'Unschedulable' ? 1 : 0,
      isReactiveRaise: false,
    });
    expect(target?.because[0]?.reason).toBe('Unschedulable');
  });
});

describe('lead time', () => {
  test('a warm node where the next replica lands shortens the lead time of this very decision', () => {
    const artifact = { hash: '0123456789ab', name: 'team-a/chat@1', bytes: bytes(16e9) };
    const policy = { ...withProfile, warmth: { mode: 'Act' as const, artifact, floorCopies: 0 } };
    const seen = () => pool(serving(2, 10, 0), { eligibleNodes: ['n1', 'n2'] });
    const used = (phase: 'Ready' | 'Downloading') =>
      lastProposal({ seen, policy, fleet: fleetSeen([nodeWithCache('n1', artifact.hash, phase)]), to: 0 })?.report
        .leadTime.usedSeconds;
    expect(used('Ready')).toBe(60);
    expect(used('Downloading')).toBe(300);
  });

  test('what was ordered and is not yet listed is on its way, with its time', () => {
    const seen = () =>
      pool(serving(2, 10, 0), {
        specReplicas: replicas(4),
        specChanges: [{ at: at(-100), from: replicas(2), to: replicas(4) }],
      });
    const target = lastProposal({ seen, policy: withProfile, to: 0 })?.report.targets[0];
    expect(target?.arriving.map((a) => a.readyBy)).toEqual([at(200), at(200)]);
  });

  test('an overdue start is still expected, a little later each time', () => {
    const late = replicaSeen('z', {
      phase: 'LoadingWeights',
      milestones: { createdAt: at(-1000) },
      samples: missingSamples('NotScraped'),
    });
    const target = lastProposal({ seen: () => pool([...serving(2, 10, 0), late]), policy: withProfile, to: 0 })?.report
      .targets[0];
    expect(target?.arriving[0]?.readyBy).toBe(at(100));
  });
});
