import { changes, reasonText } from './decisions-section.ts';
import { downsample, type ForecastPoint, type PlotColumns, phases } from './downsample.ts';
import type { SimResult } from '../result.ts';

export interface PlotDecision {
  readonly t: number;
  readonly from: number;
  readonly to: number;
  readonly because: string;
}

export interface PolicyPlots extends PlotColumns {
  readonly policy: string;
  readonly durationSeconds: number;
  readonly decisions: readonly PlotDecision[];
}

/** What the page's script draws. */
export interface PlotData {
  readonly phases: readonly string[];
  readonly ttftObjective: number | null;
  readonly itlObjective: number | null;
  readonly policies: readonly PolicyPlots[];
}

/** A run and what its policy expected at each look; no forecasts: it makes none. */
export interface PlottedRun {
  readonly result: SimResult;
  readonly forecasts: readonly ForecastPoint[];
}

/** A day at 30 s; beyond that no screen shows more. */
const mostPoints = 3000;
/** Points of all policies together, so that the page stays below 3 MB. */
const pagePoints = 24_000;

export function plotData(
  runs: readonly PlottedRun[],
  objectives: { readonly ttftSeconds?: number; readonly itlSeconds?: number },
): PlotData {
  const points = Math.max(200, Math.min(mostPoints, Math.floor(pagePoints / Math.max(1, runs.length))));
  return {
    phases,
    ttftObjective: objectives.ttftSeconds ?? null,
    itlObjective: objectives.itlSeconds ?? null,
    policies: runs.map(({ result, forecasts }) => ({
      policy: result.policy,
      durationSeconds: result.durationSeconds,
      ...downsample(result.timeline, forecasts, points),
      decisions: changes(result.decisions).map((change) => ({
        t: change.t,
        from: change.from,
        to: change.to,
        because: reasonText(change),
      })),
    })),
  };
}
