import { ok, problem, type Result } from '../../core/model/result.ts';

/** Readers of what stands in a trace. Each answers what was wrong with it, and what may stand there. */

const mostTokens = 10_000_000;

export function wholeTokens(field: string, cell: string, least: number): Result<number> {
  const tokens = /^\d{1,9}$/.test(cell) ? Number(cell) : Number.NaN;
  if (tokens >= least && tokens <= mostTokens) return ok(tokens);
  return problem(field, cell, `a whole number from ${least} to ${mostTokens}`);
}

/** A number of at least 0. */
export function amount(field: string, cell: string): Result<number> {
  if (/^\d+(\.\d*)?([eE][+-]?\d+)?$/.test(cell)) return ok(Number(cell));
  return problem(field, cell, 'a number of at least 0');
}

/** Answers milliseconds. */
export function secondsSinceStart(field: string, cell: string): Result<number> {
  if (/^\d+(\.\d+)?$/.test(cell)) return ok(Number(cell) * 1000);
  return problem(field, cell, 'seconds since the start, at least 0');
}

const date = /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])/.source;
const clock = /([01]\d|2[0-3]):([0-5]\d):([0-5]\d(?:\.\d+)?)(?:Z|\+00:00)?$/.source;
const timestampForm = new RegExp(`${date}[ T]${clock}`);

/** Milliseconds; only differences are used, so the day count may start anywhere. */
export function timestamp(field: string, cell: string): Result<number> {
  const parts = timestampForm.exec(cell)?.slice(1).map(Number);
  if (parts === undefined) return problem(field, cell, "a time as '2023-11-16 18:15:46.6805900'");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  return ok((((dayNumber(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000);
}

/** Days of the Gregorian calendar, from an arbitrary start: years begin in March, so that the leap day is the last. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const m = month > 2 ? month - 3 : month + 9;
  const leaps = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return 365 * y + leaps + Math.floor((153 * m + 2) / 5) + day;
}

/** The cells of a line, without the byte order mark that some programs put before the first. */
export function cellsOf(line: string): readonly string[] {
  return line.split(',').map((cell, i) => (i === 0 ? cell.replace(/^\uFEFF/, '') : cell).trim());
}
