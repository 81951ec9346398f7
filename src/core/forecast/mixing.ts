/** Loss of an upper bound at a quantile: what too little and too much cost. */
export function pinball(y: number, bound: number, quantile: number): number {
  return y > bound ? quantile * (y - bound) : (1 - quantile) * (bound - y);
}

/** Weights exp(-sharp (loss / least - 1)) over those whose value and loss are known; they add up to 1, or are all 0. */
export function weightsOf(values: readonly number[], losses: readonly number[], sharp: number): readonly number[] {
  let best = Infinity;
  for (const [i, loss] of losses.entries()) if (isUsable(values, losses, i)) best = Math.min(best, loss);
  best += 1e-9;
  let total = 0;
  const weights = losses.map((loss, i) => {
    if (!isUsable(values, losses, i)) return 0;
    const weight = Math.exp(-sharp * (loss / best - 1));
    total += weight;
    return weight;
  });
  return total > 0 ? weights.map((weight) => weight / total) : weights;
}

function isUsable(values: readonly number[], losses: readonly number[], i: number): boolean {
  return !Number.isNaN(values[i] ?? Number.NaN) && !Number.isNaN(losses[i] ?? Number.NaN);
}

/** The weighed mean; NaN when nothing has weight. */
export function mixed(values: readonly number[], weights: readonly number[]): number {
  let sum = 0;
  let total = 0;
  for (const [i, weight] of weights.entries()) {
    if (weight === 0) continue;
    sum += weight * (values[i] ?? 0);
    total += weight;
  }
  return total > 0 ? sum / total : Number.NaN;
}

export interface GateInput {
  /** Recent loss of the mix and of the fallback; NaN where unknown. */
  readonly mix: number;
  readonly fallback: number;
  /** Outcomes seen and needed before the mix is trusted. */
  readonly outcomes: number;
  readonly trust: number;
}

/** Whether the mix is used: it must have been better to come in, and clearly worse to go. What is unknown changes nothing. */
export function isMixUsed(was: boolean, { mix, fallback, outcomes, trust }: GateInput): boolean {
  if (Number.isNaN(mix) || Number.isNaN(fallback)) return was;
  return was ? !(mix > 1.05 * fallback) : outcomes >= trust && mix < fallback;
}
