import { describe, expect, test } from 'vitest';
import { guardRules } from '../../../src/core/decision/guard.ts';
import type { PoolSeen, ReplicaSamples, ReplicaSeen } from '../../../src/core/model/pool.ts';
import { missing, type MissingCause, value } from '../../../src/core/model/sample.ts';
import { replicas } from '../../../src/core/model/units.ts';
import { freshMemory, propose } from '../../../src/core/propose.ts';
import { settleBy, settleRules } from '../../../src/core/settle.ts';
import { at, fleetSeen, llama8bH100, poolPolicy, targetPolicy } from '../../support/builders.ts';
import { FluidPool } from '../../support/fluid-pool.ts';

/** What happened to users of other autoscalers (docs/incidents.md), each beside the same minutes with the rule taken out or with the naive reading. */

type Told = (seen: PoolSeen, t: number) => PoolSeen;

interface Minutes {
  /** Requests/s at a time. */
  readonly rate: (t: number) => number;
  readonly ready: number;
  readonly to: number;
  readonly from?: number;
  /** What the sensors make of the pool. */
  readonly told?: Told;
  readonly startsAfter?: number;
  readonly withoutRule?: string;
}

/** The size after each pass. */
function sizes({
  rate,
  ready,
  to,
  from = 0,
  told = (seen) => seen,
  startsAfter = 100,
  withoutRule,
}: Minutes): number[] {
  const pool = new FluidPool(rate, { ready, after: () => startsAfter, each: 20 });
  const policy = poolPolicy({
    targets: [targetPolicy({ maxReplicas: replicas(20), profile: llama8bH100 })],
  });
  const rules = { ...settleRules, target: guardRules.filter(({ name }) => name !== withoutRule) };
  let memory = freshMemory(at(from));
  let spec = ready;
  const said: number[] = [];
  for (let t = from; t <= to; t += 15) {
    const seen = told(pool.seen(t, spec), t);
    const proposed = propose({ memory, seen, fleet: fleetSeen(), policy, now: at(t) });
    const settled = settleBy(
      {
        memory: { pools: { [seen.pool]: proposed.memory }, assignments: {} },
        recommendations: [proposed.recommendation],
        fleet: fleetSeen(),
        now: at(t),
        reports: [proposed.report],
      },
      rules,
    );
    memory = settled.memory.pools[seen.pool] ?? memory;
    spec = settled.decisions[0]?.replicas ?? spec;
    said.push(spec);
  }
  return said;
}

const gauges = ['waiting', 'running', 'kvUse'] as const;
type Spoil = (samples: ReplicaSamples, t: number) => ReplicaSamples;

/** Some replicas tell something else from `from` on; the gateway is silent throughout. */
function spoiled(spoil: Spoil, from: number, isHit: (i: number) => boolean = () => true): Told {
  return (seen, t) => {
    const { gateway: _, ...rest } = seen;
    const replica = (one: ReplicaSeen, i: number): ReplicaSeen =>
      t >= from && isHit(i) ? { ...one, samples: spoil(one.samples, t) } : one;
    return { ...rest, targets: seen.targets.map((one) => ({ ...one, replicas: one.replicas.map(replica) })) };
  };
}
const lost =
  (cause: MissingCause): Spoil =>
  (samples) =>
    Object.fromEntries(Object.keys(samples).map((name) => [name, missing(cause)])) as unknown as ReplicaSamples;
const zeroed: Spoil = (samples, t) =>
  Object.fromEntries(Object.keys(samples).map((name) => [name, value(0, at(t))])) as unknown as ReplicaSamples;

const steady = { rate: () => 100, ready: 8, to: 3600 };
const least = (all: readonly number[]): number => Math.min(...all);

test('nothing happens to a pool of which everything is told', () => {
  const [first, ...all] = sizes(steady);
  expect(first).toBe(8);
  expect(least(all)).toBeGreaterThanOrEqual(5);
});

describe.each<[string, MissingCause]>([
  ['1: a query that answers nothing', 'NoSeries'],
  ['1: a query that answers NaN or Inf', 'NotANumber'],
  ['2: a scrape that fails', 'ScrapeFailed'],
  ['5: a metrics back end that is down', 'QueryFailed'],
])('%s', (_, cause) => {
  const before = sizes({ ...steady, to: 900 }).at(-1) ?? 0;
  test('holds the size', () => {
    const told = spoiled(lost(cause), 900);
    expect(sizes({ ...steady, told }).slice(60)).toSatisfy((all: number[]) => all.every((n) => n === before));
  });
  test('read as 0, would take it to one replica', () => {
    expect(sizes({ ...steady, told: spoiled(zeroed, 900) }).at(-1)).toBe(1);
  });
});

const half = (i: number): boolean => i % 2 === 0;

describe('3: half the replicas without a queue or KV sample', () => {
  const without: Spoil = (samples) => {
    const gone = gauges.map((name) => [name, missing('NotExposed')]);
    return { ...samples, ...Object.fromEntries(gone) };
  };
  test('lower nothing', () => {
    const all = sizes({ ...steady, told: spoiled(without, 900, half) });
    expect(least(all.slice(60))).toBe(all[59]);
  });
  test('read as 0, would lower', () => {
    const all = sizes({ ...steady, told: spoiled(zeroed, 900, half) });
    expect(least(all.slice(60))).toBeLessThan(all[59] ?? 0);
  });
});

test('3: half the replicas dark for most of an hour: they are taken to have as much to do as the others', () => {
  const all = sizes({ ...steady, told: spoiled(lost('ScrapeFailed'), 900, half) });
  expect(least(all)).toBeGreaterThanOrEqual(least(sizes(steady)));
});

describe('6: a start without history into a lull', () => {
  const lull = { rate: (t: number) => (t < 120 ? 1 : 120), ready: 8, to: 270 };
  test('lowers nothing before one window was watched', () => {
    expect(least(sizes(lull))).toBe(8);
  });
  test('without the rule lowers in the lull', () => {
    expect(least(sizes({ ...lull, withoutRule: 'warmedUp' }))).toBeLessThan(8);
  });
});

describe('7: a burst that ends while what it ordered is still starting', () => {
  const burst = { rate: (t: number) => (t >= 900 && t < 990 ? 200 : 60), ready: 5, to: 1185, startsAfter: 240 };
  const ordered = (all: readonly number[]): number => Math.max(...all);
  test('keeps what was ordered while it starts', () => {
    const all = sizes(burst);
    expect(ordered(all)).toBeGreaterThan(8);
    expect(all.at(-1)).toBe(ordered(all));
  });
  test('without the window gives some of it back before it came', () => {
    const all = sizes({ ...burst, withoutRule: 'stable' });
    expect(all.at(-1)).toBeLessThan(ordered(all));
  });
});

describe('9: the first readings after an outage say 0', () => {
  const isDark = (t: number): boolean => t >= 900 && t < 1500;
  const outage = spoiled((samples, t) => {
    if (isDark(t)) return lost('QueryFailed')(samples, t);
    return t < 1560 ? zeroed(samples, t) : samples;
  }, 900);
  const after = (minutes: Minutes): number[] => sizes(minutes).slice(60);
  test('and lower nothing', () => {
    const all = after({ ...steady, to: 1550, told: outage });
    expect(least(all)).toBe(all[0]);
  });
  test('without the rule lower at once', () => {
    const all = after({ ...steady, to: 1550, told: outage, withoutRule: 'warmedUp' });
    expect(least(all)).toBeLessThan(all[0] ?? 0);
  });
});
