import { changes, decisionTitle, leftOutText, mostRows, reasonText } from './decisions-section.ts';
import { downsample, type ForecastPoint, type PlotColumns, phases } from './downsample.ts';
import { figuresOf } from './figures.ts';
import type { ShownRuns } from './shown-runs.ts';
import type { SimResult } from '../result.ts';

/** Columns: at these times the size went from one to the other. */
export interface PlotDecisions {
  readonly t: readonly number[];
  readonly from: readonly number[];
  readonly to: readonly number[];
  /** Of the first so many: the page has no room for more. */
  readonly because: readonly string[];
}

export interface RunPlots extends PlotColumns {
  readonly durationSeconds: number;
  /** What is said above the plots, and on the lid of the decisions. */
  readonly figures: string;
  readonly title: string;
  /** Under the decisions where reasons are left out; else nothing. */
  readonly rest: string;
  readonly decisions: PlotDecisions;
}

export interface PolicyPlots {
  readonly policy: string;
  /** One a variation; null: not finished. */
  readonly runs: readonly (RunPlots | null)[];
}

/** What the page's script draws. */
export interface PlotData {
  readonly phases: readonly string[];
  readonly ttftObjective: number | null;
  readonly itlObjective: number | null;
  readonly policies: readonly PolicyPlots[];
}

/** What a run's policy expected at each look; nothing: it makes no forecasts. */
export type ForecastsOf = (result: SimResult) => readonly ForecastPoint[];

/** A day at 30 s; beyond that no screen shows more. */
const mostPoints = 3000;
/** Points, and reasons, of all runs together, so that the page stays below 8 MB. */
const pagePoints = 24_000;
const pageReasons = 12_000;

export function plotData(
  { policies }: ShownRuns,
  objectives: { readonly ttftSeconds?: number; readonly itlSeconds?: number },
  forecastsOf: ForecastsOf,
): PlotData {
  const count = Math.max(1, policies.flatMap(({ runs }) => runs).length);
  const points = Math.max(120, Math.min(mostPoints, Math.floor(pagePoints / count)));
  const reasons = Math.max(20, Math.min(mostRows, Math.floor(pageReasons / count)));
  return {
    phases,
    ttftObjective: objectives.ttftSeconds ?? null,
    itlObjective: objectives.itlSeconds ?? null,
    policies: policies.map(({ policy, runs }) => ({
      policy,
      runs: runs.map((run) => (run === undefined ? null : runPlots(run, forecastsOf(run), { points, reasons }))),
    })),
  };
}

function runPlots(
  result: SimResult,
  forecasts: readonly ForecastPoint[],
  room: { readonly points: number; readonly reasons: number },
): RunPlots {
  const all = changes(result.decisions);
  return {
    durationSeconds: result.durationSeconds,
    figures: figuresOf(result),
    title: decisionTitle(result),
    rest: leftOutText(result, room.reasons),
    ...downsample(result.timeline, forecasts, room.points),
    decisions: {
      t: all.map(({ t }) => t),
      from: all.map(({ from }) => from),
      to: all.map(({ to }) => to),
      because: all.slice(0, room.reasons).map(reasonText),
    },
  };
}
