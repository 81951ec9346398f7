import type { EngineProfile } from '../../core/model/profile.ts';
import { type LatencyName, latencyNames, type MeasuredRun } from './measured-run.ts';
import { playBack } from './playback.ts';
import { minimise } from './simplex.ts';

/** The constants of a profile that a fit may change. */
export type Constant = 'alpha' | 'w' | 'beta' | 'gamma' | 'delta' | 'kappa' | 'gq' | 'tau0';

/** Where a constant starts that the base profile has at zero, and what none passes. */
const scale: Readonly<Record<Constant, { readonly start: number; readonly most: number }>> = {
  alpha: { start: 2, most: 1000 },
  w: { start: 5, most: 1000 },
  beta: { start: 0.03, most: 100 },
  gamma: { start: 5e-5, most: 1 },
  delta: { start: 0.02, most: 100 },
  kappa: { start: 0.3, most: 1000 },
  gq: { start: 1e-6, most: 0.01 },
  tau0: { start: 8, most: 10_000 },
};

export interface FitOptions {
  /** Constants and engine settings where the fit begins; what is not free stays. */
  readonly base: EngineProfile;
  readonly free: readonly Constant[];
  readonly maxLooks?: number;
  readonly onLook?: (looks: number, cost: number) => void;
}

export interface Fit {
  readonly profile: EngineProfile;
  readonly looks: number;
  readonly cost: number;
}

/** Fits the free constants to the runs: least Huber loss of the errors' logarithms, searched by a simplex over the constants' logarithms. */
export function fitRuns(runs: readonly MeasuredRun[], options: FitOptions): Fit {
  return fitConstants((profile) => lossOf(runs.flatMap((run) => errorsOf(profile, run))), options);
}

/** The same search for any cost. */
export function fitConstants(costOf: (profile: EngineProfile) => number, options: FitOptions): Fit {
  const { base, free, maxLooks = 250, onLook } = options;
  let looks = 0;
  const cost = (at: readonly number[]): number => {
    const found = costOf(profileAt(base, free, at));
    looks++;
    onLook?.(looks, found);
    return found;
  };
  const start = free.map((name) => Math.log(base[name] > 0 ? base[name] : startOf(name, base)));
  const first = minimise(cost, scaledBest(cost, start, free), {
    step: 0.4,
    maxLooks: Math.ceil(maxLooks * 0.65),
    tolerance: 0.002,
  });
  const second = minimise(cost, first.at, { step: -0.15, maxLooks: maxLooks - first.looks, tolerance: 0.002 });
  const best = second.cost <= first.cost ? second : first;
  return { profile: profileAt(base, free, best.at), looks, cost: best.cost };
}

/** Another engine may be as a whole many times as fast as the base: a simplex finds no way there from afar. */
function scaledBest(
  costOf: (at: readonly number[]) => number,
  start: readonly number[],
  free: readonly Constant[],
): readonly number[] {
  const candidates = [0.25, 0.5, 1, 2, 4, 8, 16, 32].map((factor) =>
    start.map((value, i) => (free[i] === 'tau0' ? value : value + Math.log(factor))),
  );
  const costs = candidates.map(costOf);
  return candidates[costs.indexOf(Math.min(...costs))] ?? start;
}

/** Where a constant starts that the base has at zero. */
function startOf(name: Constant, base: EngineProfile): number {
  return name === 'gq' && base.beta > 0 ? base.beta * 2e-4 : scale[name].start;
}

function profileAt(base: EngineProfile, free: readonly Constant[], at: readonly number[]): EngineProfile {
  const constants = free.map((name, i) => [name, rounded(Math.min(scale[name].most, Math.exp(at[i] ?? 0)))]);
  return { ...base, ...Object.fromEntries(constants) };
}

/** Five digits: more would claim what no fit knows. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

/** Simulated over measured, less 1, of one figure of one run. */
export interface FigureError {
  readonly run: string;
  readonly figure: LatencyName;
  readonly measured: number;
  /** NaN: nothing was answered. */
  readonly simulated: number;
  readonly error: number;
}

export function errorsOf(profile: EngineProfile, run: MeasuredRun): readonly FigureError[] {
  const simulated = playBack(profile, run);
  return latencyNames.flatMap((figure): readonly FigureError[] => {
    const measured = run.measured[figure];
    if (measured === undefined) return [];
    const value = simulated[figure] ?? Number.NaN;
    return [{ run: run.name, figure, measured, simulated: value, error: value / measured - 1 }];
  });
}

/** TTFT is the noisiest figure of every load generator and counts for half. */
const weightOf: Readonly<Record<LatencyName, number>> = {
  ttftMean: 0.5,
  ttftP50: 0.5,
  tpotMean: 1,
  itlMean: 1,
  e2eMean: 1,
};

function lossOf(errors: readonly FigureError[]): number {
  const total = errors.reduce((sum, { figure, error }) => sum + weightOf[figure] * huber(Math.log1p(error)), 0);
  return total / errors.length;
}

/** Beyond 10 % an error counts by its size, not by its square. */
export function huber(error: number): number {
  const size = Math.abs(error);
  if (Number.isNaN(size)) return 1;
  return size <= 0.1 ? size * size : 0.2 * size - 0.01;
}
