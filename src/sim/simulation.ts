import type { PolicyAnswer, PolicyView, SimulatedPolicy } from './policies/policy.ts';
import type { SimResult } from './result.ts';
import type { ScenarioOptions } from './scenario.ts';

/** The policy under test as the simulation needs to know it. */
export interface PolicyCadence {
  readonly name: string;
  readonly tickSeconds: number;
}

/** Where a run stands, for progress bars and live tables; never shown to policies. */
export interface SimProgress {
  readonly seconds: number;
  readonly durationSeconds: number;
  readonly arrivals: number;
  readonly completed: number;
  readonly shed: number;
  readonly lost: number;
}

export interface SimTick {
  readonly view: PolicyView;
  readonly progress: SimProgress;
}

/** Yields at each tick of the policy and takes its answer; returns the result when the trace has ended and the fleet is drained. */
export declare function simulate(
  options: ScenarioOptions,
  policy: PolicyCadence,
): Generator<SimTick, SimResult, PolicyAnswer>;

/** Runs a policy that answers at once. */
export declare function runSimulation(options: ScenarioOptions, policy: SimulatedPolicy): SimResult;
