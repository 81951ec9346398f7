import type { Fault } from './simulated-fault.ts';
import type { Lifecycle } from './simulated-lifecycle.ts';

/** Prompts are computed by replicas of their own and decoded by those that the policy sizes. No real engine was measured so: results are not validated. */
export interface Disaggregation {
  /** Always there and Ready, and paid for throughout. */
  readonly prefillReplicas: number;
  /** 2 x layers x KV heads x head size x bytes of a number: what a token of context is to the link. */
  readonly kvBytesPerToken: number;
  /** Of each prefill replica, 1e9 bytes a second; its transfers go one after the other. */
  readonly linkGbPerSecond: number;
  /** From the last byte sent to the decoder's being able to use it. Absent: 0. */
  readonly linkMilliseconds?: number;
}

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
  readonly disaggregation?: Disaggregation;
  readonly lifecycle?: Lifecycle;
  readonly faults?: readonly Fault[];
}
