import type { EngineProfile } from '../../core/model/profile.ts';
import { type Constant, errorsOf, fitRuns } from './fit.ts';
import type { History, HistoryRow } from './history.ts';
import { fitHistory, itlOf, ttftOf } from './history-fit.ts';
import { type LatencyName, latenciesOf, latencyNames, type MeasuredRun, type SentRequest } from './measured-run.ts';

/** Above this error on what was held out, in percent, a profile is not called calibrated. */
export const calibratedWithin = 10;

export interface CalibrationOptions {
  readonly base: EngineProfile;
  readonly free: readonly Constant[];
  readonly onLook?: (looks: number, cost: number) => void;
}

/** Of one figure over all that was held out, percent. */
export interface HeldOutError {
  readonly figure: LatencyName;
  readonly meanError: number;
  readonly worstError: number;
  readonly worstAt: string;
  readonly points: number;
}

export interface Calibration {
  /** `isValidated` says whether it is calibrated; `validity` what it was fitted to and how far off it was. */
  readonly profile: EngineProfile;
  readonly isCalibrated: boolean;
  readonly errors: readonly HeldOutError[];
  /** The largest mean error, percent; NaN where nothing could be compared. */
  readonly error: number;
  readonly fitted: string;
  readonly heldOut: string;
  readonly looks: number;
}

/** Fits every other run and predicts the rest; of a single run whose requests were timed, the first half and the second. Undefined: too little. */
export function calibrateRuns(runs: readonly MeasuredRun[], options: CalibrationOptions): Calibration | undefined {
  const [known, unknown] = halvesOf(runs);
  if (known.length === 0 || unknown.length === 0) return undefined;
  const { profile, looks } = fitRuns(known, options);
  const found = unknown.flatMap((run) => errorsOf(profile, run));
  const errors = latencyNames.flatMap((figure): readonly HeldOutError[] => {
    const own = found.filter((one) => one.figure === figure).map(({ run, error }) => ({ at: run, error }));
    return own.length === 0 ? [] : [{ figure, ...summary(own) }];
  });
  return concluded({ profile, looks, errors, fitted: named(known), heldOut: named(unknown) }, spanOf(runs));
}

/** Fits the earlier three quarters of the rows and predicts the last one. Undefined: too little. */
export function calibrateHistory(history: History, options: CalibrationOptions): Calibration | undefined {
  const { rows, kvCapacityTokens = options.base.kvCapacityTokens, blockTokens = options.base.blockTokens } = history;
  const cut = Math.floor(rows.length * 0.75);
  const [known, unknown] = [rows.slice(0, cut), rows.slice(cut)];
  if (known.length < 3) return undefined;
  const base = { ...options.base, kvCapacityTokens, blockTokens };
  const { profile, looks, isSpread } = fitHistory(known, { ...options, base });
  const errors = historyErrors(profile, unknown);
  const how = isSpread ? '' : ', too even to tell the constants apart: the base profile scaled as a whole';
  const fitted = `the first ${known.length} of ${rows.length} rows of metrics history${how}`;
  return concluded({ profile, looks, errors, fitted, heldOut: `the last ${unknown.length} rows` }, rowSpan(rows));
}

function historyErrors(profile: EngineProfile, rows: readonly HistoryRow[]): readonly HeldOutError[] {
  const itl = rows.map((row) => ({ at: `${row.fromS}`, error: itlOf(profile, row) / row.itl - 1 }));
  const ttft = rows.flatMap((row) => {
    const predicted = ttftOf(profile, row);
    return predicted === undefined ? [] : [{ at: `${row.fromS}`, error: predicted / (row.ttftMean ?? 0) - 1 }];
  });
  const firstTokens: readonly HeldOutError[] = ttft.length === 0 ? [] : [{ figure: 'ttftMean', ...summary(ttft) }];
  return [...firstTokens, { figure: 'itlMean', ...summary(itl) }];
}

function halvesOf(runs: readonly MeasuredRun[]): readonly [readonly MeasuredRun[], readonly MeasuredRun[]] {
  const [only] = runs;
  if (runs.length !== 1 || only === undefined) {
    return [runs.filter((_, i) => i % 2 === 0), runs.filter((_, i) => i % 2 === 1)];
  }
  const { timed } = only;
  if (timed === undefined || timed.length < 20) return [[], []];
  const middle = Math.floor(timed.length / 2);
  const part = (name: string, from: number, to: number): MeasuredRun => ({
    ...only,
    name: `${only.name}, ${name}`,
    scored: { from, to },
    measured: latenciesOf(timed.slice(from, to)),
  });
  return [[part('first half', 0, middle)], [part('second half', middle, timed.length)]];
}

function summary(found: readonly { readonly at: string; readonly error: number }[]): Omit<HeldOutError, 'figure'> {
  const [worst] = found.toSorted((a, b) => Math.abs(b.error) - Math.abs(a.error));
  return {
    meanError: (found.reduce((sum, { error }) => sum + Math.abs(error), 0) / found.length) * 100,
    worstError: (worst?.error ?? Number.NaN) * 100,
    worstAt: worst?.at ?? '',
    points: found.length,
  };
}

function concluded(
  found: Pick<Calibration, 'profile' | 'looks' | 'errors' | 'fitted' | 'heldOut'>,
  span: string,
): Calibration {
  const error = found.errors.length === 0 ? Number.NaN : Math.max(...found.errors.map(({ meanError }) => meanError));
  const isCalibrated = error <= calibratedWithin;
  const shown = found.errors.map(({ figure, meanError }) => `${figure} ${meanError.toFixed(1)} %`).join(', ');
  const verdict = isCalibrated ? 'Calibrated' : `Estimate, held-out error above ${calibratedWithin} %`;
  const validity = `${verdict}: fitted to ${found.fitted}; held-out errors on ${found.heldOut}: ${shown}. Valid for ${span}.`;
  // How far an estimate may be off that the fit began with says nothing about what was measured.
  const { iterationError: _, ...constants } = found.profile;
  return { ...found, profile: { ...constants, validity, isValidated: isCalibrated }, isCalibrated, error };
}

function named(runs: readonly MeasuredRun[]): string {
  const names = runs.map(({ name }) => name);
  const shown = names.length <= 4 ? names : [...names.slice(0, 3), `${names.length - 3} more`];
  return `${runs.length} runs (${shown.join('; ')})`;
}

function spanOf(runs: readonly MeasuredRun[]): string {
  const requests = runs.flatMap(({ loads }) => loads).flatMap((load) => load.requests);
  const span = (of: (one: SentRequest) => number): string => {
    const ordered = requests.map(of).toSorted((a, b) => a - b);
    return `${ordered[0]} to ${ordered.at(-1)}`;
  };
  return `prompts of ${span(({ promptTokens }) => promptTokens)} and answers of ${span(({ outputTokens }) => outputTokens)} tokens`;
}

function rowSpan(rows: readonly HistoryRow[]): string {
  const span = (of: (row: HistoryRow) => number, digits: number): string =>
    `${Math.min(...rows.map(of)).toFixed(digits)} to ${Math.max(...rows.map(of)).toFixed(digits)}`;
  return `${span(({ running }) => running, 0)} running requests and KV use of ${span(({ kvUse }) => kvUse, 2)}`;
}
