/** Scales that more than one figure is drawn with. */

/** The share outside the objectives at the top of the scale: 0.01 % and less are drawn there. */
const leastMissed = 1e-4;
const shares = [0, 0.5, 0.9, 0.99, 0.999, 0.9999] as const;
export const topShare = 0.9999;

export interface Axis {
  /** 0 at the axis's beginning, 1 at its end. */
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Each step upwards is a tenth of the misses; begins at a step under the worst. */
export function shareAxis(values: readonly number[]): Axis {
  const worst = Math.min(0.9, ...values);
  const floor = shares.findLast((tick) => tick <= worst) ?? 0;
  const best = nines(1 - leastMissed) + 0.15;
  return {
    place: (share) => (nines(share) - nines(floor)) / (best - nines(floor)),
    ticks: shares.filter((tick) => tick >= floor),
  };
}

/** From 0 to a round number that reaches the largest. */
export function amountAxis(values: readonly number[]): Axis {
  const most = Math.max(0, ...values);
  const ticks = roundTicks(most > 0 ? most : 1);
  const end = ticks.at(-1) ?? 1;
  return { place: (value) => value / end, ticks };
}

/** 90 % is 1, 99 % is 2: how often the misses were divided by ten. */
function nines(share: number): number {
  return -Math.log10(Math.max(leastMissed, 1 - share));
}

/** 0 and up to six round steps that reach the largest value. */
function roundTicks(most: number): readonly number[] {
  const raw = most / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.ceil((most * 1.02) / step) + 1 }, (_, at) => at * step);
}

/** A place on the page: a tenth of a pixel is enough. */
export function fix(value: number): string {
  return value.toFixed(1);
}

/** Names of programs can be long: figures show the beginning, their titles the whole. */
export function shortName(name: string): string {
  return name.length > 26 ? `${name.slice(0, 25)}…` : name;
}
