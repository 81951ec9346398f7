import type { Setup } from './setup.ts';

/** Residuals of one member over one horizon, circular by origin, and the scores that stand for the quantiles. */
export interface ResidualStore {
  values: readonly number[];
  known: number;
  /** The residual at each quantile's rank; `noResidual` while there are too few. */
  scores: readonly number[];
}

/** Beyond every code. */
export const noResidual = 99_999;
/** Fewer residuals give no bound. */
const fewest = 30;

export function emptyStore({ window, thin, quantiles }: Setup): ResidualStore {
  return {
    values: Array.from({ length: Math.floor(window / thin) }, () => noResidual),
    known: 0,
    scores: quantiles.map(() => noResidual),
  };
}

/** 5 % of the usual load. */
export function floorOf(usual: number): number {
  return 0.05 * usual + 1e-9;
}

/** The spread of a sum of many users grows with the root of its level; at the usual level the scale is about the level. */
export function spreadAt(level: number, floor: number): number {
  return Math.sqrt((Math.max(0, level) + floor) * 20 * floor);
}

/** Rank ceil(q (k + 1)) of k, in this order of operations; 1 to k. */
export function rankOf(k: number, quantile: number): number {
  return Math.max(1, Math.min(k, Math.ceil(Math.min(1, (quantile * (k + 1)) / k) * k)));
}

/** Takes in the residual of an origin (NaN: unknown); between the kept origins nothing changes. */
export function keepResidual(store: ResidualStore, setup: Setup, origin: number, residual: number): void {
  if (origin % setup.thin !== 0) return;
  const slot = (origin / setup.thin) % store.values.length;
  const before = store.values[slot] ?? noResidual;
  const value = Number.isNaN(residual) ? noResidual : setup.form === 'bounded' ? coded(residual) : residual;
  if (before === noResidual && value === noResidual) return;
  store.values = store.values.with(slot, value);
  store.known += (value === noResidual ? 0 : 1) - (before === noResidual ? 0 : 1);
  rank(store, setup);
}

/** Residuals were taken at another scale. */
export function rescale(store: ResidualStore, setup: Setup, factor: number): void {
  store.values = store.values.map((value) => {
    if (value === noResidual) return value;
    return setup.form === 'bounded' ? coded(factor * decoded(value)) : factor * value;
  });
  rank(store, setup);
}

/** Sorts, and reads off each quantile. Unknown ones sort last. */
function rank(store: ResidualStore, setup: Setup): void {
  const { window, thin, quantiles, form } = setup;
  const isEnough = store.known >= Math.min(fewest, Math.floor(window / thin / 2));
  const sorted = isEnough ? new Float64Array(store.values).sort() : undefined;
  store.scores = quantiles.map((quantile) => {
    const value = sorted?.[rankOf(store.known, quantile) - 1] ?? noResidual;
    return value === noResidual || form !== 'bounded' ? value : decoded(value);
  });
}

/** The member's upper bound at the quantile; NaN without a forecast or with too few residuals. */
export function boundOf(
  store: ResidualStore,
  quantile: number,
  { point, spread }: { readonly point: number; readonly spread: number },
): number {
  const score = store.scores[quantile] ?? noResidual;
  if (score === noResidual || Number.isNaN(point)) return Number.NaN;
  return Math.max(0, point + score * spread);
}

/** A residual as a whole number of sixteen bits: fine near 0, coarse far out. */
function coded(residual: number): number {
  return Math.max(-32_767, Math.min(32_767, Math.round(3000 * Math.asinh(100 * residual))));
}

function decoded(code: number): number {
  return Math.sinh(code / 3000) / 100;
}
