import type { DemandPast, PastWanted } from '../core/model/history.ts';
import type { Instant } from '../core/model/units.ts';

/** Whose past is asked for. Its replicas of last week have other names than those of today. */
export interface PastReplicas {
  readonly namespace: string;
  /** RE2 patterns, each for the whole name of a pod that is or was a replica. */
  readonly podPatterns: readonly string[];
  /** `Auto`, or the engine's name in the engine table. */
  readonly engine: string;
}

export interface PastReading {
  /** What could be read: nothing, a part (the newest), or all. */
  readonly past: DemandPast;
  /** Why something is missing, for the log: one sentence. */
  readonly problem?: string;
}

/** Reads what engines counted before this process looked. Rejects with the signal's reason only; has its own deadline. */
export interface HistoryReader {
  readPast(replicas: PastReplicas, wanted: PastWanted, now: Instant, signal: AbortSignal): Promise<PastReading>;
}
