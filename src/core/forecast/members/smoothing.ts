/** Exponential smoothing with and without a damped trend: a grid of settings side by side. */
export interface Setting {
  readonly a: number;
  readonly b: number;
  readonly p: number;
}

const rates = [0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9];
export const levelSettings: readonly Setting[] = rates.map((a) => ({ a, b: 0, p: 0 }));
export const trendSettings: readonly Setting[] = rates.flatMap((a) =>
  [0.01, 0.05, 0.15].flatMap((b) => [0.8, 0.9, 0.98].map((p) => ({ a, b, p }))),
);

export interface Smoothed {
  readonly levels: number[];
  readonly trends: number[];
}

/** Begins at the first value. */
export function smoothedFrom(settings: readonly Setting[], y: number): Smoothed {
  return { levels: settings.map(() => y), trends: settings.map(() => 0) };
}

/** One bin on; an unknown bin (NaN) lets the trend run out. */
export function smooth({ levels, trends }: Smoothed, settings: readonly Setting[], y: number): void {
  settings.forEach(({ a, b, p }, i) => {
    const level = levels[i] ?? 0;
    const trend = trends[i] ?? 0;
    const expected = b === 0 ? level : level + p * trend;
    const next = Number.isNaN(y) ? expected : a * y + (1 - a) * expected;
    levels[i] = next;
    if (b > 0) trends[i] = Number.isNaN(y) ? p * trend : b * (next - level) + (1 - b) * p * trend;
  });
}

/** Forecast of setting i, `horizon` bins ahead. */
export function smoothedAhead({ levels, trends }: Smoothed, setting: Setting, i: number, horizon: number): number {
  const level = levels[i] ?? 0;
  const { b, p } = setting;
  if (b === 0) return level;
  return Math.max(0, level + ((p * (1 - p ** horizon)) / (1 - p)) * (trends[i] ?? 0));
}
