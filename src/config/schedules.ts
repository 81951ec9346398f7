import { Cron } from 'croner';
import type { InferenceAutoscalerSpec } from '../core/model/api.gen.ts';
import type { Floor } from '../core/model/pool.ts';
import { type Instant, instant, replicas } from '../core/model/units.ts';

export type Schedule = NonNullable<InferenceAutoscalerSpec['schedules']>[number];

/** Floors are expanded so far ahead: longer than any lead time, and than the time between two expansions. */
const aheadMilliseconds = 8 * 3_600_000;
/** Of one schedule: one that begins each minute and lasts for days has more that hold than anybody needs. */
const mostBeginnings = 1000;

/** The reason why a schedule cannot be used, in words for its writer. */
export function scheduleProblem({
  start,
  timeZone,
}: Schedule): { readonly field: string; readonly allowed: string } | undefined {
  if (timeZone !== undefined && !isZone(timeZone)) {
    return { field: 'timeZone', allowed: "the IANA name of a time zone, as 'Europe/Paris'" };
  }
  try {
    cronOf({ start, ...(timeZone === undefined ? {} : { timeZone }) });
    return undefined;
  } catch (err) {
    const why = err instanceof Error ? err.message.replace(/^CronPattern: /, '') : String(err);
    return { field: 'start', allowed: `five fields of cron, as '0 8 * * 1-5' (${why})` };
  }
}

/** What holds now or begins within hours. Schedules that cannot be used have been refused before. */
export function floorsOf(schedules: readonly Schedule[], now: Instant): readonly Floor[] {
  return schedules.flatMap((schedule) => floorsOfOne(schedule, now));
}

function floorsOfOne(schedule: Schedule, now: Instant): readonly Floor[] {
  const long = schedule.durationSeconds * 1000;
  const cron = cronOf(schedule);
  const floors: Floor[] = [];
  let begin = cron.nextRun(new Date(now - long));
  for (let i = 0; begin !== null && begin.getTime() <= now + aheadMilliseconds && i < mostBeginnings; i++) {
    const from = begin.getTime();
    floors.push({
      from: instant(from),
      to: instant(from + long),
      replicas: replicas(schedule.replicas),
      ...(schedule.target === undefined ? {} : { target: schedule.target }),
    });
    begin = cron.nextRun(begin);
  }
  return floors;
}

function cronOf({ start, timeZone = 'UTC' }: Pick<Schedule, 'start' | 'timeZone'>): Cron {
  return new Cron(start, { timezone: timeZone, mode: '5-part' });
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
