import { tokenCosts } from './capacity/token-costs.ts';
import { lengthsOf } from './signals/mix.ts';
import { sizePool, type PoolSizingInput } from './decision/pool-sizing.ts';
import { reportOf } from './explain/report.ts';
import { levelOnly, outlookOf } from './forecast/outlook.ts';
import { longBound } from './forecast/long.ts';
import { seriesOf, workOf } from './forecast/series.ts';
import { freshLearned, learn, unlearned, withBin } from './learning.ts';
import type { Recommendation } from './model/decision.ts';
import type { PoolMemory } from './model/memory.ts';
import { lacks, type PoolPolicy } from './model/policy.ts';
import type { FleetSeen, PoolSeen } from './model/pool.ts';
import type { PoolReport } from './model/report.ts';
import type { Instant } from './model/units.ts';
import { recommendationOf } from './decision/recommendation.ts';
import { stepDemand } from './signals/demand.ts';
import { evidenceOf } from './signals/evidence.ts';
import { observe } from './signals/observe.ts';

export interface ProposeInput {
  readonly memory: PoolMemory;
  readonly seen: PoolSeen;
  /** Read only: what the nodes hold decides the lead time of the next replicas. */
  readonly fleet: FleetSeen;
  readonly policy: PoolPolicy;
  readonly now: Instant;
}
export interface Proposed {
  readonly memory: PoolMemory;
  readonly recommendation: Recommendation;
  readonly report: PoolReport;
}

/**
 * One pool on one screen: observe, forecast, size, explain, learn. What is decided now rests on what was learned before now, so that more load
 * never wants fewer replicas (I9).
 */
export function propose({ memory, seen, fleet, policy, now }: ProposeInput): Proposed {
  const watchedSince = memory.safety.since;
  const observation = observe(seen, { baselines: memory.learned.baselines, watchedSince, now });
  const evidence = evidenceOf(observation);
  const step = stepDemand(seen, observation, { learned: memory.learned, watchedSince, now });
  const learned = withBin(memory.learned, step, now);
  const mean = lengthsOf(learned.mix);
  const costs = tokenCosts(policy.targets[0]?.profile, mean);
  const { tunables } = policy;
  const foreseen = outlookOf(seriesOf(learned.demand, mean, costs, now), (horizonSeconds, quantile) =>
    longBound(memory.learned.long, {
      horizonSeconds,
      quantile,
      pool: seen.pool,
      workOfRequest: workOf(mean, costs),
      now,
    }),
  );
  const outlook = lacks(tunables, 'Forecast') ? levelOnly(foreseen) : foreseen;
  const lengths = lengthsOf(learned.mix, observation.signals.running.sum);
  const believed = lacks(tunables, 'Learning') ? unlearned(learned, now) : learned;
  const sizing: PoolSizingInput = {
    seen,
    fleet,
    policy,
    learned: believed,
    lengths,
    observation,
    evidence,
    outlook,
    now,
  };
  const sized = sizePool(sizing);
  return {
    memory: {
      safety: memory.safety,
      learned: learn({ memory, learned, seen, policy, observation, step, outlook, sized, now }),
    },
    recommendation: recommendationOf({ seen, policy, observation, evidence, sized, now }),
    report: reportOf({ ...sizing, sized }),
  };
}

export function freshMemory(now: Instant): PoolMemory {
  return { safety: { since: now, targets: {} }, learned: freshLearned(now) };
}
