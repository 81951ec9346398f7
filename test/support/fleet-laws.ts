import fc from 'fast-check';
import { drainedFirst } from '../../src/core/decision/draining.ts';
import { sharedFairly } from '../../src/core/decision/sharing.ts';
import { withinBudget } from '../../src/core/decision/budget.ts';
import { decisionOf, judge, type PoolOutcome } from '../../src/core/decision/outcome.ts';
import type { Recommendation } from '../../src/core/model/decision.ts';
import type { FleetSeen } from '../../src/core/model/pool.ts';
import { type FleetRule, type SettleRules, settleRules } from '../../src/core/settle.ts';
import { at, atOnce, epoch, recommendation, target } from './settle-builders.ts';

/** Pools that want a size at once, and the GPUs that they share. */
export interface FleetWorld {
  readonly pools: readonly PoolWish[];
  readonly gpus: number;
}
export interface PoolWish {
  readonly spec: number;
  readonly wanted: number;
  readonly gpus: number;
  readonly min: number;
  readonly priority: number;
  /** What its workload counts; absent: its spec. */
  readonly status?: number;
  readonly mode?: Recommendation['mode'];
}

export const fleetWorlds: fc.Arbitrary<FleetWorld> = fc.record({
  pools: fc.array(
    fc.record({
      spec: fc.integer({ min: 0, max: 20 }),
      wanted: fc.integer({ min: 0, max: 20 }),
      gpus: fc.integer({ min: 1, max: 8 }),
      min: fc.integer({ min: 0, max: 3 }),
      priority: fc.integer({ min: 0, max: 2 }),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  gpus: fc.integer({ min: 0, max: 160 }),
});

export interface FleetLaw {
  readonly invariant: string;
  readonly states: string;
  readonly holds: (world: FleetWorld, rules: SettleRules) => boolean;
  readonly broken: SettleRules;
}

export const fleetLaws: readonly FleetLaw[] = [
  {
    invariant: 'I8',
    states: 'pools that shrink together give back at most one replica each or a fifth of the managed GPUs',
    holds: givesBackLittle,
    broken: without(withinBudget),
  },
  {
    invariant: 'I12',
    states: 'pools that share GPUs ask together for no more than there are, and nobody is taken from',
    holds: sharesWhatThereIs,
    broken: without(sharedFairly),
  },
];

function without(rule: FleetRule): SettleRules {
  const fleet = settleRules.fleet.filter((one) => one !== rule && one !== drainedFirst);
  return { ...settleRules, fleet };
}

const known = { allowsDecrease: true, isAnythingKnown: true, showsIdle: true };
const plain = target({ evidence: known, maxReplicas: 100 });
const nameOf = (i: number): string => `team-a/${i}`;

function poolOf(
  { spec, wanted, gpus, min, priority, status = spec, mode = 'Scale' }: PoolWish,
  i: number,
): Recommendation {
  const sizes = { specReplicas: spec, statusReplicas: status, wanted, minReplicas: min };
  const one = { ...plain, ...sizes, gpusPerReplica: gpus } as Recommendation['targets'][number];
  return recommendation({ pool: nameOf(i), mode, behavior: atOnce, targets: [one], priority });
}

/** What several laws ask of the same pools: what the rules of each target say, and the sizes where no GPUs are short. */
interface Asked {
  readonly pools: FleetWorld['pools'];
  readonly rules: SettleRules;
  readonly judged: readonly PoolOutcome[];
  readonly sizesAlone: readonly number[];
}
let asked: Asked | undefined;

function ask(pools: FleetWorld['pools'], rules: SettleRules): Asked {
  if (asked?.pools !== pools || asked.rules !== rules) {
    const judged = judgedOf(pools, rules);
    asked = { pools, rules, judged, sizesAlone: sizesIn(judged, 1e6, rules) };
  }
  return asked;
}

function judgedOf(pools: FleetWorld['pools'], rules: SettleRules): readonly PoolOutcome[] {
  const safety = { since: at(-3600), targets: {} };
  return pools.map(poolOf).map((one) => judge({ recommendation: one, safety, rules: rules.target, now: epoch }));
}

/** The size of each judged pool after the rules over all pools. */
function sizesIn(judged: readonly PoolOutcome[], gpus: number, rules: SettleRules): readonly number[] {
  const budgets = [{ name: 'ResourceQuota team-a/gpus', gpus, pools: judged.map((_, i) => nameOf(i)) }];
  const fleet: FleetSeen = { nodes: [], budgets };
  const outcomes = rules.fleet.reduce<readonly PoolOutcome[]>((all, rule) => rule(all, epoch, fleet), judged);
  return outcomes.flatMap((outcome) => outcome.targets.map((one) => Number(decisionOf(outcome, one).replicas)));
}

/** The size of each pool after all rules. */
export function sizesOf({ pools, gpus }: FleetWorld, rules: SettleRules): readonly number[] {
  return sizesIn(judgedOf(pools, rules), gpus, rules);
}

function givesBackLittle(world: FleetWorld, rules: SettleRules): boolean {
  const { sizesAlone: out } = ask(world.pools, rules);
  const shrinking = world.pools.filter(({ spec }, i) => (out[i] ?? 0) < spec);
  const given = world.pools.reduce((sum, { spec, gpus }, i) => sum + Math.max(0, spec - (out[i] ?? 0)) * gpus, 0);
  const managed = world.pools.reduce((sum, { spec, gpus }) => sum + spec * gpus, 0);
  const wanting = world.pools.filter(({ spec, wanted, min }) => Math.max(wanted, min) < spec);
  const one = wanting.reduce((sum, { gpus }) => sum + gpus, 0);
  return shrinking.length < 2 || given <= Math.max(one, 0.2 * managed);
}

function sharesWhatThereIs(world: FleetWorld, rules: SettleRules): boolean {
  const { pools, gpus } = world;
  const { judged, sizesAlone: alone } = ask(pools, rules);
  const out = sizesIn(judged, gpus, rules);
  const held = usedBy(pools, []);
  const isTaken = pools.some(({ spec }, i) => (out[i] ?? 0) < Math.min(spec, alone[i] ?? 0));
  return usedBy(pools, out) <= Math.max(gpus, held) && !isTaken;
}

/** GPUs of the pools at these sizes; what is there counts until it is gone. */
export function usedBy(pools: readonly PoolWish[], sizes: readonly number[]): number {
  return pools.reduce((sum, { spec, gpus }, i) => sum + Math.max(spec, sizes[i] ?? 0) * gpus, 0);
}
