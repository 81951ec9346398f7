import type { Action, Decision, Recommendation } from './model/decision.ts';
import type { FleetMemory, PoolMemory } from './model/memory.ts';
import type { PoolPolicy } from './model/policy.ts';
import type { FleetSeen, PoolId, PoolSeen } from './model/pool.ts';
import type { PoolReport } from './model/report.ts';
import type { Instant } from './model/units.ts';
import { holdFailed } from './decision/failure.ts';
import { freshMemory, propose, type ProposeInput, type Proposed } from './propose.ts';
import { hasRoles, proposeByRole } from './roles.ts';
import { afterSetBack } from './set-back.ts';
import { settleSteps } from './settle.ts';

export interface PoolInput {
  readonly seen: PoolSeen;
  readonly policy: PoolPolicy;
}
/** Everything one pass looks at. Plain data: what is recorded, replayed and compared byte by byte. */
export interface TickInput {
  readonly now: Instant;
  /** Sorted by pool. */
  readonly pools: readonly PoolInput[];
  readonly fleet: FleetSeen;
}
export interface TickOutput {
  readonly memory: FleetMemory;
  readonly decisions: readonly Decision[];
  readonly actions: readonly Action[];
  readonly reports: readonly PoolReport[];
}

export const emptyMemory: FleetMemory = { pools: {}, assignments: {} };

/** One pass over all pools: propose for each, then settle all. The same function runs in the controller, the simulator and replay. */
export function tick(memory: FleetMemory, input: TickInput): TickOutput {
  const steps = tickSteps(memory, input);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same pass in steps of about one pool: between two of them whoever runs it may do something else. All it looks at is plain data that stays. */
export function* tickSteps(memory: FleetMemory, input: TickInput): Generator<void, TickOutput> {
  const pools: Record<PoolId, PoolMemory> = {};
  const recommendations: Recommendation[] = [];
  const reports: PoolReport[] = [];
  for (const { seen, policy } of input.pools) {
    const before = afterSetBack(memory.pools[seen.pool] ?? freshMemory(input.now), input.now);
    const proposed = proposeOrHold({ memory: before, fleet: input.fleet, seen, policy, now: input.now });
    pools[seen.pool] = proposed.memory;
    recommendations.push(proposed.recommendation);
    reports.push(proposed.report);
    yield;
  }
  return yield* settleSteps({
    memory: { ...memory, pools },
    recommendations,
    fleet: input.fleet,
    now: input.now,
    reports,
  });
}

/** What is thrown while one pool is thought about holds that pool, with its memory as it was, and no other (I15). */
function proposeOrHold(input: ProposeInput): Proposed {
  try {
    return hasRoles(input.policy) ? proposeByRole(input) : propose(input);
  } catch (err) {
    return holdFailed(input, err);
  }
}
