import { readFile } from 'node:fs/promises';
import { parsePolicy } from '../../src/config/policy-file.ts';
import type { PolicyDefinition } from '../../src/core/model/policy-definition.ts';
import type { PoolSeen, ReplicaPhase, ReplicaSeen } from '../../src/core/model/pool.ts';
import { value } from '../../src/core/model/sample.ts';
import { replicas } from '../../src/core/model/units.ts';
import { createPolicy } from '../../src/sim/policies/index.ts';
import type { PolicyAnswer, PolicySetting, SimulatedPolicy } from '../../src/sim/policies/policy.ts';
import { at, fleetSeen, poolPolicy, poolSeen, type Readings, replicaSeen, samples, targetSeen } from './builders.ts';

export const setting: PolicySetting = { minReplicas: 1, maxReplicas: 16, seed: 1 };

export async function definitionOf(name: string): Promise<PolicyDefinition> {
  const parsed = parsePolicy(await readFile(new URL(`../../policies/${name}.yaml`, import.meta.url), 'utf8'));
  if (!parsed.ok) throw new Error(`policies/${name}.yaml is invalid`);
  return parsed.value;
}

export function policyOf(definition: PolicyDefinition, given: Partial<PolicySetting> = {}): SimulatedPolicy {
  return createPolicy(definition, { ...setting, ...given }, poolPolicy());
}

export async function policyNamed(name: string, given: Partial<PolicySetting> = {}): Promise<SimulatedPolicy> {
  return policyOf(await definitionOf(name), given);
}

export interface PoolGiven {
  /** Ready replicas by their readings. */
  readonly ready: readonly Readings[];
  /** Replicas that cannot be scraped, by their phase. */
  readonly others?: readonly ReplicaPhase[];
  readonly spec?: number;
  readonly queued?: number;
  readonly requestsTotal?: number;
}

/** A pool as seen at `s` seconds; without a gateway unless one of its numbers is given. */
export function seenAt(s: number, { ready, others = [], spec, queued, requestsTotal }: PoolGiven): PoolSeen {
  const known = ready.map((reading, i): ReplicaSeen => replicaSeen(`r${i}`, { samples: samples(reading, at(s)) }));
  const unknown = others.map((phase, i): ReplicaSeen => replicaSeen(`o${i}`, { phase, samples: dark }));
  const listed = [...known, ...unknown];
  const there = listed.filter(({ phase }) => phase !== 'Draining').length;
  const target = targetSeen({
    replicas: listed,
    specReplicas: replicas(spec ?? there),
    statusReplicas: replicas(there),
  });
  const hasGateway = queued !== undefined || requestsTotal !== undefined;
  const gateway = { queued: value(queued ?? 0, at(s)), requestsTotal: value(requestsTotal ?? 0, at(s)) };
  return poolSeen({ targets: [target], ...(hasGateway ? { gateway } : {}) });
}
const dark = samples({
  waiting: 'NotScraped',
  running: 'NotScraped',
  kvUse: 'NotScraped',
  finishedTotal: 'NotScraped',
  promptTokensTotal: 'NotScraped',
  cachedPromptTokensTotal: 'NotScraped',
  outputTokensTotal: 'NotScraped',
});

export function look(policy: SimulatedPolicy, s: number, given: PoolGiven): PolicyAnswer {
  return policy.decide({ now: at(s), seen: seenAt(s, given), fleet: fleetSeen() });
}

export const times = <T>(n: number, one: T): readonly T[] => Array.from({ length: n }, () => one);

export interface RampWorld {
  readonly coldStartSeconds: number;
  /** Measured from here; before it the pool has one replica. */
  readonly fromSeconds: number;
  readonly untilSeconds: number;
  /** What the pool shows when so many are ready at `s`. */
  readonly pool: (s: number, ready: number) => Pick<PoolGiven, 'ready' | 'queued' | 'requestsTotal'>;
}

export interface Ramp {
  /** Seconds from the start of the demand until so many were ready at once; absent: never. */
  readonly secondsTo: (ready: number) => number | undefined;
  /** Sizes in the order in which they were asked for, from the start on. */
  readonly sizes: readonly number[];
}

/** One replica, ample nodes, one fixed cold start; the policy's orders come true. Nothing is scraped late. */
export function rampOf(
  policy: SimulatedPolicy,
  { coldStartSeconds, fromSeconds, untilSeconds, pool }: RampWorld,
): Ramp {
  let readyAt: readonly number[] = [-coldStartSeconds];
  const sizes = [1];
  const reached = new Map<number, number>();
  for (let s = 0; s <= untilSeconds; s += policy.tickSeconds) {
    const ready = readyAt.filter((r) => r <= s).length;
    for (let n = 1; n <= ready; n++) if (!reached.has(n)) reached.set(n, lastReady(readyAt, n) - fromSeconds);
    const others = times(readyAt.length - ready, 'StartingEngine' as const);
    const { replicas: wanted } = look(policy, s, { ...pool(s, ready), others });
    if (wanted === undefined) continue;
    const added = times(Math.max(0, wanted - readyAt.length), s + coldStartSeconds);
    readyAt = [...readyAt, ...added].slice(0, wanted);
    if (s >= fromSeconds) sizes.push(wanted);
  }
  return { sizes, secondsTo: (n) => reached.get(n) };
}

function lastReady(readyAt: readonly number[], n: number): number {
  return readyAt.toSorted((a, b) => a - b)[n - 1] ?? NaN;
}
