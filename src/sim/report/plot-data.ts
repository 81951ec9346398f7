import { changes } from './decisions-section.ts';
import { downsample, type PlotColumns, phases } from './downsample.ts';
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

export function plotData(
  results: readonly SimResult[],
  objectives: { readonly ttftSeconds?: number; readonly itlSeconds?: number },
): PlotData {
  return {
    phases,
    ttftObjective: objectives.ttftSeconds ?? null,
    itlObjective: objectives.itlSeconds ?? null,
    policies: results.map((result) => ({
      policy: result.policy,
      durationSeconds: result.durationSeconds,
      ...downsample(result.timeline, result.decisions),
      decisions: changes(result.decisions).map(({ t, from, to, because }) => ({ t, from, to, because })),
    })),
  };
}
