import type { GpuBudget, FleetSeen } from '../model/pool.ts';
import type { Instant } from '../model/units.ts';
import { keyOf, type PoolOutcome, type TargetOutcome } from './outcome.ts';

/** A target that would become larger. */
interface Growing {
  readonly key: string;
  readonly priority: number;
  readonly gpus: number;
  readonly from: number;
  readonly wanted: number;
  readonly minReplicas: number;
}

/**
 * I12: pools that share a budget of GPUs together ask for no more than it has. What is held counts until it is gone, so that a replica given back makes
 * room for another's only then: nobody is taken from. What is left goes first to minima, then to the higher priority, and among equals one replica at a
 * time to whoever lacks the largest part of what it needs: the part of its requests that would miss their objectives. A pool in several budgets is bound
 * by each.
 */
export function sharedFairly(
  outcomes: readonly PoolOutcome[],
  _now: Instant,
  { budgets = [] }: FleetSeen,
): readonly PoolOutcome[] {
  return budgets.reduce(withinOne, outcomes);
}

function withinOne(outcomes: readonly PoolOutcome[], budget: GpuBudget): readonly PoolOutcome[] {
  const sharing = outcomes.filter(
    ({ recommendation: { pool, mode } }) => mode !== 'Observe' && budget.pools.includes(pool),
  );
  const growing = sharing.flatMap(growingTargets);
  if (growing.length === 0) return outcomes;
  const held = sharing.reduce((sum, outcome) => sum + heldGpus(outcome), 0);
  const asked = growing.reduce((sum, one) => sum + (one.wanted - one.from) * one.gpus, 0);
  if (held + asked <= budget.gpus) return outcomes;
  const granted = grant(growing, budget.gpus - held);
  return outcomes.map((outcome) => ({
    ...outcome,
    targets: outcome.targets.map((target) => limited(target, granted.get(keyOf(outcome, target)), { budget, held })),
  }));
}

/** Whole sizes by key. */
function grant(growing: readonly Growing[], room: number): ReadonlyMap<string, number> {
  const sizes = new Map(growing.map(({ key, from }) => [key, from]));
  let left = room;
  for (;;) {
    const next = mostInNeed(
      growing.filter((one) => one.gpus <= left && sizeOf(sizes, one) < one.wanted),
      sizes,
    );
    if (next === undefined) return sizes;
    sizes.set(next.key, sizeOf(sizes, next) + 1);
    left -= next.gpus;
  }
}

function mostInNeed(open: readonly Growing[], sizes: ReadonlyMap<string, number>): Growing | undefined {
  const isBelowMinimum = (one: Growing): number => Number(sizeOf(sizes, one) < one.minReplicas);
  const lack = (one: Growing): number => 1 - sizeOf(sizes, one) / one.wanted;
  return open.toSorted(
    (a, b) =>
      isBelowMinimum(b) - isBelowMinimum(a) || b.priority - a.priority || lack(b) - lack(a) || (a.key < b.key ? -1 : 1),
  )[0];
}

function sizeOf(sizes: ReadonlyMap<string, number>, { key }: Growing): number {
  return sizes.get(key) ?? 0;
}

function growingTargets(outcome: PoolOutcome): readonly Growing[] {
  const { priority = 0 } = outcome.recommendation;
  return outcome.targets.flatMap((target) => {
    const { spec, draft, recommendation } = target;
    if (spec === undefined || draft === undefined || draft.replicas <= spec || recommendation.gpusPerReplica <= 0)
      return [];
    const { gpusPerReplica: gpus, minReplicas } = recommendation;
    return [{ key: keyOf(outcome, target), priority, gpus, from: spec, wanted: draft.replicas, minReplicas }];
  });
}

/** What is there or asked for; of a target that cannot be read, what its workload counts. */
function heldGpus({ targets }: PoolOutcome): number {
  return targets.reduce((sum, { spec = 0, recommendation: { statusReplicas = 0, gpusPerReplica } }) => {
    return sum + Math.max(spec, statusReplicas) * gpusPerReplica;
  }, 0);
}

function limited(
  target: TargetOutcome,
  size: number | undefined,
  { budget, held }: { readonly budget: GpuBudget; readonly held: number },
): TargetOutcome {
  const { draft, lacksGpus = 0 } = target;
  if (size === undefined || draft === undefined || size === draft.replicas) return target;
  const message = `Only to ${size}, not ${draft.replicas}: ${held} of the ${budget.gpus} GPUs of ${budget.name} are held, the rest is shared`;
  return {
    ...target,
    draft: { replicas: size, because: [{ reason: 'QuotaExceeded', message }, ...draft.because] },
    lacksGpus: lacksGpus + (draft.replicas - size) * target.recommendation.gpusPerReplica,
  };
}
