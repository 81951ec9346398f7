import { count, duration } from './format.ts';

export interface LoadVerdict {
  readonly isInformative: boolean;
  /** One line for people; absent when the load can separate policies. */
  readonly message?: string;
}

export interface LoadNeed {
  /** The most replicas that the true arrivals of any window need inside the objectives. */
  readonly peakNeed: number;
  readonly minReplicas: number;
  /** The length of what was replayed. */
  readonly durationSeconds: number;
  /** The window of that length with the most work in the whole trace, where another part could have been replayed. */
  readonly busiest?: { readonly from: number; readonly to: number };
}

/** Whether any policy can do better than another: a load that never needs more than the floor ranks nobody (SIM-04). */
export function loadVerdict({ peakNeed, minReplicas, durationSeconds, busiest }: LoadNeed): LoadVerdict {
  if (peakNeed > minReplicas) return { isInformative: true };
  const better =
    busiest === undefined
      ? 'use a busier trace, a larger --rate-scale or a smaller --min-replicas'
      : `the busiest ${duration(durationSeconds)} is --slice ${count(busiest.from).replaceAll(',', '')}:${count(busiest.to).replaceAll(',', '')}`;
  return {
    isInformative: false,
    message: `The load never needs more than the floor (peak need ${peakNeed} of min ${minReplicas}), so the ranking is not informative: ${better}`,
  };
}
