import { firstTable, levelRates, pairs, tableAhead, updateTable, type Pair, type Table } from './holt-winters.ts';
import { leastOf } from './levels.ts';
import type { Past } from '../past.ts';
import { addTo, emptyMean, valueOf, type RecentMean } from '../recent-mean.ts';
import type { Setup } from '../setup.ts';

/** Holt-Winters: the table in use and a challenger, tried a day at a time; the rate of the level is chosen for each horizon. */
export interface Daily {
  readonly tables: Table[];
  /** Per horizon, error of each rate of the table in use, and which is used. */
  readonly rateErrors: readonly (readonly RecentMean[])[];
  readonly rates: number[];
  /** Error of both tables since the day began. */
  readonly errors: [number, number];
  /** Better days of the challenger, in a row, and how many were tried against this incumbent. */
  wins: number;
  tried: number;
}

const firstPair: Pair = { a: 0.1, g: 0.3 };
const winsNeeded = 2;

/** A pinned pair has no challenger and no other rate. */
export function beginDaily(past: Past, setup: Setup, pinned: Pair | undefined): Daily {
  const pair = pinned ?? firstPair;
  const table = firstTable(past, setup, pair, pinned === undefined ? levelRates : [pinned.a]);
  const tables = pinned === undefined ? [table, challengerOf(table, 0)] : [table];
  return {
    tables,
    rateErrors: setup.horizons.map(() => table.rates.map(() => emptyMean(false))),
    rates: setup.horizons.map(() => table.rates.indexOf(pair.a)),
    errors: [0, 0],
    wins: 0,
    tried: 0,
  };
}

export function updateDaily(daily: Daily, index: number, y: number): void {
  for (const table of daily.tables) updateTable(table, index, y);
  const [table] = daily.tables;
  if (table !== undefined && index % table.season.length === 0) endDay(daily);
}

/** What each rate of the table in use says, and the challenger at the rate in use. */
export interface DailySaid {
  readonly rates: readonly number[];
  readonly challenger?: number;
}

export function dailyAhead({ tables, rates }: Daily, i: number, target: number): DailySaid {
  const [own, other] = tables;
  const rate = rates[i] ?? 0;
  return {
    rates: own === undefined ? [] : own.rates.map((_, each) => tableAhead(own, each, target)),
    ...(other === undefined ? {} : { challenger: tableAhead(other, rate, target) }),
  };
}

/** The forecast in use for the horizon. */
export function dailyPoint({ rates }: Daily, i: number, said: DailySaid): number {
  return said.rates[rates[i] ?? 0] ?? Number.NaN;
}

export function judgeDaily(daily: Daily, setup: Setup, of: JudgedDaily): void {
  const { i, said, y } = of;
  const means = daily.rateErrors[i] ?? [];
  means.forEach((mean, rate) => addTo(mean, Math.abs(y - (said.rates[rate] ?? Number.NaN)), 4 * setup.day));
  const mine = dailyPoint(daily, i, said);
  if (said.challenger !== undefined) {
    daily.errors[0] += Math.abs(y - mine);
    daily.errors[1] += Math.abs(y - said.challenger);
  }
  const values = means.map(valueOf);
  if (means.length > 1 && (means[0]?.count ?? 0) >= setup.hour) daily.rates[i] = leastOf(values, 0, values.length);
}

export interface JudgedDaily {
  readonly i: number;
  readonly said: DailySaid;
  readonly y: number;
}

function endDay(daily: Daily): void {
  const [incumbent, challenger] = daily.tables;
  const [mine, theirs] = daily.errors;
  if (incumbent === undefined || challenger === undefined || (mine === 0 && theirs === 0)) return;
  daily.errors[0] = 0;
  daily.errors[1] = 0;
  if (theirs < mine && daily.wins + 1 < winsNeeded) {
    daily.wins++;
    return;
  }
  const isSwapped = theirs < mine;
  daily.wins = 0;
  daily.tried = isSwapped ? 0 : daily.tried + 1;
  const best = isSwapped ? challenger : incumbent;
  daily.tables.splice(0, 2, best, challengerOf(best, daily.tried));
}

/** The next pair to try, the nearest first, from the incumbent's own table. */
function challengerOf({ pair, rates, levels, season }: Table, tried: number): Table {
  const [a, g] = placeOf(pair);
  const far = (other: Pair): number => {
    const [b, h] = placeOf(other);
    return Math.abs(b - a) + Math.abs(h - g);
  };
  const others = pairs.filter((other) => far(other) > 0).toSorted((p, q) => far(p) - far(q));
  return { pair: others[tried % others.length] ?? pair, rates, levels: [...levels], season: [...season] };
}

function placeOf(pair: Pair): readonly [number, number] {
  const at = pairs.findIndex(({ a, g }) => a === pair.a && g === pair.g);
  return [Math.floor(at / 3), at % 3];
}
