/** Mean of recent values. Fading: two numbers. Sliding: the window itself, in `values`, for the reference form. */
export interface RecentMean {
  sum: number;
  weight: number;
  /** Values ever taken in. */
  count: number;
  readonly values?: number[];
}

export function emptyMean(isSliding: boolean): RecentMean {
  return { sum: 0, weight: 0, count: 0, ...(isSliding ? { values: [] } : {}) };
}

/** Takes in the next value; NaN is unknown and only ages the others. `window` in bins: fading remembers half of it on average. */
export function addTo(mean: RecentMean, value: number, window: number): void {
  const isKnown = !Number.isNaN(value);
  if (isKnown) mean.count++;
  if (mean.values !== undefined) return slide(mean, mean.values, { value, window });
  const decay = Math.exp(-2 / window);
  mean.sum = decay * mean.sum + (isKnown ? value : 0);
  mean.weight = decay * mean.weight + (isKnown ? 1 : 0);
}

function slide(
  mean: RecentMean,
  values: number[],
  { value, window }: { readonly value: number; readonly window: number },
): void {
  values.push(value);
  if (values.length > window) values.shift();
  const known = values.filter((one) => !Number.isNaN(one));
  mean.sum = known.reduce((a, b) => a + b, 0);
  mean.weight = known.length;
}

/** NaN before the first value. */
export function valueOf({ sum, weight }: RecentMean): number {
  return weight > 0 ? sum / weight : Number.NaN;
}
