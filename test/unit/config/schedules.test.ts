import { describe, expect, test } from 'vitest';
import { floorsOf, type Schedule, scheduleProblem } from '../../../src/config/schedules.ts';
import { instant } from '../../../src/core/model/units.ts';

const weekdays: Schedule = { start: '0 8 * * 1-5', timeZone: 'Europe/Paris', durationSeconds: 36_000, replicas: 6 };
const time = (text: string): ReturnType<typeof instant> => instant(Date.parse(text));

/** From and to of each floor, in UTC. */
function spans(schedules: readonly Schedule[], now: string): readonly string[] {
  const text = (at: number): string => new Date(at).toISOString().slice(0, 16);
  return floorsOf(schedules, time(now)).map(({ from, to }) => `${text(from)} ${text(to)}`);
}

describe('floors of schedules', () => {
  test('are told hours before they begin, by the clock of their zone', () => {
    expect(spans([weekdays], '2027-01-11T05:00:00Z')).toStrictEqual(['2027-01-11T07:00 2027-01-11T17:00']);
    expect(spans([weekdays], '2027-07-12T05:00:00Z')).toStrictEqual(['2027-07-12T06:00 2027-07-12T16:00']);
  });
  test('are told while they hold, and not after', () => {
    expect(spans([weekdays], '2027-01-11T16:59:59Z')).toStrictEqual(['2027-01-11T07:00 2027-01-11T17:00']);
    expect(spans([weekdays], '2027-01-11T17:00:01Z')).toStrictEqual([]);
  });
  test('leave the weekend out', () => {
    expect(spans([weekdays], '2027-01-09T10:00:00Z')).toStrictEqual([]);
  });
  test('stand beside each other, each for its target', () => {
    const night: Schedule = { start: '0 22 * * *', durationSeconds: 3600, replicas: 2, target: 'spot' };
    const floors = floorsOf([weekdays, night], time('2027-01-11T15:00:00Z'));
    expect(floors.map(({ replicas, target }) => [Number(replicas), target])).toStrictEqual([
      [6, undefined],
      [2, 'spot'],
    ]);
  });
  test('that begin each minute end', () => {
    const each: Schedule = { start: '* * * * *', durationSeconds: 604_800, replicas: 1 };
    expect(floorsOf([each], time('2027-01-11T15:00:00Z')).length).toBeLessThanOrEqual(1000);
  });
  test('on the night the clocks go forward begin at the first time there is', () => {
    const early: Schedule = { ...weekdays, start: '30 2 * * *', durationSeconds: 3600 };
    expect(spans([early], '2027-03-28T00:00:00Z')).toStrictEqual(['2027-03-28T01:00 2027-03-28T02:00']);
  });
});

const wrong: Readonly<Record<string, { given: Partial<Schedule>; field: string }>> = {
  'four fields': { given: { start: '0 8 * *' }, field: 'start' },
  'six fields': { given: { start: '0 0 8 * * 1' }, field: 'start' },
  'an hour that is none': { given: { start: '0 25 * * *' }, field: 'start' },
  words: { given: { start: 'every morning' }, field: 'start' },
  'a zone that is none': { given: { timeZone: 'Europe/Atlantis' }, field: 'timeZone' },
};
describe('a schedule is refused for', () => {
  for (const [name, { given, field }] of Object.entries(wrong)) {
    test(`${name}`, () => expect(scheduleProblem({ ...weekdays, ...given })?.field).toBe(field));
  }
  test('nothing when it can be used', () => expect(scheduleProblem(weekdays)).toBeUndefined());
});
