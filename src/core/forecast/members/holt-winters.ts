import { valueAt, type Past } from '../past.ts';
import type { Setup } from '../setup.ts';

export interface Pair {
  readonly a: number;
  readonly g: number;
}
/**
 * Season of a day by phase, additive, without a trend. It follows the level of its own pair; beside that stand levels of other rates over the
 * same season, because a near horizon wants a quicker one than a far one.
 */
export interface Table {
  readonly pair: Pair;
  readonly rates: readonly number[];
  readonly levels: number[];
  readonly season: number[];
}

export const levelRates: readonly number[] = [0.02, 0.1, 0.3, 0.6];
/** From the first day, once it is over: its smoothed shape around its mean. */
export function firstTable(past: Past, setup: Setup, pair: Pair, rates: readonly number[]): Table {
  const { day, smoothing } = setup;
  const value = (j: number): number => valueAt(past, past.first + (((j % day) + day) % day));
  const shape = Array.from({ length: day }, (_, j) => meanAround(smoothing, (k) => value(j + k)));
  const known = shape.filter((one) => !Number.isNaN(one));
  const mean = known.reduce((a, b) => a + b, 0) / Math.max(1, known.length);
  const season: number[] = Array.from({ length: day }, () => 0);
  shape.forEach((one, j) => (season[(past.first + j) % day] = Number.isNaN(one) ? 0 : one - mean));
  const end = past.first + day - 1;
  const last = valueAt(past, end);
  const level = Number.isNaN(last) ? mean : last - (season[end % day] ?? 0);
  return { pair, rates, levels: rates.map(() => level), season };
}

function meanAround(half: number, at: (k: number) => number): number {
  let sum = 0;
  let known = 0;
  for (let k = -half; k <= half; k++) {
    const y = at(k);
    if (Number.isNaN(y)) continue;
    sum += y;
    known++;
  }
  return known === 0 ? Number.NaN : sum / known;
}

/** One known bin on; in a gap the season goes on by itself. */
export function updateTable({ pair, rates, levels, season }: Table, index: number, y: number): void {
  if (Number.isNaN(y)) return;
  const j = index % season.length;
  const before = season[j] ?? 0;
  rates.forEach((a, i) => (levels[i] = a * (y - before) + (1 - a) * (levels[i] ?? 0)));
  const own = levels[rates.indexOf(pair.a)] ?? 0;
  season[j] = Number((pair.g * (y - own) + (1 - pair.g) * before).toPrecision(8));
}

/** The forecast of the level at position `rate` of the table's rates. */
export function tableAhead({ levels, season }: Table, rate: number, target: number): number {
  return Math.max(0, (levels[rate] ?? Number.NaN) + (season[target % season.length] ?? 0));
}
