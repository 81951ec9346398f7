import type { Fault } from './simulated-fault.ts';
import type { Lifecycle } from './simulated-lifecycle.ts';

/** What a scenario file may set of a simulation: names and units are those of the simulator's scenario, and what is absent keeps its default. */
export interface ScenarioSettings {
  readonly coldStartSeconds?: number;
  readonly startSpread?: number;
  readonly nodes?: number;
  readonly gpusPerNode?: number;
  readonly nodeDiskBytes?: number;
  readonly scrapeIntervalSeconds?: number;
  readonly scrapeLagSeconds?: number;
  readonly scrapeGapShare?: number;
  readonly gatewayHolds?: 'NoneReady' | 'AllFull';
  readonly gatewayTimeoutSeconds?: number;
  readonly gatewayQueueLimit?: number;
  readonly gracePeriodSeconds?: number;
  readonly assignBringsImage?: boolean;
  readonly lifecycle?: Lifecycle;
  readonly faults?: readonly Fault[];
}
