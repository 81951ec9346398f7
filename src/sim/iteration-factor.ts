import type { EngineProfile } from '../core/model/profile.ts';

/** Times the iteration time, within which profiles of engines are believed; 1 first, for it is what is shown. */
export const bandFactors: readonly number[] = [1, 0.9, 1.1];

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
