import type { Limits } from '../core/capacity/from-profile.ts';
import { milliseconds } from '../core/model/units.ts';
import type { Scenario } from './scenario.ts';

/** Inside which a replica is taken to serve when the true load is sized: the scenario's objectives at the p95, and what its engine holds. */
export function limitsOf({ profile, objectives }: Pick<Scenario, 'profile' | 'objectives'>): Limits {
  return {
    objectives: {
      timeToFirstToken: { percentile: 95, milliseconds: milliseconds(objectives.ttftMs) },
      interTokenLatency: { percentile: 95, milliseconds: milliseconds(objectives.itlMs) },
      attainmentPercent: 99,
    },
    kvTokens: profile.kvCapacityTokens,
    maxSequences: profile.maxNumSeqs,
  };
}
