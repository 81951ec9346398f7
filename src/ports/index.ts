import type { Action } from '../core/model/decision.ts';
import type { FleetMemory } from '../core/model/memory.ts';
import type { Instant } from '../core/model/units.ts';
import type { TickInput, TickOutput } from '../core/tick.ts';

/** Time. `monotonic` is milliseconds of a clock that never goes back; `sleep` rejects with the signal's reason. */
export interface Clock {
  now(): Instant;
  monotonic(): number;
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Looks at pools and fleet: what the controller sees of a cluster, what the simulator lets a controller see. */
export interface Sensors {
  observe(signal: AbortSignal): Promise<TickInput>;
}

/** Performs one action; its outcome is learnt from the next observation. Throws an error of the catalogue. */
export interface Actuators {
  perform(action: Action, signal: AbortSignal): Promise<void>;
}

/** Keeps memory: safety before the actions it led to, learned memory now and then. */
export interface MemoryStore {
  load(signal: AbortSignal): Promise<FleetMemory>;
  /** After the decision and before its actions. */
  save(output: TickOutput, input: TickInput, signal: AbortSignal): Promise<void>;
}

/** Tells the world: status, conditions, events, metrics, the metrics API's table. Called after the actions. */
export interface Publisher {
  publish(output: TickOutput, input: TickInput, signal: AbortSignal): Promise<void>;
}

/** Writes one line per pass to the decision log that `forewarm replay` reads. */
export interface Recorder {
  record(input: TickInput, output: TickOutput, before: FleetMemory): Promise<void>;
}

export type { PoolInput, TickInput, TickOutput } from '../core/tick.ts';
