import type { SizedTarget } from '../decision/pool-sizing.ts';
import type { DemandBin, LearnedMemory } from '../model/memory.ts';
import type { PoolPolicy } from '../model/policy.ts';
import { after, elapsed, type Instant } from '../model/units.ts';
import { means } from './members.ts';
import type { Outlook } from './outlook.ts';
import type { Series } from './series.ts';

export type Judged = Pick<LearnedMemory, 'pending' | 'skill'>;

/** A forecast is put on record at most this often, and at most so many wait to be judged. */
const recordEverySeconds = 30;
const mostPending = 64;
/** Skill is recent: beyond this many judgements old ones count half. */
const mostJudged = 960;

export interface SkillInput {
  readonly learned: LearnedMemory;
  readonly policy: PoolPolicy;
  readonly outlook: Outlook;
  readonly sized: readonly SizedTarget[];
  readonly now: Instant;
}

/** Judges the forecasts that have fallen due by the bins that came, and records the one made now. One whose time was half unknown is dropped. */
export function judgeForecasts({ learned, policy, outlook, sized, now }: SkillInput): Judged {
  const due = learned.pending.filter((p) => p.due <= now);
  const waiting = due.length === 0 ? learned.pending : learned.pending.filter((p) => p.due > now);
  const smooth = due.length === 0 ? new Float64Array(0) : means(outlook.series, 60);
  let { judged, covered } = learned.skill;
  for (const made of due) {
    const most = largestWithin({ series: outlook.series, smooth, bins: learned.demand }, made, policy);
    if (most === undefined) continue;
    judged++;
    if (most <= made.upper * (1 + 1e-9)) covered++;
  }
  const skill = judged > mostJudged ? { judged: judged / 2, covered: covered / 2 } : { judged, covered };
  return { pending: record({ learned, waiting, outlook, policy, sized, now }), skill };
}

function largestWithin(
  { series, smooth, bins }: { series: Series; smooth: Float64Array; bins: readonly DemandBin[] },
  made: LearnedMemory['pending'][number],
  policy: PoolPolicy,
): number | undefined {
  let most = 0;
  let known = 0;
  for (let i = series.length - 1; i >= 0; i--) {
    const bin = bins[i];
    if (bin === undefined || bin.at > made.due) continue;
    if (bin.at <= made.at) break;
    known++;
    most = Math.max(most, smooth[i] ?? 0);
  }
  const expected = elapsed(made.at, made.due) / Math.max(5, policy.tunables.tickSeconds);
  return known >= 0.5 * expected && known > 0 ? most : undefined;
}

interface RecordInput extends SkillInput {
  readonly waiting: LearnedMemory['pending'];
}

function record({ waiting, outlook, policy, sized, now }: RecordInput): LearnedMemory['pending'] {
  const last = waiting.at(-1);
  if (last !== undefined && elapsed(last.at, now) < recordEverySeconds) return waiting;
  const lead = sized[0]?.sizing?.leadSeconds;
  if (lead === undefined) return waiting;
  const horizon = lead + policy.tunables.tickSeconds;
  const made = outlook.within(horizon, policy.tunables.provisioningQuantile);
  if (made === undefined) return waiting;
  return [
    ...waiting.slice(1 - mostPending),
    { at: now, due: after(now, horizon), level: made.level, upper: made.upper },
  ];
}
