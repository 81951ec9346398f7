import { binSeconds } from './bin-loads.ts';

export interface Order {
  /** Seconds. */
  readonly at: number;
  readonly replicas: number;
}

/** The fleet that an oracle wants: how many replicas must be ready in each bin, and which orders make it so. */
export interface OraclePlan {
  readonly sizes: readonly number[];
  readonly orders: readonly Order[];
}

export interface Leads {
  /** Seconds from the order of the k-th start to its Ready. */
  readonly of: (k: number) => number;
  /** Of a usual start. */
  readonly usual: number;
}

/** Needs as sizes and orders. Before the first order could be filled the fleet already has what it needs then. */
export function planOf(needs: readonly number[], leads: Leads): OraclePlan {
  const first = needs.slice(0, Math.ceil(leads.usual / binSeconds) + 1).reduce((max, need) => Math.max(max, need), 0);
  const sizes = keepThroughGaps([first, ...needs.slice(1)], leads.usual);
  return { sizes, orders: ordersOf(sizes, leads) };
}

/** A replica that is needed again within `seconds` is kept: to stop it and start another would cost more, or come too late. */
export function keepThroughGaps(needs: readonly number[], seconds: number): readonly number[] {
  const sizes = [...needs];
  const longest = Math.ceil(seconds / binSeconds);
  const most = needs.reduce((max, need) => Math.max(max, need), 0);
  for (let level = 1; level <= most; level++) {
    let last = Number.NEGATIVE_INFINITY;
    needs.forEach((need, at) => {
      if (need < level) return;
      if (at - last - 1 <= longest) {
        for (let gap = last + 1; gap < at; gap++) sizes[gap] = Math.max(sizes[gap] ?? 0, level);
      }
      last = at;
    });
  }
  return sizes;
}

/** Each further replica its own lead time ahead of the bin that needs it, each less at once; in order of time. */
function ordersOf(sizes: readonly number[], leads: Leads): readonly Order[] {
  const changes: { readonly at: number; readonly by: number }[] = [];
  let started = 0;
  sizes.forEach((size, bin) => {
    const before = sizes[bin - 1] ?? size;
    const at = bin * binSeconds;
    for (let more = before; more < size; more++) changes.push({ at: Math.max(0.001, at - leads.of(started++)), by: 1 });
    if (size < before) changes.push({ at, by: size - before });
  });
  let replicas = sizes[0] ?? 0;
  return changes
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, by }) => {
      replicas += by;
      return { at, replicas };
    });
}
