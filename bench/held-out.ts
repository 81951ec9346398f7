import type { EngineProfile } from '../src/core/model/profile.ts';
import { errorsOf, type FigureError } from '../src/sim/calibration/fit.ts';
import type { LatencyName, MeasuredRun } from '../src/sim/calibration/measured-run.ts';
import type { Measurement } from './bench.ts';
import type { Limit } from './limits.ts';

/** A row: the mean size of the errors of one figure over runs that a profile was not fitted to. */
export interface HeldOutRow {
  readonly figure: LatencyName;
  readonly metric: string;
  readonly limit?: Limit;
}

export function heldOut(
  name: string,
  profile: EngineProfile,
  runs: readonly MeasuredRun[],
  rows: readonly HeldOutRow[],
): readonly Measurement[] {
  const errors = runs.flatMap((run) => errorsOf(profile, run));
  return scored(name, errors, rows);
}

/** The same of errors that several profiles made. */
export function scored(
  name: string,
  errors: readonly FigureError[],
  rows: readonly HeldOutRow[],
): readonly Measurement[] {
  return rows.map(({ figure, metric, limit }) => {
    const own = errors.filter((one) => one.figure === figure);
    const value = own.reduce((sum, { error }) => sum + Math.abs(error), 0) / own.length;
    const bar = limit === undefined ? {} : { limit };
    return { case: name, metric, value: value * 100, unit: '%', note: worstOf(own), ...bar };
  });
}

function worstOf(errors: readonly FigureError[]): string {
  const [worst] = errors.toSorted((a, b) => Math.abs(b.error) - Math.abs(a.error));
  const signed = errors.reduce((sum, { error }) => sum + error, 0) / errors.length;
  const bias = `${errors.length} runs, mean ${percent(signed)}`;
  if (worst === undefined) return bias;
  const { run, error, simulated, measured } = worst;
  return `${bias}; worst ${run}: ${percent(error)} (${simulated.toFixed(1)} ms, measured ${measured.toFixed(1)} ms)`;
}

export function constantsNote({ alpha, w, beta, gamma, delta, gq, tau0 }: EngineProfile): string {
  return `fit: ${Object.entries({ alpha, w, beta, gamma, delta, gq, tau0 })
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}`;
}

function percent(share: number): string {
  return `${share < 0 ? '' : '+'}${(share * 100).toFixed(1)} %`;
}

/** Rows of a data set that nobody put beside the repository. */
export function absentRows(name: string, data: string, rows: readonly HeldOutRow[]): readonly Measurement[] {
  const note = `the data ${data} is not beside the repository`;
  return rows.map(({ metric }) => ({ case: name, metric, value: null, unit: '%', note }));
}
