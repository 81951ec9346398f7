import { floorOf } from '../conformal.ts';
import { meanUpTo, seasonAt, type Past } from '../past.ts';
import type { Setup } from '../setup.ts';

/** The usual value at an offset from now: median over the same phase of the last days whose smoothed value is complete. */
export function usualAt(past: Past, setup: Setup, offset: number): number {
  const values: number[] = [];
  for (let d = 1; d <= setup.profileDays; d++) {
    const back = d * setup.day - offset;
    if (back < setup.smoothing + 1) continue;
    const value = seasonAt(past, setup, past.last - back);
    if (!Number.isNaN(value)) values.push(value);
  }
  return median(values);
}

function median(values: number[]): number {
  if (values.length === 0) return Number.NaN;
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  const upper = values[middle] ?? 0;
  return values.length % 2 === 1 ? upper : (upper + (values[middle - 1] ?? 0)) / 2;
}

/** The usual value ahead, times what the last five minutes are of their usual; one forecast a horizon. */
export function profileAhead(past: Past, setup: Setup, usualLoad: number): readonly number[] {
  const { fiveMinutes, horizons } = setup;
  const stride = Math.max(1, Math.floor(fiveMinutes / 3));
  let sum = 0;
  let count = 0;
  for (let back = 0; back < fiveMinutes; back += stride) {
    sum += usualAt(past, setup, -back);
    count++;
  }
  const floor = floorOf(usualLoad);
  const level = meanUpTo(past, past.last, fiveMinutes);
  const ratio = Math.max(0.2, Math.min(5, (level + floor) / (sum / count + floor)));
  return horizons.map((h) => usualAt(past, setup, h) * ratio);
}
