import type { LearnedMemory } from '../model/memory.ts';
import type { EngineProfile } from '../model/profile.ts';
import type { Flow } from '../signals/flow.ts';
import { iterationMs, meanContext, quadraticMs, scaled } from './iteration-time.ts';
import type { Lengths } from '../signals/mix.ts';

type Correction = LearnedMemory['correction'];

export const noCorrection: Correction = { factor: 1, weight: 0 };

const lowest = 0.5;
const highest = 2;
/** The profile counts like this many steps; a step's weight halves in ten minutes, so at most about 60 steps of 15 s vote. */
const priorSteps = 8;
const halfLifeSeconds = 600;
/** Below this concurrency the mean over time says little of the iterations in which tokens came. */
const fewestRunning = 3;
const fewestTokens = 100;

/** Observed over predicted iteration time, pulled towards 1 while little was seen, and bounded. */
export function correctionFactor({ factor, weight }: Correction): number {
  return (factor * weight + priorSteps) / (weight + priorSteps);
}

/** The profile as the engines were seen to run it. */
export function correctedProfile(profile: EngineProfile, correction: Correction): EngineProfile {
  return scaled(profile, correctionFactor(correction));
}

/** What the profile alone still counts in the factor: 1 before anything was compared. */
export function doubtOf({ weight }: Correction): number {
  return priorSteps / (weight + priorSteps);
}

/**
 * Compares the engine's own inter-token latency with the profile's iteration at the concurrency and prefill that the replicas really had:
 * both sides are observed, so the comparison holds far from and near to saturation.
 */
export function learnCorrection(
  before: Correction,
  profile: EngineProfile,
  lengths: Lengths,
  step: { readonly flow: Flow | undefined; readonly seconds: number },
): Correction {
  const weight = before.weight * 2 ** (-step.seconds / halfLifeSeconds);
  const ratio = step.flow === undefined ? undefined : observedRatio(profile, lengths, step.flow);
  if (ratio === undefined) return { factor: before.factor, weight };
  const bounded = Math.min(highest, Math.max(lowest, ratio));
  return { factor: (before.factor * weight + bounded) / (weight + 1), weight: weight + 1 };
}

function observedRatio(profile: EngineProfile, lengths: Lengths, flow: Flow): number | undefined {
  const sequences = flow.runningSeconds / flow.replicaSeconds;
  if (flow.itlTokens < fewestTokens || sequences < fewestRunning) return undefined;
  const observedMs = (flow.itlSeconds / flow.itlTokens) * 1000;
  const promptPerMs = Math.max(0, flow.promptTokens - flow.cachedTokens) / (flow.replicaSeconds * 1000);
  const chunk = Math.min(lengths.uncachedPrompt, profile.maxBatchedTokens);
  const prompts = (promptPerMs * observedMs) / chunk;
  const batch = { sequences, context: meanContext(lengths), prompts, chunk };
  const admitted = Math.max(0, flow.started / (flow.replicaSeconds * 1000)) * observedMs;
  const predicted = iterationMs(profile, batch) + admitted * (profile.kappa + quadraticMs(profile, lengths));
  return predicted > 0 ? observedMs / predicted : undefined;
}
