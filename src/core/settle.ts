import { account } from './decision/account.ts';
import { withinBudget } from './decision/budget.ts';
import { drainedFirst, markActions } from './decision/draining.ts';
import { failureOf } from './decision/failure.ts';
import { type GuardRule, guardRules } from './decision/guard.ts';
import { sharedFairly } from './decision/sharing.ts';
import { decisionOf, judge, type PoolOutcome, safetyOf, scaleActions } from './decision/outcome.ts';
import type { Action, Decision, Recommendation } from './model/decision.ts';
import type { FleetMemory, PoolMemory } from './model/memory.ts';
import type { FleetSeen, PoolId } from './model/pool.ts';
import type { Because } from './model/reason.ts';
import type { PoolReport } from './model/report.ts';
import type { Instant } from './model/units.ts';
import { freshMemory } from './propose.ts';
import type { TickOutput } from './tick.ts';
import { planWarmth, type WarmthInput, type WarmthPlan } from './warmth/plan.ts';

export interface SettleInput {
  readonly memory: FleetMemory;
  readonly recommendations: readonly Recommendation[];
  readonly fleet: FleetSeen;
  readonly now: Instant;
  /** Reports of `propose`, completed here with what was decided and why. */
  readonly reports: readonly PoolReport[];
}

/** Rules over all pools at once, after the rules of each target. */
export type FleetRule = (outcomes: readonly PoolOutcome[], now: Instant, fleet: FleetSeen) => readonly PoolOutcome[];
export interface SettleRules {
  readonly target: readonly GuardRule[];
  readonly fleet: readonly FleetRule[];
}
export const settleRules: SettleRules = { target: guardRules, fleet: [sharedFairly, withinBudget, drainedFirst] };

/** All pools: what each target may have, which copies are wanted where, and what is to be done about it. */
export function settle(input: SettleInput): TickOutput {
  return settleBy(input, settleRules);
}

/** `settle` with chosen rules: tests take one out and show what it was for. */
export function settleBy(input: SettleInput, rules: SettleRules): TickOutput {
  const steps = settleSteps(input, rules);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** `settle` in steps, of about one pool but for the rules over all pools and the plan. */
export function* settleSteps(input: SettleInput, rules: SettleRules = settleRules): Generator<void, TickOutput> {
  const { memory, recommendations, fleet, now, reports } = input;
  const judged: PoolOutcome[] = [];
  for (const recommendation of recommendations) {
    const safety = memory.pools[recommendation.pool]?.safety ?? { since: now, targets: {} };
    judged.push(judge({ recommendation, safety, rules: rules.target, now }));
    yield;
  }
  const outcomes = rules.fleet.reduce<readonly PoolOutcome[]>((all, rule) => rule(all, now, fleet), judged);
  yield;
  const warmth = planOrKeep({ assignments: memory.assignments, recommendations, fleet, now });
  yield;
  const pools: Record<PoolId, PoolMemory> = { ...memory.pools };
  const byPool = new Map<PoolId, readonly Decision[]>();
  const decisions: Decision[] = [];
  const scaling: Action[] = [];
  for (const outcome of outcomes) {
    const { pool } = outcome.recommendation;
    const decided = outcome.targets.map((target) => decisionOf(outcome, target));
    scaling.push(...outcome.targets.flatMap((target) => markActions(outcome, target)));
    scaling.push(...decided.flatMap((decision) => scaleActions(outcome, decision)));
    decisions.push(...decided);
    byPool.set(pool, decided);
    pools[pool] = { ...(memory.pools[pool] ?? freshMemory(now)), safety: safetyOf(outcome, decided) };
    yield;
  }
  const accounts: PoolReport[] = [];
  for (const report of reports) {
    accounts.push(account(report, byPool.get(report.pool) ?? [], warmth.failure ?? warmth.reports[report.pool]));
    yield;
  }
  return {
    memory: { pools, assignments: warmth.assignments },
    decisions,
    actions: [...scaling, ...warmth.actions],
    reports: accounts,
  };
}

/** A plan that throws must not cost any pool its decision: copies stay where they are, and every report says so (I15). */
function planOrKeep(input: WarmthInput): WarmthPlan & { readonly failure?: Because } {
  try {
    return planWarmth(input);
  } catch (err) {
    return { assignments: input.assignments, actions: [], reports: {}, failure: failureOf(err) };
  }
}
