import type { EngineProfile } from '../core/model/profile.ts';

/** How far the iteration time of a measured engine is believed. */
const measuredError = 0.1;

/** Times the iteration time, within which a profile is believed; 1 first, for it is what is shown. */
export function bandFactors({ iterationError = measuredError }: EngineProfile): readonly number[] {
  return iterationError === 0 ? [1] : [1, 1 - iterationError, 1 + iterationError];
}

/** The same engine with iterations that take `factor` times as long. What is outside the iteration (tau0) stays. */
export function withIterationFactor(profile: EngineProfile, factor: number): EngineProfile {
  const { alpha, w, beta, gamma, delta, kappa, gq } = profile;
  return {
    ...profile,
    alpha: alpha * factor,
    w: w * factor,
    beta: beta * factor,
    gamma: gamma * factor,
    delta: delta * factor,
    kappa: kappa * factor,
    gq: gq * factor,
  };
}
