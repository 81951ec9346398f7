import { firstTable, levelRates, tableAhead, updateTable, type Pair, type Table } from './holt-winters.ts';
import { leastOf } from './levels.ts';
import type { Past } from '../past.ts';
import { addTo, emptyMean, valueOf, type RecentMean } from '../recent-mean.ts';
import type { Setup } from '../setup.ts';

/** Holt-Winters over a day: one season, and for each horizon the rate of the level that errs least. */
export interface Daily {
  readonly table: Table;
  /** Per horizon, the recent error of each rate, and which is used. */
  readonly rateErrors: readonly (readonly RecentMean[])[];
  readonly rates: number[];
}

const usualPair: Pair = { a: 0.1, g: 0.3 };

/** A pinned pair has no other rate. */
export function beginDaily(past: Past, setup: Setup, pinned: Pair | undefined): Daily {
  const pair = pinned ?? usualPair;
  const table = firstTable(past, setup, pair, pinned === undefined ? levelRates : [pinned.a]);
  return {
    table,
    rateErrors: setup.horizons.map(() => table.rates.map(() => emptyMean(false))),
    rates: setup.horizons.map(() => table.rates.indexOf(pair.a)),
  };
}

export function updateDaily({ table }: Daily, index: number, y: number): void {
  updateTable(table, index, y);
}

/** What each rate says of a bin ahead. */
export function dailyAhead({ table }: Daily, target: number): readonly number[] {
  return table.rates.map((_, rate) => tableAhead(table, rate, target));
}

/** The forecast in use for the horizon. */
export function dailyPoint({ rates }: Daily, i: number, said: readonly number[]): number {
  return said[rates[i] ?? 0] ?? Number.NaN;
}

export function judgeDaily(
  { rateErrors, rates }: Daily,
  setup: Setup,
  { i, said, y }: { readonly i: number; readonly said: readonly number[]; readonly y: number },
): void {
  const means = rateErrors[i] ?? [];
  means.forEach((mean, rate) => addTo(mean, Math.abs(y - (said[rate] ?? Number.NaN)), 24 * setup.hour));
  const isEnough = means.length > 1 && (means[0]?.count ?? 0) >= setup.hour;
  if (isEnough) rates[i] = leastOf(means.map(valueOf), 0, means.length);
}
