import type { Recommendation } from './model/decision.ts';
import type { FleetMemory } from './model/memory.ts';
import type { FleetSeen } from './model/pool.ts';
import type { PoolReport } from './model/report.ts';
import type { Instant } from './model/units.ts';
import type { TickOutput } from './tick.ts';

export interface SettleInput {
  readonly memory: FleetMemory;
  readonly recommendations: readonly Recommendation[];
  readonly fleet: FleetSeen;
  readonly now: Instant;
  /** Reports of `propose`, completed here with what was decided and why. */
  readonly reports: readonly PoolReport[];
}

export declare function settle(input: SettleInput): TickOutput;
