import { addRow, emptyMoments, predicted, quantileOf, solve, type Fit, type Moments } from './regression.ts';
import type { Setup } from '../setup.ts';

/** Extremes of the targets of a day, so that the next day's are clipped at their quantiles. */
interface Clip {
  count: number;
  readonly top: number[];
  readonly bottom: number[];
  low?: number;
  high?: number;
}
interface Row {
  readonly origin: number;
  readonly x: readonly number[];
  readonly target: number;
}

/** One direct regression for one horizon: differences ahead from differences behind. */
export interface Autoregression {
  readonly moments: Moments;
  readonly clip: Clip;
  fit?: Fit;
  fittedAt: number;
  /** Reference form: the rows themselves. */
  rows?: Row[];
}

const fewestRows = 41;
const tail = 0.002;
const extremesKept = 5;

export function emptyAutoregression(setup: Setup, width: number): Autoregression {
  return {
    moments: emptyMoments(width),
    clip: { count: 0, top: [], bottom: [] },
    fittedAt: -1,
    ...(setup.form === 'reference' ? { rows: [] } : {}),
  };
}

/** One outcome: `keep` is what a bin leaves of older ones. */
export function learnRow(model: Autoregression, setup: Setup, row: Row): void {
  if (model.rows !== undefined) {
    model.rows.push(row);
    return;
  }
  const { clip } = model;
  const { low, high } = limits(clip);
  note(clip, row.target, Math.min(setup.day, 1440));
  addRow(model.moments, row.x, Math.max(low, Math.min(high, row.target)), 1 - setup.step / (7 * 86_400));
}

function limits({ low, high, count, top, bottom }: Clip): { readonly low: number; readonly high: number } {
  if (low !== undefined && high !== undefined) return { low, high };
  if (count < fewestRows) return { low: -Infinity, high: Infinity };
  return { low: -fromExtremes(bottom, count), high: fromExtremes(top, count) };
}

/** `top` holds the largest targets, `bottom` the largest of their negatives, both falling. */
function note(clip: Clip, target: number, span: number): void {
  keepLargest(clip.top, target);
  keepLargest(clip.bottom, -target);
  clip.count++;
  if (clip.count < span) return;
  clip.high = fromExtremes(clip.top, clip.count);
  clip.low = -fromExtremes(clip.bottom, clip.count);
  clip.count = 0;
  clip.top.length = 0;
  clip.bottom.length = 0;
}

function keepLargest(kept: number[], value: number): void {
  let at = kept.length;
  while (at > 0 && (kept[at - 1] ?? 0) < value) at--;
  if (at >= extremesKept) return;
  kept.splice(at, 0, value);
  if (kept.length > extremesKept) kept.pop();
}

/** The upper quantile of `count` values of which the largest are known. */
function fromExtremes(largest: readonly number[], count: number): number {
  const at = tail * (count - 1);
  const low = Math.floor(at);
  const a = largest[low] ?? largest.at(-1) ?? Infinity;
  return a + (at - low) * ((largest[low + 1] ?? a) - a);
}

/** Fits anew when it is time: often while rows are few, then every `refit` bins. */
export function refitIfDue(model: Autoregression, setup: Setup, index: number, firstFit: number | undefined): void {
  if (model.rows !== undefined) return refitFromRows(model, setup, index, firstFit ?? 0);
  const { rows } = model.moments;
  if (rows < fewestRows) return;
  const wait = Math.min(setup.refit, Math.max(6, Math.floor(rows / 4)));
  if (model.fit !== undefined && index - model.fittedAt < wait) return;
  model.fit = solve(model.moments);
  model.fittedAt = index;
}

function refitFromRows(model: Autoregression, setup: Setup, index: number, firstFit: number): void {
  if (index < firstFit || (index - firstFit) % setup.refit !== 0) return;
  const rows = (model.rows ?? []).filter(({ origin }) => origin >= index - setup.train);
  model.rows = rows;
  const { fit } = fitRows(rows);
  if (rows.length >= fewestRows) model.fit = fit;
}

/** A fit of rows as they are, targets clipped at their own quantiles. */
export function fitRows(rows: readonly Pick<Row, 'x' | 'target'>[], clipAt: number = tail): { readonly fit: Fit } {
  const sorted = Float64Array.from(rows, ({ target }) => target).sort();
  const low = quantileOf(sorted, clipAt);
  const high = quantileOf(sorted, 1 - clipAt);
  const moments = emptyMoments(rows[0]?.x.length ?? 0);
  for (const { x, target } of rows) addRow(moments, x, Math.max(low, Math.min(high, target)));
  return { fit: solve(moments) };
}

/** The forecast from a level and its scale; NaN without a fit. */
export function regressedAhead(
  model: Autoregression,
  { y, scale, x }: { readonly y: number; readonly scale: number; readonly x: readonly number[] },
): number {
  return model.fit === undefined ? Number.NaN : Math.max(0, y + scale * predicted(model.fit, x));
}
