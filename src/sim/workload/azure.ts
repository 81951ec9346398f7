import { ok, problem, type Result } from '../../core/model/result.ts';
import { type RequestRow, type Workload, workloadOf } from './workload.ts';

interface Columns {
  readonly time: number;
  readonly prompt: number;
  readonly output: number;
  readonly width: number;
  /** Names as the file writes them, for messages. */
  readonly names: readonly [string, string, string];
  readonly isDated: boolean;
}

const headers: readonly { readonly names: readonly [string, string, string]; readonly isDated: boolean }[] = [
  { names: ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'], isDated: true },
  { names: ['t_s', 'input_tokens', 'output_tokens'], isDated: false },
];

const mostTokens = 10_000_000;

/**
 * The Azure LLM inference trace: `TIMESTAMP,ContextTokens,GeneratedTokens`, or the same with seconds as `t_s,input_tokens,output_tokens`. Time
 * starts at the first request. Rows that generated nothing are failures: counted, not simulated. An empty line is nothing.
 */
export class AzureTraceParser {
  readonly #name: string;
  readonly #rows: RequestRow[] = [];
  #columns: Columns | undefined;
  #failed = 0;

  constructor(name: string) {
    this.#name = name;
  }

  push(line: string): Result<undefined> {
    if (line.trim() === '') return ok(undefined);
    const cells = line.split(',').map((cell) => cell.trim());
    return this.#columns === undefined ? this.#readHeader(line, cells) : this.#readRow(cells, this.#columns);
  }

  finish(): Result<Workload> {
    if (this.#columns === undefined) return problem('header', 'an empty file', headerAllowed());
    if (this.#rows.length === 0) return problem('rows', 0, 'at least one request that generated tokens');
    const first = this.#rows.reduce((least, row) => Math.min(least, row.arrivalMs), Number.POSITIVE_INFINITY);
    const rows = this.#rows.map((row) => ({ ...row, arrivalMs: row.arrivalMs - first }));
    return ok({ ...workloadOf(this.#name, rows), failedRows: this.#failed });
  }

  #readHeader(line: string, cells: readonly string[]): Result<undefined> {
    const bare = cells.map((cell, i) => (i === 0 ? cell.replace(/^\uFEFF/, '') : cell));
    for (const { names, isDated } of headers) {
      const [time, prompt, output] = names.map((name) => bare.indexOf(name));
      if (time === undefined || prompt === undefined || output === undefined) continue;
      if (time < 0 || prompt < 0 || output < 0) continue;
      this.#columns = { time, prompt, output, width: bare.length, names, isDated };
      return ok(undefined);
    }
    return problem('header', line.slice(0, 120), headerAllowed());
  }

  #readRow(cells: readonly string[], columns: Columns): Result<undefined> {
    if (cells.length !== columns.width)
      return problem('columns', cells.length, `${columns.width} cells as in the header`);
    const [timeName, promptName, outputName] = columns.names;
    const time = parseTime(timeName, cells[columns.time] ?? '', columns.isDated);
    if (!time.ok) return time;
    const prompt = parseTokens(promptName, cells[columns.prompt] ?? '', 1);
    if (!prompt.ok) return prompt;
    const output = parseTokens(outputName, cells[columns.output] ?? '', 0);
    if (!output.ok) return output;
    if (output.value === 0) this.#failed++;
    else this.#rows.push({ arrivalMs: time.value, promptTokens: prompt.value, outputTokens: output.value });
    return ok(undefined);
  }
}

function headerAllowed(): string {
  return headers.map(({ names }) => `'${names.join(',')}'`).join(' or ');
}

function parseTokens(field: string, cell: string, least: number): Result<number> {
  const tokens = /^\d{1,9}$/.test(cell) ? Number(cell) : Number.NaN;
  if (tokens >= least && tokens <= mostTokens) return ok(tokens);
  return problem(field, cell, `a whole number from ${least} to ${mostTokens}`);
}

function parseTime(field: string, cell: string, isDated: boolean): Result<number> {
  if (isDated) return parseTimestamp(field, cell);
  if (/^\d+(\.\d+)?$/.test(cell)) return ok(Number(cell) * 1000);
  return problem(field, cell, 'seconds since the start, at least 0');
}

const date = /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])/.source;
const clock = /([01]\d|2[0-3]):([0-5]\d):([0-5]\d(?:\.\d+)?)(?:Z|\+00:00)?$/.source;
const timestamp = new RegExp(`${date}[ T]${clock}`);

/** Milliseconds; only differences are used, so the day count may start anywhere. */
function parseTimestamp(field: string, cell: string): Result<number> {
  const parts = timestamp.exec(cell)?.slice(1).map(Number);
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
