import type { Setup } from './setup.ts';

/** A bin of which nothing is known. Loads are never negative, and JSON has no NaN. */
export const unknown = -1;

/** The newest bins and the means of older blocks, both circular by the index of the bin. */
export interface Past {
  /** Index of the first bin ever, and of the newest. */
  readonly first: number;
  last: number;
  readonly bins: number[];
  /** Replaced as a whole when a block is full. */
  blocks: readonly number[];
  /** Of the block that is being filled. */
  openSum: number;
  openKnown: number;
}

/** Days of season that are remembered: a week and what its smoothing needs. */
const seasonDays = 8;

export function emptyPast(setup: Setup, first: number): Past {
  const bins = setup.block === 1 ? seasonDays * setup.day + setup.hour : setup.day + 2 * setup.hour;
  const blocks = setup.block === 1 ? 0 : Math.ceil((seasonDays * setup.day) / setup.block);
  return {
    first,
    last: first - 1,
    bins: Array.from({ length: bins }, () => unknown),
    blocks: Array.from({ length: blocks }, () => unknown),
    openSum: 0,
    openKnown: 0,
  };
}

/** Takes the next bin in; NaN is unknown. */
export function append(past: Past, setup: Setup, y: number): void {
  past.last++;
  const isKnown = y >= 0;
  past.bins[past.last % past.bins.length] = isKnown ? y : unknown;
  if (past.blocks.length === 0) return;
  if (isKnown) {
    past.openSum += y;
    past.openKnown++;
  }
  if ((past.last + 1) % setup.block !== 0) return;
  const isHalfKnown = 2 * past.openKnown >= setup.block;
  const block = Math.floor(past.last / setup.block) % past.blocks.length;
  past.blocks = past.blocks.with(block, isHalfKnown ? Number((past.openSum / past.openKnown).toPrecision(6)) : unknown);
  past.openSum = 0;
  past.openKnown = 0;
}

/** The bin's mean rate; NaN where it is not known or no longer remembered. */
export function valueAt(past: Past, i: number): number {
  if (i > past.last || i < past.first || i <= past.last - past.bins.length) return Number.NaN;
  const y = past.bins[i % past.bins.length] ?? unknown;
  return y < 0 ? Number.NaN : y;
}

/** The last known value at or before a bin, at most `reach` bins old; NaN when there is none. */
export function heldAt(past: Past, i: number, reach: number): number {
  for (let back = 0; back <= reach; back++) {
    const y = valueAt(past, i - back);
    if (!Number.isNaN(y)) return y;
  }
  return Number.NaN;
}

/** Mean of the known bins among the `width` up to bin i; NaN without any. */
export function meanUpTo(past: Past, i: number, width: number): number {
  let sum = 0;
  let known = 0;
  for (let at = i - width + 1; at <= i; at++) {
    const y = valueAt(past, at);
    if (Number.isNaN(y)) continue;
    sum += y;
    known++;
  }
  return known === 0 ? Number.NaN : sum / known;
}

/** The season at bin i: about ten minutes around it, complete long ago. NaN where it is not known. */
export function seasonAt(past: Past, setup: Setup, i: number): number {
  if (i < past.first) return Number.NaN;
  return setup.block === 1 ? smoothedAt(past, setup, i) : betweenBlocks(past, setup, i);
}

/** Mean over the neighbours; at the very beginning the first bin stands for those before it. */
function smoothedAt(past: Past, { smoothing }: Setup, i: number): number {
  let sum = 0;
  let known = 0;
  for (let at = i - smoothing; at <= i + smoothing; at++) {
    const y = valueAt(past, Math.max(past.first, at));
    if (Number.isNaN(y)) continue;
    sum += y;
    known++;
  }
  return 2 * known >= 2 * smoothing + 1 ? sum / known : Number.NaN;
}

function betweenBlocks(past: Past, { block }: Setup, i: number): number {
  const x = (i + 0.5) / block - 0.5;
  const left = Math.floor(x);
  const a = blockAt(past, block, left);
  const b = blockAt(past, block, left + 1);
  if (Number.isNaN(a)) return b;
  return Number.isNaN(b) ? a : a + (x - left) * (b - a);
}

function blockAt({ blocks, first, last }: Past, block: number, at: number): number {
  const closed = Math.floor((last + 1) / block) - 1;
  if (at > closed || at <= closed - blocks.length || (at + 1) * block <= first) return Number.NaN;
  const mean = blocks[at % blocks.length] ?? unknown;
  return mean < 0 ? Number.NaN : mean;
}
