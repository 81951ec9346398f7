import { capacityFromProfile } from '../../core/capacity/from-profile.ts';
import type { EngineProfile } from '../../core/model/profile.ts';
import { limitsOf } from '../limits.ts';
import type { RequestObjectives } from '../scenario.ts';
import type { Workload } from '../workload/workload.ts';

/** Length of the windows whose true arrivals are sized. */
const windowSeconds = 60;
/** A replica that must take bursts inside a minute is full at this share of what it can do. */
const fullShare = 0.8;

/** The most replicas that any minute of the true arrivals needs inside the objectives, at the trace's mean lengths; at least 1. */
export function peakNeed(workload: Workload, profile: EngineProfile, objectives: RequestObjectives): number {
  const requests = workload.arrivalMs.length;
  if (requests === 0) return 1;
  const { requestsPerSecond } = capacityFromProfile(
    profile,
    {
      uncachedPrompt: total(workload.promptTokens) / requests,
      cachedPrompt: 0,
      output: total(workload.outputTokens) / requests,
      isPrior: false,
    },
    limitsOf({ profile, objectives }),
  );
  const window = busiestWindow(workload, Math.min(windowSeconds, Math.max(1, workload.durationSeconds)));
  return Math.max(1, Math.ceil(window.requests / (window.to - window.from) / (requestsPerSecond * fullShare)));
}

export interface BusyWindow {
  /** Seconds since the start. */
  readonly from: number;
  readonly to: number;
  readonly requests: number;
}

/** The window of that length, beginning at an arrival, with the most arrivals; the first of equals. */
export function busiestWindow({ arrivalMs, durationSeconds }: Workload, seconds: number): BusyWindow {
  let best = { at: 0, requests: 0 };
  let first = 0;
  for (let last = 0; last < arrivalMs.length; last++) {
    const newest = arrivalMs[last] ?? 0;
    while ((arrivalMs[first] ?? 0) < newest - seconds * 1000) first++;
    if (last - first + 1 > best.requests) best = { at: (arrivalMs[first] ?? 0) / 1000, requests: last - first + 1 };
  }
  const from = Math.max(0, Math.min(Math.floor(best.at), Math.floor(durationSeconds - seconds)));
  return { from, to: from + seconds, requests: best.requests };
}

function total(values: Int32Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
