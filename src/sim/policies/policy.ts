import type { Action } from '../../core/model/decision.ts';
import type { FleetSeen, PoolSeen } from '../../core/model/pool.ts';
import type { PoolReport } from '../../core/model/report.ts';
import type { Instant } from '../../core/model/units.ts';

/** All that a policy may look at: scraped samples with their age and gaps, never the simulator's truth. */
export interface PolicyView {
  readonly now: Instant;
  readonly seen: PoolSeen;
  readonly fleet: FleetSeen;
}

export interface PolicyAnswer {
  /** New spec.replicas; absent: leave it. */
  readonly replicas?: number;
  /** Warmth actions (Assign, Unassign); Scale is expressed by `replicas`. */
  readonly actions: readonly Action[];
  /** One line: what bound the answer. */
  readonly because: string;
  readonly report?: PoolReport;
}

/** One autoscaler under test. State lives inside; one instance serves one run. */
export interface SimulatedPolicy {
  readonly name: string;
  /** How often it looks. */
  readonly tickSeconds: number;
  /** A fleet of a fixed size has it before the run begins; absent: the scenario's initial size. Within the scenario's bounds. */
  readonly initialReplicas?: number;
  /** Its readings carry the engines' latency histograms, which cost time to keep. */
  readonly readsHistograms?: boolean;
  decide(view: PolicyView): PolicyAnswer;
}

/** What every policy is told about the pool it scales. */
export interface PolicySetting {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly seed: number;
}
