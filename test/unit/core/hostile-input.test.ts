import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FleetMemory } from '../../../src/core/model/memory.ts';
import type { PoolPolicy } from '../../../src/core/model/policy.ts';
import type {
  PoolSeen,
  ReplicaPhase,
  ReplicaSamples,
  ReplicaSeen,
  SignalName,
  TargetSeen,
} from '../../../src/core/model/pool.ts';
import type { Sample } from '../../../src/core/model/sample.ts';
import { bytes, type Instant, replicas } from '../../../src/core/model/units.ts';
import { headerLine, passLine, replay } from '../../../src/core/replay.ts';
import { emptyMemory, tick, type TickInput } from '../../../src/core/tick.ts';
import {
  at,
  fleetSeen,
  llama8bH100,
  missingSamples,
  nodeWithCache,
  poolPolicy,
  poolSeen,
  replicaSeen,
  samples,
  targetPolicy,
  targetSeen,
} from '../../support/builders.ts';
import { counterexample, runs } from '../../support/properties.ts';

/** What a broken page, a clock that jumps or a slip of the hand may bring. Odd numbers are planted past the parser, which would refuse most of them. */
const odd: readonly number[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  -1,
  -1e300,
  1e12,
  2 ** 53,
  1e100,
  1e300,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
];
const phases: readonly ReplicaPhase[] = [
  'Scheduling',
  'Gated',
  'Unschedulable',
  'PullingImage',
  'LoadingWeights',
  'StartingEngine',
  'Ready',
  'Ready',
  'Ready',
  'Unready',
  'CrashLooping',
  'Draining',
];
const signalNames = [
  'waiting',
  'running',
  'kvUse',
  'kvCapacityTokens',
  'finishedTotal',
  'promptTokensTotal',
  'cachedPromptTokensTotal',
  'outputTokensTotal',
  'itlSecondsSum',
  'itlCount',
  'maxRunning',
] as const satisfies readonly SignalName[];

interface Planted {
  readonly name: SignalName;
  readonly value: number;
  readonly late: number;
}
interface Shown {
  readonly phase: ReplicaPhase;
  readonly rate: number;
  readonly load: number;
  readonly planted: readonly Planted[];
}
interface Look {
  readonly step: number;
  /** Pools of targets of replicas. */
  readonly pools: readonly (readonly (readonly Shown[])[])[];
  readonly specs: readonly number[];
}
const planted = fc.record({
  name: fc.constantFrom(...signalNames),
  value: fc.constantFrom(...odd),
  late: fc.constantFrom(0, 0, 0, 4, 3600, -4, -3600),
});
const shown = fc.record({
  phase: fc.constantFrom(...phases),
  rate: fc.integer({ min: 0, max: 50 }),
  load: fc.integer({ min: 0, max: 100 }),
  planted: fc.array(planted, { maxLength: 3 }),
});
const looks: fc.Arbitrary<readonly Look[]> = fc.array(
  fc.record({
    step: fc.constantFrom(15, 15, 15, 15, 0, 1, 700, 7200, -15, -3600),
    pools: fc.array(fc.array(fc.array(shown, { maxLength: 4 }), { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 2,
    }),
    specs: fc.array(fc.constantFrom(0, 1, 2, 5, 40, 5000, 100_000, 2 ** 31 - 1), { minLength: 3, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
);

function plain(t: number, { rate, load }: Pick<Shown, 'rate' | 'load'>): ReplicaSamples {
  const finishedTotal = Math.max(0, Math.floor(rate * (t + 10_000)));
  const tokens = { promptTokensTotal: finishedTotal * 900, outputTokensTotal: finishedTotal * 150 };
  const latency = { itlSecondsSum: finishedTotal * 3, itlCount: finishedTotal * 150 };
  return samples({ waiting: load, running: load, kvUse: load / 100, finishedTotal, ...tokens, ...latency }, at(t));
}
function planting(into: ReplicaSamples, plants: readonly Planted[], t: number): ReplicaSamples {
  const bad = plants.map(({ name, value, late }): [SignalName, Sample] => [
    name,
    { kind: 'value', value, at: at(t + late) },
  ]);
  return { ...into, ...Object.fromEntries(bad) };
}

const targetNames = ['a', 'b', 'c'];
function seenOf(pool: number, { pools, specs }: Look, t: number): PoolSeen {
  const targets = pools[pool] ?? [];
  return poolSeen({
    pool: `team-a/p${pool}`,
    gateway: {
      queued: { kind: 'value', value: 10 * targets.length, at: at(t) },
      requestsTotal: missingSamples().waiting,
    },
    targets: targets.map((list, k): TargetSeen => {
      const listed = list.map((one, i): ReplicaSeen => {
        const read = planting(plain(t, one), one.planted, t);
        return replicaSeen(`p${pool}${k}${i}`, { phase: one.phase, samples: read });
      });
      const specReplicas = replicas(specs[k] ?? 1);
      return targetSeen({ target: targetNames[k] ?? 'z', specReplicas, eligibleNodes: ['n1', 'n2'], replicas: listed });
    }),
  });
}
function policyOf(count: number, flavour: number): PoolPolicy {
  const bounds = { minReplicas: replicas(flavour % 3), maxReplicas: replicas(flavour % 2 === 0 ? 40 : 100_000) };
  const profile = flavour % 4 < 2 ? { profile: llama8bH100 } : {};
  return poolPolicy({
    targets: targetNames.slice(0, count).map((target) => targetPolicy({ target, ...bounds, ...profile })),
    warmth: {
      mode: 'Act',
      floorCopies: 1,
      artifact: { hash: 'aaaaaaaaaaaa', name: 'team-a/m@1', bytes: bytes(1e9) },
    },
  });
}
const fleet = fleetSeen([nodeWithCache('n1', 'aaaaaaaaaaaa'), nodeWithCache('n2', 'bbbbbbbbbbbb')]);
function inputsOf(all: readonly Look[], flavour: number): readonly TickInput[] {
  let t = 0;
  return all.map((look) => {
    t += look.step;
    const pools = look.pools.map((targets, p) => ({
      seen: seenOf(p, look, t),
      policy: policyOf(targets.length, flavour),
    }));
    return { now: at(t), fleet: flavour % 5 === 0 ? fleetSeen() : fleet, pools };
  });
}

/** JSON has no NaN and no infinity: they become null. */
const lostNumber = /[:[,]null/;

test('whatever is read and whatever the clock does, a size is a whole number between spec and bounds, and nothing throws or is lost as a number', () => {
  expect(
    counterexample(
      fc.property(looks, fc.nat({ max: 59 }), (all, flavour) => {
        let memory: FleetMemory = emptyMemory;
        for (const input of inputsOf(all, flavour)) {
          const output = tick(memory, input);
          ({ memory } = output);
          expect(JSON.stringify(output)).not.toMatch(lostNumber);
          for (const { pool, target, replicas: out, from = 0, because } of output.decisions) {
            expect(because[0]?.reason).not.toBe('DecisionFailed');
            const policy = input.pools.find(({ seen }) => seen.pool === pool)?.policy;
            const { minReplicas = 0, maxReplicas = 0 } = policy?.targets.find((one) => one.target === target) ?? {};
            if (out === undefined) continue;
            expect(Number.isInteger(out)).toBe(true);
            expect(out).toBeGreaterThanOrEqual(Math.min(from, minReplicas));
            expect(out).toBeLessThanOrEqual(Math.max(from, maxReplicas));
          }
        }
      }),
      runs(31, 250),
    ),
  ).toBeUndefined();
});

test('a log of such passes replays identically, where JSON can write what was read', () => {
  const writable = looks.map((all) =>
    all.map((look) => ({
      ...look,
      pools: look.pools.map((targets) =>
        targets.map((list) =>
          list.map((one) => ({ ...one, planted: one.planted.filter(({ value }) => Number.isFinite(value)) })),
        ),
      ),
    })),
  );
  expect(
    counterexample(
      fc.property(writable, fc.nat({ max: 59 }), (all, flavour) => {
        let memory: FleetMemory = emptyMemory;
        const lines = [headerLine(memory, '0.0.0')];
        for (const input of inputsOf(all, flavour)) {
          const output = tick(memory, input);
          ({ memory } = output);
          lines.push(passLine(input, output));
        }
        expect(replay(lines)).toEqual({ kind: 'identical', passes: all.length });
      }),
      runs(32, 100),
    ),
  ).toBeUndefined();
});

const steady = { rate: 8, load: 6 };
const wide = poolPolicy({ targets: [targetPolicy({ maxReplicas: replicas(100) })] });
/** One look at a pool of three steady replicas; `spoil` changes what the first one says. */
function steadyPool(t: number, load: Pick<Shown, 'rate' | 'load'>, spoil: readonly Planted[] = []): PoolSeen {
  const listed = ['x', 'y', 'z'].map((id, i) =>
    replicaSeen(id, { samples: planting(plain(t, load), i === 0 ? spoil : [], t) }),
  );
  return poolSeen({ targets: [targetSeen({ replicas: listed })] });
}
/** What is wanted at each look of ten minutes, its clock told by `clock`. */
function wantedOver(seen: (t: number) => PoolSeen, clock: (t: number) => Instant): readonly (number | undefined)[] {
  let memory: FleetMemory = emptyMemory;
  const wanted: (number | undefined)[] = [];
  for (let t = 0; t <= 600; t += 15) {
    const output = tick(memory, { now: clock(t), pools: [{ seen: seen(t), policy: wide }], fleet: fleetSeen() });
    ({ memory } = output);
    wanted.push(output.reports[0]?.targets[0]?.wanted);
  }
  return wanted;
}

describe('one page that cannot be true', () => {
  const undisturbed = wantedOver((t) => steadyPool(t, steady), at);
  const misread = signalNames.filter(
    (name) => name !== 'kvCapacityTokens' && name !== 'maxRunning' && name !== 'kvUse',
  );
  for (const name of misread) {
    test.each([1e13, 9e14, 1e17, 1e300])(`leaves nothing behind (${name} is %d)`, (value) => {
      const spoilt = wantedOver((t) => steadyPool(t, steady, t === 300 ? [{ name, value, late: 0 }] : []), at);
      // Two minutes later nothing of it is left.
      expect(spoilt.slice(28)).toStrictEqual(undisturbed.slice(28));
    });
  }

  test('a reading from the future keeps no later one from being counted', () => {
    const skewed = wantedOver(
      (t) => steadyPool(t, steady, t === 300 ? [{ name: 'finishedTotal', value: 83_000, late: 3600 }] : []),
      at,
    );
    expect(skewed.slice(28)).toStrictEqual(undisturbed.slice(28));
  });
});

describe('a clock that is set back', () => {
  /** Eight requests a second, and `more` from the fifth minute on. */
  const growing = (t: number, clock: (t: number) => Instant, more: number): PoolSeen => {
    const finishedTotal = 8 * (t + 10_000) + Math.max(0, t - 300) * more;
    const said = { waiting: 0, running: t < 300 ? 6 : 30, kvUse: 0.2, finishedTotal };
    const tokens = { promptTokensTotal: finishedTotal * 900, outputTokensTotal: finishedTotal * 150 };
    const read = samples({ ...said, ...tokens }, clock(t));
    return poolSeen({
      targets: [targetSeen({ replicas: ['x', 'y', 'z'].map((id) => replicaSeen(id, { samples: read })) })],
    });
  };
  /** Falls back by an hour just as the load grows. */
  const setBack = (t: number): Instant => at(t < 300 ? t : t - 3600);

  const wanted = (more: number): { readonly even: readonly unknown[]; readonly back: readonly unknown[] } => ({
    even: wantedOver((t) => growing(t, at, more), at),
    back: wantedOver((t) => growing(t, setBack, more), setBack),
  });

  test.each([29, 40])(
    'keeps no load from being seen: three minutes later the same is wanted as without (%d more)',
    (more) => {
      const { even, back } = wanted(more);
      expect(Number(even.at(-1))).toBeGreaterThan(Number(even[19]));
      expect(back.slice(32)).toStrictEqual(even.slice(32));
    },
  );

  // The history behind the bound was cut, so the bound is some 5 % wider: these loads lie where that rounds up to a replica.
  test.each([32, 36])('never costs a replica, and at most one too many is kept (%d more)', (more) => {
    const { even, back } = wanted(more);
    const extra = back.slice(32).map((one, i) => Number(one) - Number(even[32 + i]));
    expect(Number(back.at(-1))).toBeGreaterThan(Number(back[19]));
    expect(new Set(extra)).toStrictEqual(new Set([1]));
  });
});

test('numbers whose sum no number holds are missing, not endless', () => {
  const listed = ['x', 'y'].map((id) =>
    replicaSeen(id, { samples: samples({ waiting: Number.MAX_VALUE, running: 3, finishedTotal: 5 }, at(0)) }),
  );
  const seen = poolSeen({ targets: [targetSeen({ replicas: listed })] });
  const output = tick(emptyMemory, { now: at(0), pools: [{ seen, policy: wide }], fleet: fleetSeen() });
  expect(output.reports[0]?.inputs).toMatchObject({ waiting: { missing: 'NotANumber' }, running: { value: 6 } });
  expect(JSON.stringify(output)).not.toMatch(lostNumber);
});

test('a pool of more replicas than are remembered one by one is still measured, and counted whole', () => {
  const listed = Array.from({ length: 1000 }, (_, i) => `r${String(i).padStart(4, '0')}`);
  let memory: FleetMemory = emptyMemory;
  let measured: number | undefined;
  for (let t = 0; t <= 60; t += 15) {
    const seen = poolSeen({
      targets: [targetSeen({ replicas: listed.map((id) => replicaSeen(id, { samples: plain(t, steady) })) })],
    });
    const output = tick(memory, { now: at(t), pools: [{ seen, policy: wide }], fleet: fleetSeen() });
    ({ memory } = output);
    measured = output.reports[0]?.demand?.requestsPerSecond;
  }
  expect(measured).toBeCloseTo(8000, -1);
});

test('sizes in the millions, typed by mistake, cost no pass its time or memory', () => {
  const huge = replicas(2_000_000_000);
  const pools = ['a', 'b'].map((name) => {
    const seen = { ...steadyPool(0, steady), pool: `team-a/${name}` };
    return { seen: { ...seen, targets: seen.targets.map((one) => ({ ...one, specReplicas: huge })) }, policy: wide };
  });
  const output = tick(emptyMemory, { now: at(0), pools, fleet: fleetSeen() });
  for (const { from, replicas: out } of output.decisions) expect(out).toBeLessThan(Number(from));
});
