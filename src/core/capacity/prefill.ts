import type { EngineProfile } from '../model/profile.ts';
import type { Lengths } from '../signals/mix.ts';
import { iterationMs, meanContext, quadraticMs } from './iteration-time.ts';

/** Time to compute one prompt, in as many iterations as the token budget makes of it, beside `sequences` that decode. */
export function prefillMs(profile: EngineProfile, lengths: Lengths, sequences: number): number {
  const chunks = Math.max(1, lengths.uncachedPrompt / profile.maxBatchedTokens);
  const chunk = lengths.uncachedPrompt / chunks;
  const busy = { sequences: sequences + chunk, context: 0, prompts: 0, chunk: 0 };
  const read = profile.gamma * sequences * meanContext(lengths) + profile.delta * sequences;
  return chunks * (iterationMs({ ...profile, delta: 0 }, busy) + read) + quadraticMs(profile, lengths);
}
