import { tokenCosts } from './capacity/token-costs.ts';
import { livedThrough, longAfter, type LongContext, remembersBefore } from './forecast/long.ts';
import type { DemandPast, PastBin } from './model/history.ts';
import type { LearnedMemory, LongForecast } from './model/memory.ts';
import type { PoolPolicy } from './model/policy.ts';
import type { PoolId } from './model/pool.ts';
import type { Instant } from './model/units.ts';
import { freshMix, type Lengths, lengthsOf } from './signals/mix.ts';

/** The forecast that is primed. */
export interface Primed {
  readonly pool: PoolId;
  readonly policy: PoolPolicy;
}

/** Whether the forecast knows nothing but what the last looks, which are still remembered one by one, would teach it again. */
export function lacksPast({ long, demand }: LearnedMemory, { pool, policy }: Primed, now: Instant): boolean {
  const quantile = policy.tunables.provisioningQuantile;
  return !remembersBefore(long, { since: demand[0]?.at, now }, { pool, quantile });
}

/** Until when the past is another's to tell: from its first look on a pool remembers itself. */
export function pastEnd({ demand }: LearnedMemory, now: Instant): Instant {
  return demand[0]?.at ?? now;
}

/**
 * What a past that somebody else counted teaches, a bin a step: seconds of work for two weeks. `undefined`: nothing. Bins that cannot be true, or that
 * are not `until` then, are as good as none.
 */
export function* taughtBy(
  past: DemandPast,
  { pool, policy }: Primed,
  until: Instant,
): Generator<void, LongForecast | undefined> {
  const bins = believed(past.bins, until);
  return yield* livedThrough({ ...past, bins }, contextOf({ pool, policy }, lengthsIn(bins, past.stepSeconds)));
}

/** Memory whose forecast lived what was taught, and then what it has seen itself. One that already knows a past stays as it is. */
export function primed(
  learned: LearnedMemory,
  { taught, of, now }: { readonly taught: LongForecast | undefined; readonly of: Primed; readonly now: Instant },
): LearnedMemory {
  if (taught === undefined || !lacksPast(learned, of, now)) return learned;
  const context = contextOf(of, lengthsOf(learned.mix));
  let long: LongForecast | undefined = taught;
  let before: Instant | undefined;
  for (const bin of learned.demand) {
    long = longAfter(long, { bin, before }, context);
    before = bin.at;
  }
  return long === undefined ? learned : { ...learned, long };
}

function contextOf({ pool, policy }: Primed, lengths: Lengths): LongContext {
  const costs = tokenCosts(policy.targets[0]?.profile, lengths);
  return { pool, quantile: policy.tunables.provisioningQuantile, costs, lengths };
}

/** More than a thousand replicas hold and do: such numbers were misread, and would be remembered for a week. */
const mostRequestsPerSecond = 1e8;
const mostTokensPerSecond = 1e11;

function believed(bins: readonly PastBin[], until: Instant): readonly PastBin[] {
  let last = Number.NEGATIVE_INFINITY;
  return bins.filter((bin) => {
    if (!isBelievable(bin) || bin.at <= last || bin.at > until) return false;
    last = bin.at;
    return true;
  });
}

function isBelievable(bin: PastBin): boolean {
  const { requestsPerSecond, promptTokensPerSecond, outputTokensPerSecond } = bin;
  const { waitingPerSecond = 0, cachedTokensPerSecond = 0 } = bin;
  const isWithin = (most: number, ...rates: readonly number[]): boolean =>
    rates.every((rate) => rate >= 0 && rate <= most);
  return (
    isWithin(mostRequestsPerSecond, requestsPerSecond, Math.abs(waitingPerSecond)) &&
    isWithin(mostTokensPerSecond, promptTokensPerSecond, outputTokensPerSecond, cachedTokensPerSecond)
  );
}

const daySeconds = 86_400;

/** Mean lengths over the newest day of it: what an engine takes for a token depends on them. */
function lengthsIn(bins: readonly PastBin[], stepSeconds: number): Lengths {
  const newest = bins.slice(-Math.ceil(daySeconds / stepSeconds));
  const total = (of: (bin: PastBin) => number): number => newest.reduce((sum, bin) => sum + of(bin), 0);
  const requests = total((bin) => bin.requestsPerSecond);
  if (requests <= 0) return lengthsOf(freshMix);
  return {
    uncachedPrompt: Math.max(1, total((bin) => bin.promptTokensPerSecond) / requests),
    cachedPrompt: total((bin) => bin.cachedTokensPerSecond ?? 0) / requests,
    output: Math.max(1, total((bin) => bin.outputTokensPerSecond) / requests),
    isPrior: false,
  };
}
