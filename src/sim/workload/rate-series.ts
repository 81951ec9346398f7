import { ok, problem, type Result } from '../../core/model/result.ts';
import { amount, cellsOf, timestamp } from './cells.ts';

/** What the numbers of a series of rates count. */
export const rateUnits = ['per-second', 'per-minute', 'per-hour', 'per-step', 'tokens-per-second'] as const;
export type RateUnit = (typeof rateUnits)[number];

/** Rates that hold from each time to the next, the last for the usual step. */
export interface RateSeries {
  readonly name: string;
  /** Seconds since the start, rising. */
  readonly at: readonly number[];
  readonly value: readonly number[];
  /** The median time from one to the next. */
  readonly stepSeconds: number;
  readonly column: string;
  readonly unit: RateUnit;
  /** Steps that the file does not have: filled in on the line between their neighbours. */
  readonly missing: number;
}

/** Seconds of a unit of each time column; 0: a date, or seconds. */
const timeColumns: Readonly<Record<string, number>> = {
  t_s: 1,
  seconds: 1,
  timestamp: 0,
  Timestamp: 0,
  time: 0,
  ds: 0,
  minute: 60,
  hour: 3600,
  day: 86_400,
};

const valueColumns: Readonly<Record<string, RateUnit>> = {
  rps: 'per-second',
  requests_per_s: 'per-second',
  requests_per_second: 'per-second',
  requests_per_min: 'per-minute',
  requests_per_minute: 'per-minute',
  rpm: 'per-minute',
  rpm_mid: 'per-minute',
  requests_per_hour: 'per-hour',
  mean_requests_per_hour: 'per-hour',
  requests: 'per-step',
  count: 'per-step',
  value: 'per-step',
  tokens_per_s: 'tokens-per-second',
  total_tokens_per_s: 'tokens-per-second',
};

interface Columns {
  readonly time: number;
  readonly timeName: string;
  readonly value: number;
  readonly valueName: string;
  /** 1 there: the row was not measured. -1: no such column. */
  readonly missing: number;
  readonly width: number;
}

export function isRateHeader(cells: readonly string[]): boolean {
  return columnsOf(cells) !== undefined;
}

function columnsOf(cells: readonly string[]): Columns | undefined {
  const timeName = Object.keys(timeColumns).find((name) => cells.includes(name));
  const valueName = Object.keys(valueColumns).find((name) => cells.includes(name));
  if (timeName === undefined || valueName === undefined) return undefined;
  const [time, value] = [cells.indexOf(timeName), cells.indexOf(valueName)];
  return { time, timeName, value, valueName, missing: cells.indexOf('missing'), width: cells.length };
}

/**
 * A CSV of rates: a column of time and one of a known name, others passed over. The column's name says what it counts, unless the caller does;
 * `value`, `count` and `requests` count requests in a step. Steps that are not there are unknown, not zero.
 */
export class RateSeriesParser {
  readonly #name: string;
  readonly #unit: RateUnit | undefined;
  readonly #at: number[] = [];
  readonly #value: number[] = [];
  #columns: Columns | undefined;

  constructor(name: string, unit?: RateUnit) {
    this.#name = name;
    this.#unit = unit;
  }

  push(line: string): Result<undefined> {
    if (line.trim() === '') return ok(undefined);
    const cells = cellsOf(line);
    if (this.#columns !== undefined) return this.#readRow(cells, this.#columns);
    this.#columns = columnsOf(cells);
    if (this.#columns === undefined) return problem('header', line.slice(0, 120), rateHeadersAllowed());
    return ok(undefined);
  }

  finish(): Result<RateSeries> {
    if (this.#columns === undefined) return problem('header', 'an empty file', rateHeadersAllowed());
    if (this.#at.length < 2) return problem('rows', this.#at.length, 'at least two: the time between them is the step');
    const { valueName } = this.#columns;
    const start = this.#at[0] ?? 0;
    const at = this.#at.map((time) => time - start);
    const steps = at.slice(1).map((time, i) => time - (at[i] ?? 0));
    const stepSeconds = steps.toSorted((a, b) => a - b)[Math.floor((steps.length - 1) / 2)] ?? 1;
    const filled = withoutGaps(at, this.#value, stepSeconds);
    const unit = this.#unit ?? valueColumns[valueName] ?? 'per-step';
    return ok({ name: this.#name, ...filled, stepSeconds, column: valueName, unit });
  }

  #readRow(cells: readonly string[], columns: Columns): Result<undefined> {
    if (cells.length !== columns.width)
      return problem('columns', cells.length, `${columns.width} cells as in the header`);
    const time = timeOf(columns.timeName, cells[columns.time] ?? '');
    if (!time.ok) return time;
    const before = this.#at.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (time.value <= before) return problem(columns.timeName, cells[columns.time], 'later than the row before');
    if (cells[columns.missing] === '1') return ok(undefined);
    const value = amount(columns.valueName, cells[columns.value] ?? '');
    if (!value.ok) return value;
    this.#at.push(time.value);
    this.#value.push(value.value);
    return ok(undefined);
  }
}

export function rateHeadersAllowed(): string {
  const names = (table: Readonly<Record<string, unknown>>): string => Object.keys(table).join(', ');
  return `a column of time (${names(timeColumns)}) and one of rates (${names(valueColumns)})`;
}

/** Seconds. */
function timeOf(name: string, cell: string): Result<number> {
  const unit = timeColumns[name] ?? 1;
  if (unit === 0 && cell.includes('-')) {
    const dated = timestamp(name, cell);
    return dated.ok ? ok(dated.value / 1000) : dated;
  }
  const read = amount(name, cell);
  return read.ok ? ok(read.value * Math.max(1, unit)) : read;
}

function withoutGaps(
  at: readonly number[],
  value: readonly number[],
  step: number,
): Pick<RateSeries, 'at' | 'value' | 'missing'> {
  const filled = { at: [0], value: [value[0] ?? 0], missing: 0 };
  for (let i = 1; i < at.length; i++) {
    const [from = 0, to = 0] = [at[i - 1], at[i]];
    const [low = 0, high = 0] = [value[i - 1], value[i]];
    const steps = Math.max(1, Math.round((to - from) / step));
    for (let k = 1; k <= steps; k++) {
      filled.at.push(k === steps ? to : from + k * step);
      filled.value.push(low + ((high - low) * k) / steps);
    }
    filled.missing += steps - 1;
  }
  return filled;
}
