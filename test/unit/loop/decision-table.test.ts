import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Decision } from '../../../src/core/model/decision.ts';
import type { Mode } from '../../../src/core/model/policy.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { isForewarmError } from '../../../src/errors.ts';
import { decisionAnswer, DecisionTable } from '../../../src/loop/decision-table.ts';
import type { TickInput, TickOutput } from '../../../src/ports/index.ts';
import { epoch, poolPolicy, poolSeen, replicasSeen, samples, targetSeen } from '../../support/builders.ts';
import { StepClock } from '../../support/step-clock.ts';

const pool = 'team-a/chat';

function decision(over: Partial<Decision> = {}): Decision {
  return {
    pool,
    target: 'chat',
    at: epoch,
    replicas: replicas(12),
    from: replicas(12),
    because: [{ reason: 'DemandMet', message: 'enough' }],
    isHeld: false,
    isReactiveRaise: false,
    isRollingOut: false,
    statusReplicas: replicas(12),
    ...over,
  };
}

/** What a stock HPA on AverageValue 1 sets: the value rounded up, unless within a tenth of its status, then the status. */
function hpaSets(milli: bigint, status: number): number {
  const value = Number(milli) / 1000;
  if (status !== 0 && Math.abs(value / status - 1) <= 0.1) return status;
  return Math.ceil(value);
}

const answers: Readonly<Record<string, { readonly over: Partial<Decision>; readonly want: number | 'error' }>> = {
  'a size far from the status': { over: { replicas: replicas(20) }, want: 20 },
  'a raise by forecast inside the tolerance waits': { over: { replicas: replicas(13) }, want: 13 },
  'a raise that load demands is lifted over the tolerance': {
    over: { replicas: replicas(13), isReactiveRaise: true },
    want: 14,
  },
  'a raise that load demands, clear of the tolerance, is as decided': {
    over: { replicas: replicas(14), isReactiveRaise: true },
    want: 14,
  },
  'the same size is the same size': { over: { isReactiveRaise: true }, want: 12 },
  'a decrease is as decided': { over: { replicas: replicas(11), isReactiveRaise: true }, want: 11 },
  'in a surge, a size inside the tolerance of the surge is an error': {
    over: { isRollingOut: true, statusReplicas: replicas(13) },
    want: 'error',
  },
  'in a surge, a size clear of it is as decided': {
    over: { isRollingOut: true, statusReplicas: replicas(15) },
    want: 12,
  },
  'from zero': { over: { replicas: replicas(2), statusReplicas: replicas(0), isReactiveRaise: true }, want: 2 },
  'no signal that is known': {
    over: { because: [{ reason: 'AllSignalsMissing', message: 'no signal' }] },
    want: 'error',
  },
  'a decision that failed': { over: { because: [{ reason: 'DecisionFailed', message: 'thrown' }] }, want: 'error' },
  'the fallback of a pool that is blind': {
    over: { replicas: replicas(20), because: [{ reason: 'FallbackReplicas', message: 'at least 20' }] },
    want: 20,
  },
  'pods that were never made': { over: { from: replicas(13), replicas: replicas(13) }, want: 'error' },
  'nothing may be said': { over: { because: [{ reason: 'AllSignalsMissing', message: 'no signal' }] }, want: 'error' },
};
for (const [name, { over, want }] of Object.entries(answers)) {
  test(`published for ${name}: ${want}`, () => {
    const { replicas: wanted, ...silent } = decision(over);
    const answer = decisionAnswer(
      'Recommend',
      name === 'nothing may be said' ? silent : { ...silent, ...(wanted === undefined ? {} : { replicas: wanted }) },
    );
    expect('milli' in answer ? Number(answer.milli) / 1000 : 'error').toBe(want);
  });
}

test('a raise that load demands is acted on by a stock HPA, at any size', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 500 }));
  fc.assert(
    fc.property(sizes, ([status, more]) => {
      const answer = decisionAnswer(
        'Recommend',
        decision({
          replicas: replicas(status + more),
          from: replicas(status),
          statusReplicas: replicas(status),
          isReactiveRaise: true,
        }),
      );
      if (!('milli' in answer)) throw new TypeError('a number was due');
      const set = hpaSets(answer.milli, status);
      expect(set).toBeGreaterThan(status);
      expect(set).toBeLessThanOrEqual(Math.max(status + more, Math.floor((status * 11) / 10) + 1));
    }),
    { numRuns: 2000 },
  );
});

test('a stock HPA never turns a rollout’s surge into a size', () => {
  const scenes = fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 100 }));
  fc.assert(
    fc.property(scenes, ([wanted, surge]) => {
      const status = wanted + surge;
      const answer = decisionAnswer(
        'Recommend',
        decision({
          replicas: replicas(wanted),
          from: replicas(wanted),
          statusReplicas: replicas(status),
          isRollingOut: true,
        }),
      );
      const isSafe = 'milli' in answer ? hpaSets(answer.milli, status) === wanted : surge / status <= 0.1 + 1e-9;
      expect(isSafe).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

const calm = { up: 0.1, down: 0.1 };
const recipe = { up: 0, down: 0 };
type View = NonNullable<Parameters<typeof decisionAnswer>[2]>;
const at = (spec: number, status: number): View['sizes'][number] => ({ spec, status });
const views: Readonly<
  Record<string, { readonly view: View; readonly wanted: number; readonly want: number | 'error' }>
> = {
  'a raise that a follower without tolerance takes as it is': {
    view: { sizes: [at(12, 12)], tolerance: recipe },
    wanted: 13,
    want: 13,
  },
  'a raise that is lifted over a tolerance at whose edge doubles err': {
    view: { sizes: [at(100, 100)], tolerance: { up: 0.15, down: 0.15 } },
    wanted: 101,
    want: 116,
  },
  'the decision in the surge of a follower without tolerance': {
    view: { sizes: [at(12, 13)], tolerance: recipe },
    wanted: 12,
    want: 12,
  },
  'a surge that the pass did not see': { view: { sizes: [at(12, 13)], tolerance: calm }, wanted: 12, want: 'error' },
  'a surge that ended a moment ago, which the follower may still have read': {
    view: { sizes: [at(12, 13), at(12, 12)], tolerance: calm },
    wanted: 12,
    want: 'error',
  },
  'a raise that was followed, with pods still to be made': {
    view: { sizes: [at(14, 12), at(14, 13)], tolerance: calm },
    wanted: 14,
    want: 'error',
  },
  'a raise that was followed, with all pods made': {
    view: { sizes: [at(14, 12), at(14, 14)], tolerance: calm },
    wanted: 14,
    want: 14,
  },
  'a decision that the follower has acted on already': {
    view: { sizes: [at(14, 14)], tolerance: calm },
    wanted: 13,
    want: 13,
  },
};
for (const [name, { view, wanted, want }] of Object.entries(views)) {
  test(`published for ${name}: ${want}`, () => {
    const made = decision({ replicas: replicas(wanted), isReactiveRaise: wanted > 12 });
    const answer = decisionAnswer('Recommend', made, view);
    expect('milli' in answer ? Number(answer.milli) / 1000 : 'error').toBe(want);
  });
}

test('whatever a follower may have read, it sets the number published or holds its spec', () => {
  const count = fc.integer({ min: 0, max: 60 });
  const size = fc.record({ spec: count, status: count });
  const tolerance = fc.constantFrom(calm, recipe, { up: 0.25, down: 0.05 });
  const view = fc.record({ sizes: fc.array(size, { minLength: 1, maxLength: 4 }), tolerance });
  fc.assert(
    fc.property(view, count, fc.boolean(), (seen, wanted, isReactiveRaise) => {
      const made = decision({ replicas: replicas(wanted), isReactiveRaise });
      const answer = decisionAnswer('Recommend', made, seen);
      if (!('milli' in answer)) return;
      const number = Number(answer.milli) / 1000;
      for (const { spec, status } of seen.sizes) {
        const ratio = number / status;
        const { up, down } = seen.tolerance;
        const set = status !== 0 && 1 - down <= ratio && ratio <= 1 + up ? status : number;
        expect([number, spec]).toContain(set);
      }
    }),
    { numRuns: 5000 },
  );
});

test('the answer is made when it is asked for, from what stands then', async () => {
  const sizes = [at(12, 12)];
  const table = new DecisionTable(new StepClock(), { view: () => ({ sizes, tolerance: calm }) });
  const { input, output } = passed('Recommend');
  await table.publish(output, input);
  expect(await read(table, 'forewarm_desired_replicas')).toMatchObject({ answer: { milli: 12_000n } });
  sizes.push(at(12, 13));
  expect(await read(table, 'forewarm_desired_replicas')).toMatchObject({ answer: { isModeObserve: false } });
});

function passed(
  mode: Mode,
  over: Partial<Parameters<typeof targetSeen>[0]> = {},
): { readonly input: TickInput; readonly output: TickOutput } {
  const seen = poolSeen({
    pool,
    targets: [
      targetSeen({ replicas: replicasSeen(2, { samples: samples({ waiting: 3, running: 4, kvUse: 0.5 }) }), ...over }),
    ],
  });
  const input: TickInput = { now: epoch, pools: [{ seen, policy: poolPolicy({ mode }) }], fleet: { nodes: [] } };
  return {
    input,
    output: { memory: { pools: {}, assignments: {} }, decisions: [decision()], actions: [], reports: [] },
  };
}

async function read(table: DecisionTable, metric: string, namespace = 'team-a'): Promise<unknown> {
  const [one] = await table.series(namespace, metric);
  return one === undefined ? undefined : { labels: one.labels, answer: one.answer };
}

test('mode Recommend publishes the decision under its labels, in its namespace alone', async () => {
  const table = new DecisionTable(new StepClock());
  const { input, output } = passed('Recommend');
  await table.publish(output, input);
  expect(await read(table, 'forewarm_desired_replicas')).toStrictEqual({
    labels: { autoscaler: 'chat', target: 'chat' },
    answer: { milli: 12_000n },
  });
  expect(await read(table, 'forewarm_desired_replicas', 'team-b')).toBeUndefined();
});

test('mode Observe publishes no decision and says so; neither does Scale', async () => {
  const table = new DecisionTable(new StepClock());
  for (const [mode, isModeObserve] of [
    ['Observe', true],
    ['Scale', false],
  ] as const) {
    const { input, output } = passed(mode);
    await table.publish(output, input);
    expect(await read(table, 'forewarm_desired_replicas')).toMatchObject({
      answer: { problem: `mode is ${mode}`, isModeObserve },
    });
  }
});

test('raw signals are sums and means of Ready replicas', async () => {
  const table = new DecisionTable(new StepClock());
  const { input, output } = passed('Observe');
  await table.publish(output, input);
  const all = await Promise.all(['waiting', 'running', 'kv_use'].map((name) => read(table, `forewarm_pool_${name}`)));
  expect(all).toMatchObject([{ answer: { milli: 6000n } }, { answer: { milli: 8000n } }, { answer: { milli: 500n } }]);
});

const gaps: Readonly<Record<string, Partial<Parameters<typeof targetSeen>[0]>>> = {
  'one replica that could not be read': {
    replicas: [...replicasSeen(1), ...replicasSeen(2, { samples: samples({ waiting: 'ScrapeFailed' }) }).slice(1)],
  },
  'a reading that is too old': {
    replicas: replicasSeen(1, { samples: samples({}, epoch) }).map((one) => ({
      ...one,
      samples: samples({ waiting: 1 }, ageOf(60)),
    })),
  },
  'no replica at all': { replicas: [] },
};
function ageOf(seconds: number): typeof epoch {
  return (epoch - seconds * 1000) as typeof epoch;
}
for (const [name, over] of Object.entries(gaps)) {
  test(`a signal with ${name} is an error, never a number`, async () => {
    const table = new DecisionTable(new StepClock());
    const { input, output } = passed('Recommend', over);
    await table.publish(output, input);
    expect(await read(table, 'forewarm_pool_waiting')).toMatchObject({ answer: { isModeObserve: false } });
  });
}

test('who never decided, decides no more or decided too long ago answers nothing', async () => {
  const clock = new StepClock();
  const table = new DecisionTable(clock);
  const refused = async (): Promise<boolean> =>
    await table.series('team-a', 'x').then(
      () => false,
      (err: unknown) => isForewarmError(err, 'NOT_LEADER'),
    );
  expect(await refused()).toBe(true);
  const { input, output } = passed('Recommend');
  await table.publish(output, input);
  expect(await refused()).toBe(false);
  clock.pass(61_000);
  expect(await refused()).toBe(true);
  await table.publish(output, input);
  table.clear();
  expect(await refused()).toBe(true);
  expect(table.metricNames()).toContain('forewarm_desired_replicas');
});
