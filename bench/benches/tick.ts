import { gzipSync } from 'node:zlib';
import { readPolicyFile } from '../../src/config/policy-file.ts';
import { readProfile } from '../../src/config/profile-file.ts';
import type { FleetMemory, PoolMemory } from '../../src/core/model/memory.ts';
import { defaultBehavior, type PoolPolicy } from '../../src/core/model/policy.ts';
import { after, bytes, milliseconds, replicas, type Instant } from '../../src/core/model/units.ts';
import { emptyMemory, tick } from '../../src/core/tick.ts';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { BusyPool, fleetOf, inputs, poolName, start } from '../fleet.ts';

const replicasEach = 10;
/** Pools that live through the warm-up; the others start from copies of their memory. */
const seedPools = 4;

export const bench: Bench = {
  about: 'propose and settle for 1,000 pools of 10 replicas; what a pool remembers',
  takes: '30 s',
  fullTakes: '3 min',
  run,
};

async function run({ isFull, say }: BenchOptions): Promise<readonly Measurement[]> {
  const policy = await poolPolicy();
  const days = isFull ? 8 : 1;
  say(`living through ${days === 1 ? 'a day' : `${days} days`} to fill the memory`);
  const lived = liveThrough(policy, days * 86_400);
  const passes = isFull ? 41 : 15;
  say('measuring 1,000 pools');
  const thousand = passCost(lived, policy, { pools: 1000, passes });
  say('measuring 100 pools');
  const hundred = passCost(lived, policy, { pools: 100, passes: passes * 10 });
  return [
    {
      case: '1,000 pools x 10 replicas',
      metric: 'full-pass-cpu',
      value: thousand,
      unit: 'ms',
      note: `median of ${passes} passes`,
    },
    {
      case: '1,000 pools over 100',
      metric: 'growth',
      value: thousand / 1000 / (hundred / 100),
      unit: 'ratio of cost per pool',
      note: `100 pools: ${hundred.toFixed(1)} ms`,
    },
    ...memorySizes(lived.memory, days),
  ];
}

async function poolPolicy(): Promise<PoolPolicy> {
  const definition = await readPolicyFile(new URL('../../policies/balanced.yaml', import.meta.url).pathname);
  if (definition.kind !== 'ScalingPolicy') throw new TypeError('policies/balanced.yaml must be a ScalingPolicy');
  const profile = await readProfile('llama-3.1-8b-h100');
  return {
    mode: 'Scale',
    paused: false,
    targets: [{ target: 'server', minReplicas: replicas(1), maxReplicas: replicas(40), gpusPerReplica: 1, profile }],
    objectives: {
      timeToFirstToken: { percentile: 95, milliseconds: milliseconds(2000) },
      interTokenLatency: { percentile: 95, milliseconds: milliseconds(100) },
      attainmentPercent: 99,
    },
    behavior: definition.behavior ?? defaultBehavior,
    warmth: {
      mode: 'Act',
      artifact: { hash: '0123456789ab', name: 'bench/model@1', bytes: bytes(16e9) },
      floorCopies: 1,
    },
    tunables: definition.tunables,
  };
}

interface Lived {
  readonly memory: FleetMemory;
  readonly seconds: number;
}

function liveThrough(policy: PoolPolicy, seconds: number): Lived {
  const pools = Array.from({ length: seedPools }, (_, index) => new BusyPool(index, replicasEach));
  const fleet = fleetOf(seedPools, replicasEach);
  const step = policy.tunables.tickSeconds;
  let memory = emptyMemory;
  for (let at = step; at <= seconds; at += step) {
    memory = tick(memory, { now: time(at), pools: inputs(pools, policy, step), fleet }).memory;
  }
  return { memory, seconds };
}

/** Median CPU milliseconds of a pass over that many pools, each remembering what a warmed one does. */
function passCost(lived: Lived, policy: PoolPolicy, size: { readonly pools: number; readonly passes: number }): number {
  const pools = Array.from({ length: size.pools }, (_, index) => new BusyPool(index, replicasEach));
  inputs(pools, policy, lived.seconds);
  const fleet = fleetOf(size.pools, replicasEach);
  const step = policy.tunables.tickSeconds;
  let memory = spread(lived.memory, size.pools);
  const costs: number[] = [];
  for (let pass = 1; pass <= size.passes + 3; pass += 1) {
    const input = { now: time(lived.seconds + pass * step), pools: inputs(pools, policy, step), fleet };
    const before = process.cpuUsage();
    memory = tick(memory, input).memory;
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / 1000);
  }
  return median(costs.slice(3));
}

function spread(memory: FleetMemory, pools: number): FleetMemory {
  const seeds = Array.from({ length: seedPools }, (_, index) => memory.pools[poolName(index)]);
  const copies = Array.from({ length: pools }, (_, index): readonly (readonly [string, PoolMemory])[] => {
    const seed = seeds[index % seedPools];
    return seed === undefined ? [] : [[poolName(index), renamed(seed, poolName(index % seedPools), poolName(index))]];
  });
  return { ...memory, pools: Object.fromEntries(copies.flat()) };
}

/** Replica and node names in a pool's memory begin with the pool's own: a copy must remember its own replicas. */
function renamed(memory: PoolMemory, from: string, to: string): PoolMemory {
  const copy: PoolMemory = JSON.parse(JSON.stringify(memory).replaceAll(from, to));
  return copy;
}

function memorySizes(memory: FleetMemory, days: number): readonly Measurement[] {
  const learned = Object.values(memory.pools).map((pool) => JSON.stringify(pool.learned));
  const where = days === 1 ? 'after a day' : `after ${days} days`;
  const largest = (sizes: readonly number[]): number => Math.max(...sizes) / 1000;
  return [
    {
      case: where,
      metric: 'memory-per-pool',
      value: largest(learned.map((text) => Buffer.byteLength(text))),
      unit: 'kB',
    },
    {
      case: where,
      metric: 'checkpoint',
      value: largest(learned.map((text) => gzipSync(text).byteLength)),
      unit: 'kB compressed',
    },
  ];
}

function time(seconds: number): Instant {
  return after(start, seconds);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
