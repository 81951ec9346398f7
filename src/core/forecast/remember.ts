import type { DemandBin } from '../model/memory.ts';
import { elapsed, type Instant } from '../model/units.ts';

/** Demand is remembered for two hours: half an hour bin by bin, the rest by the minute. */
const rememberedSeconds = 7200;
const wholeSeconds = 1800;
/** Old bins are merged when there are more than this, so that it happens once in a while and not at each look. */
const mergeAbove = 256;
const mostBins = 512;

/** Appends the closed bin and forgets what is too old. */
export function remember(bins: readonly DemandBin[], bin: DemandBin | undefined, now: Instant): readonly DemandBin[] {
  let first = Math.max(0, bins.length - mostBins + 1);
  for (let at = bins[first]; at !== undefined && elapsed(at.at, now) > rememberedSeconds; at = bins[first]) first++;
  if (bin === undefined) return first === 0 ? bins : bins.slice(first);
  const kept = bins.slice(first);
  kept.push(bin);
  return kept.length > mergeAbove ? merged(kept, now) : kept;
}

function merged(bins: readonly DemandBin[], now: Instant): readonly DemandBin[] {
  const out: DemandBin[] = [];
  let group: DemandBin[] = [];
  for (const bin of bins) {
    const isNextMinute = minuteOf(group[0]) !== minuteOf(bin) || elapsed(bin.at, now) < wholeSeconds;
    if (isNextMinute && group.length > 0) {
      out.push(meanOf(group));
      group = [];
    }
    group.push(bin);
  }
  if (group.length > 0) out.push(meanOf(group));
  return out;
}

function minuteOf(bin: DemandBin | undefined): number {
  return bin === undefined ? Number.NaN : Math.floor(bin.at / 60_000);
}

/** One bin that stands for several: at the time of the last, with their means. */
function meanOf(group: readonly DemandBin[]): DemandBin {
  const last = group.at(-1);
  const only = group[0];
  if (last === undefined || only === undefined) throw new RangeError('a group of bins must not be empty');
  if (group.length === 1) return only;
  const mean = (of: (bin: DemandBin) => number): number =>
    Number((group.reduce((sum, bin) => sum + of(bin), 0) / group.length).toPrecision(5));
  const waiting = mean((bin) => bin.waitingPerSecond ?? 0);
  return {
    at: last.at,
    requestsPerSecond: mean((bin) => bin.requestsPerSecond),
    promptTokensPerSecond: mean((bin) => bin.promptTokensPerSecond),
    outputTokensPerSecond: mean((bin) => bin.outputTokensPerSecond),
    ...(waiting === 0 ? {} : { waitingPerSecond: waiting }),
  };
}
