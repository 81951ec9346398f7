import type { LearnedMemory } from '../model/memory.ts';
import type { PoolPolicy } from '../model/policy.ts';
import { after, elapsed, type Instant } from '../model/units.ts';
import type { Outlook } from './outlook.ts';

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
  /** Lead time that sized this decision; absent when nothing was sized. */
  readonly leadSeconds: number | undefined;
  readonly now: Instant;
}

/** Judges the forecasts that have fallen due by the bins that came, and records the one made now. One whose time was half unknown is dropped. */
export function judgeForecasts(input: SkillInput): Judged {
  const { learned, now } = input;
  const waiting = learned.pending.filter((p) => p.due > now);
  let { judged, covered } = learned.skill;
  for (const made of learned.pending) {
    if (made.due > now) continue;
    const most = largestWithin(input, made);
    if (most === undefined) continue;
    judged++;
    if (most <= made.upper * (1 + 1e-9)) covered++;
  }
  const skill = judged > mostJudged ? { judged: judged / 2, covered: covered / 2 } : { judged, covered };
  return { pending: record({ ...input, waiting }), skill };
}

/** Largest minute-mean between a forecast and its due time; `undefined` when less than half of that is known. */
function largestWithin({ outlook, now }: SkillInput, made: LearnedMemory['pending'][number]): number | undefined {
  const { series, levels } = outlook;
  const from = (made.at - now) / 1000;
  const to = (made.due - now) / 1000;
  let end = series.length;
  while (end > 0 && (series.t[end - 1] ?? 0) > to) end--;
  let start = end;
  let most = 0;
  while (start > 0 && (series.t[start - 1] ?? 0) > from) most = Math.max(most, levels.short[--start] ?? 0);
  const known = (series.known[end] ?? 0) - (series.known[start] ?? 0);
  return known >= 0.5 * (to - from) ? most : undefined;
}

interface RecordInput extends SkillInput {
  readonly waiting: LearnedMemory['pending'];
}

function record({ waiting, outlook, policy, leadSeconds, now }: RecordInput): LearnedMemory['pending'] {
  const last = waiting.at(-1);
  if (last !== undefined && elapsed(last.at, now) < recordEverySeconds) return waiting;
  if (leadSeconds === undefined) return waiting;
  const horizon = leadSeconds + policy.tunables.tickSeconds;
  const made = outlook.within(horizon, policy.tunables.provisioningQuantile);
  if (made === undefined) return waiting;
  return [
    ...waiting.slice(1 - mostPending),
    { at: now, due: after(now, horizon), level: made.level, upper: made.upper },
  ];
}
