import type { DemandBin } from './memory.ts';

/** One step of the past as a monitoring system remembers it: mean rates over the step that ends `at`. What was not counted has no bin. */
export interface PastBin extends DemandBin {
  /** Prompt tokens served from the prefix cache; `promptTokensPerSecond` has them not. Absent: none. */
  readonly cachedTokensPerSecond?: number;
}

export interface DemandPast {
  readonly stepSeconds: number;
  /** Oldest first. */
  readonly bins: readonly PastBin[];
}

/** Which past is wanted: steps that end `offsetSeconds` after a multiple of their length. */
export interface PastWanted {
  readonly stepSeconds: number;
  readonly offsetSeconds: number;
  readonly spanSeconds: number;
}
