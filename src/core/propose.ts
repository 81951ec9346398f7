import type { Recommendation } from './model/decision.ts';
import type { PoolMemory } from './model/memory.ts';
import type { PoolPolicy } from './model/policy.ts';
import type { FleetSeen, PoolSeen } from './model/pool.ts';
import type { PoolReport } from './model/report.ts';
import type { Instant } from './model/units.ts';

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

export declare function propose(input: ProposeInput): Proposed;
export declare function freshMemory(now: Instant): PoolMemory;
