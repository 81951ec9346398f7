import type { FleetSeen, GpuBudget, PoolId } from '../model/pool.ts';
import type { Instant } from '../model/units.ts';
import type { Draft } from './guard.ts';
import { keyOf, type PoolOutcome, type TargetOutcome } from './outcome.ts';
import { budgetWindowSeconds } from './safety.ts';

/** Share of all managed GPUs that several shrinking pools may give back in one window. */
const budgetShare = 0.2;

interface Shrinking {
  readonly key: string;
  readonly pool: string;
  readonly gpus: number;
  readonly wanted: number;
}

/**
 * I8: when several pools shrink within 10 minutes, together they give back at most one replica a pool or 20 % of the managed GPUs, whichever is
 * more. Pools whose GPUs another one waits for (I12) go first, so that opposite wants are one move. Granted one replica at a time, round by round in
 * order of name. One pool alone is bounded by its `behavior`; an order of a person is not bounded here.
 */
export function withinBudget(
  outcomes: readonly PoolOutcome[],
  now: Instant,
  { budgets = [] }: Pick<FleetSeen, 'budgets'>,
): readonly PoolOutcome[] {
  const managed = outcomes.filter(({ recommendation }) => recommendation.mode !== 'Observe');
  if (managed.length < 2) return outcomes;
  const shrinking = managed.flatMap(shrinkingTargets);
  const spent = new Map(managed.map((outcome) => [outcome.recommendation.pool, spentGpus(outcome, now)]));
  const pools = [...spent.keys()].filter(
    (pool) => (spent.get(pool) ?? 0) > 0 || shrinking.some((one) => one.pool === pool),
  );
  if (pools.length < 2 || shrinking.length === 0) return outcomes;
  const total = [...spent.values()].reduce((sum, gpus) => sum + gpus, 0);
  const onePerPool = managed
    .filter(({ recommendation }) => pools.includes(recommendation.pool))
    .reduce(
      (sum, { recommendation }) => sum + Math.max(0, ...recommendation.targets.map((target) => target.gpusPerReplica)),
      0,
    );
  const limit = Math.max(
    onePerPool,
    budgetShare * (total + managed.reduce((sum, outcome) => sum + specGpus(outcome), 0)),
  );
  const awaited = awaitedOf(outcomes, budgets);
  const paired = shrinking.filter(({ pool }) => awaited.has(pool));
  const others = shrinking.filter(({ pool }) => !awaited.has(pool));
  const first = grant(paired, limit - total);
  const spentFirst = paired.reduce((sum, { key, gpus }) => sum + (first.get(key) ?? 0) * gpus, 0);
  const granted = new Map([...first, ...grant(others, limit - total - spentFirst)]);
  return outcomes.map((outcome) => ({
    ...outcome,
    targets: outcome.targets.map((target) => limited(target, granted.get(keyOf(outcome, target)), limit)),
  }));
}

/** Pools that share GPUs with one that lacks some. */
function awaitedOf(outcomes: readonly PoolOutcome[], budgets: readonly GpuBudget[]): ReadonlySet<PoolId> {
  const lacking = outcomes
    .filter(({ targets }) => targets.some(({ lacksGpus = 0 }) => lacksGpus > 0))
    .map(({ recommendation }) => recommendation.pool);
  return new Set(
    budgets.filter(({ pools }) => lacking.some((pool) => pools.includes(pool))).flatMap(({ pools }) => pools),
  );
}

/** Whole rounds at once while there is room for all, so that the work grows with the pools and not with their sizes; then one by one. */
function grant(shrinking: readonly Shrinking[], room: number): ReadonlyMap<string, number> {
  const granted = new Map(shrinking.map(({ key }) => [key, 0]));
  const missing = ({ key, wanted }: Shrinking): number => wanted - (granted.get(key) ?? 0);
  const give = (one: Shrinking, count: number): void => {
    granted.set(one.key, (granted.get(one.key) ?? 0) + count);
    left -= count * one.gpus;
  };
  let left = room;
  for (;;) {
    const open = shrinking.filter((one) => missing(one) > 0 && one.gpus <= left);
    if (open.length === 0) return granted;
    const round = open.reduce((sum, { gpus }) => sum + gpus, 0);
    const rounds = Math.min(...open.map(missing), round === 0 ? Infinity : Math.floor(left / round));
    for (const one of open) {
      if (rounds >= 1) give(one, rounds);
      else if (one.gpus <= left) give(one, 1);
    }
  }
}

function limited(target: TargetOutcome, granted: number | undefined, limit: number): TargetOutcome {
  const { spec, draft } = target;
  if (granted === undefined || spec === undefined || draft === undefined || spec - granted <= draft.replicas)
    return target;
  const replicas = spec - granted;
  const message = `Only to ${replicas}, not ${draft.replicas}: several pools shrink, together by at most ${Math.floor(limit)} GPUs in 600 s`;
  const because: Draft['because'] = [{ reason: 'RateLimited', message }, ...draft.because];
  return { ...target, draft: { replicas, because } };
}

function shrinkingTargets(outcome: PoolOutcome): readonly Shrinking[] {
  return outcome.targets.flatMap((target) => {
    const { spec, draft } = target;
    if (spec === undefined || draft === undefined || draft.replicas >= spec) return [];
    if (draft.because[0]?.reason === 'Overridden') return [];
    const gpus = target.recommendation.gpusPerReplica;
    return [{ key: keyOf(outcome, target), pool: outcome.recommendation.pool, gpus, wanted: spec - draft.replicas }];
  });
}

function spentGpus({ targets }: PoolOutcome, now: Instant): number {
  return targets
    .flatMap(({ safety, recommendation }) =>
      safety.specChanges
        .filter(({ at, from, to }) => at > now - budgetWindowSeconds * 1000 && to < from)
        .map(({ from, to }) => (from - to) * recommendation.gpusPerReplica),
    )
    .reduce((sum, gpus) => sum + gpus, 0);
}

function specGpus({ targets }: PoolOutcome): number {
  return targets.reduce((sum, { spec, recommendation }) => sum + (spec ?? 0) * recommendation.gpusPerReplica, 0);
}
