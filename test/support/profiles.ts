import type { EngineProfile } from '../../src/core/model/profile.ts';

/** Constants near a real 8B model's, small enough to reason about. */
export function profileWith(changes: Partial<EngineProfile> = {}): EngineProfile {
  return {
    name: 'test',
    alpha: 2,
    w: 5,
    beta: 0.025,
    gamma: 4e-5,
    delta: 0.02,
    kappa: 0,
    gq: 0,
    tau0: 0,
    kvCapacityTokens: 400_000,
    blockTokens: 16,
    maxNumSeqs: 256,
    maxBatchedTokens: 8192,
    gpusPerReplica: 1,
    weightsBytes: 16e9,
    validity: 'test',
    isValidated: false,
    ...changes,
  };
}
