import type { TokenCosts } from '../forecast/series.ts';
import type { EngineProfile } from '../model/profile.ts';
import type { Lengths } from '../signals/mix.ts';
import { meanContext } from './iteration-time.ts';

/** Without a profile an output token is taken to cost as much as four prompt tokens: decoding is bound by memory, prefill by compute. */
const withoutProfile: TokenCosts = { prompt: 1, output: 4 };

export function tokenCosts(profile: EngineProfile | undefined, lengths: Lengths): TokenCosts {
  if (profile === undefined) return withoutProfile;
  const read = profile.gamma * meanContext(lengths) + profile.delta;
  return { prompt: profile.beta, output: profile.beta + read };
}
