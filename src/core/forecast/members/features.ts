import { heldAt, meanUpTo, seasonAt, valueAt, type Past } from '../past.ts';
import type { Setup } from '../setup.ts';

/** What a regression sees at an origin. */
export interface Features {
  /** Unit of all differences: the level of the last half hour. */
  readonly scale: number;
  /** Without and with the season. */
  readonly plain: readonly number[];
  readonly seasonal: readonly number[];
}

/** What does not depend on the horizon. */
interface Near {
  readonly y: number;
  readonly scale: number;
  readonly differences: readonly number[];
  readonly levels: readonly [number, number];
}

const lags = 5;
const days = 7;

/** Features at an origin that is still in the ring, for each horizon. */
export function featuresAt(past: Past, setup: Setup, at: { readonly origin: number; readonly usual: number }): Near {
  const { origin, usual } = at;
  const y = valueAt(past, origin);
  const e = 0.1 * usual + 1e-9;
  const level = meanUpTo(past, origin, setup.halfHour);
  const scale = (Number.isNaN(level) ? e : level) + e;
  const near: number[] = [];
  for (let back = 1; back <= lags; back++) near.push(heldAt(past, origin - back, setup.halfHour));
  for (const width of setup.means) near.push(meanUpTo(past, origin, width));
  near.push(...extremes(past, origin, setup.tenMinutes));
  return {
    y,
    scale,
    differences: near.map((value) => difference(value, y, scale)),
    levels: [y / scale, e / scale],
  };
}

function difference(value: number, y: number, scale: number): number {
  return Number.isNaN(value) ? 0 : Math.max(-10, Math.min(10, (value - y) / scale));
}

/** Largest and smallest of the last bins, once as many were seen. */
function extremes(past: Past, origin: number, width: number): readonly [number, number] {
  let most = Number.NEGATIVE_INFINITY;
  let least = Number.POSITIVE_INFINITY;
  for (let i = origin - width + 1; i <= origin; i++) {
    const y = valueAt(past, i);
    if (Number.isNaN(y)) continue;
    most = Math.max(most, y);
    least = Math.min(least, y);
  }
  return most < least ? [Number.NaN, Number.NaN] : [most, least];
}

export function featuresFor(
  past: Past,
  setup: Setup,
  { near, origin, horizon }: { readonly near: Near; readonly origin: number; readonly horizon: number },
): Features {
  const { y, scale, differences, levels } = near;
  const season = seasonOf(past, setup, origin, horizon).map((value) => difference(value, y, scale));
  const phase = (2 * Math.PI * ((origin + horizon) % setup.day)) / setup.day;
  const waves = [1, 2, 3].flatMap((j) => [Math.sin(j * phase), Math.cos(j * phase)]);
  return {
    scale,
    plain: [...differences, ...levels],
    seasonal: [...differences, ...season, ...levels, ...waves],
  };
}

/** The season at the target a day ago, the level at this time yesterday, the season a week ago, and the mean season of the last days. */
function seasonOf(past: Past, setup: Setup, origin: number, horizon: number): readonly number[] {
  const { day, smoothing, fiveMinutes } = setup;
  const target = origin + horizon;
  const yesterday = day - horizon > smoothing ? seasonAt(past, setup, target - day) : valueAt(past, target - day);
  let sum = 0;
  let known = 0;
  for (let d = 1; d <= days; d++) {
    const value = seasonAt(past, setup, target - d * day);
    if (Number.isNaN(value)) continue;
    sum += value;
    known++;
  }
  return [
    yesterday,
    meanUpTo(past, origin - day, Math.max(2, fiveMinutes)),
    seasonAt(past, setup, target - 7 * day),
    known === 0 ? Number.NaN : sum / known,
  ];
}

/** Number of features without and with the season. */
export function widthsOf({ means }: Setup): { readonly plain: number; readonly seasonal: number } {
  const plain = lags + means.length + 4;
  return { plain, seasonal: plain + 10 };
}

export type { Near };
