import { ok, problem, type Result } from '../../core/model/result.ts';
import { cellsOf, secondsSinceStart, timestamp, wholeTokens } from './cells.ts';
import { ColumnBuilder } from './columns.ts';
import type { Workload } from './workload.ts';

/** Names of the columns of time, prompt and output, and how time is written. */
export interface RequestHeader {
  readonly names: readonly [string, string, string];
  readonly isDated: boolean;
}

/** Azure's LLM inference traces, and the same with seconds. */
export const azureHeaders: readonly RequestHeader[] = [
  { names: ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'], isDated: true },
  { names: ['t_s', 'input_tokens', 'output_tokens'], isDated: false },
];

/** BurstGPT: its other columns (model, total, kind, session) are passed over. */
export const burstGptHeaders: readonly RequestHeader[] = [
  { names: ['Timestamp', 'Request tokens', 'Response tokens'], isDated: false },
];

interface Columns extends RequestHeader {
  readonly time: number;
  readonly prompt: number;
  readonly output: number;
  readonly width: number;
}

/**
 * A CSV of requests with their lengths. Time starts at the first request that is simulated. Rows that generated nothing are failures: counted,
 * not simulated. An empty line is nothing.
 */
export class RequestCsvParser {
  readonly #name: string;
  readonly #headers: readonly RequestHeader[];
  readonly #rows = new ColumnBuilder();
  #columns: Columns | undefined;
  #failed = 0;

  constructor(name: string, headers: readonly RequestHeader[]) {
    this.#name = name;
    this.#headers = headers;
  }

  push(line: string): Result<undefined> {
    if (line.trim() === '') return ok(undefined);
    const cells = cellsOf(line);
    return this.#columns === undefined ? this.#readHeader(line, cells) : this.#readRow(cells, this.#columns);
  }

  finish(): Result<Workload> {
    if (this.#columns === undefined) return problem('header', 'an empty file', headersAllowed(this.#headers));
    if (this.#rows.count === 0) return problem('rows', 0, 'at least one request that generated tokens');
    return ok({ ...fromFirstArrival(this.#rows.workload(this.#name)), ...this.#counted() });
  }

  #counted(): Pick<Workload, 'failedRows' | 'fileRows'> {
    return { failedRows: this.#failed, fileRows: this.#failed + this.#rows.count };
  }

  #readHeader(line: string, cells: readonly string[]): Result<undefined> {
    const header = requestHeaderIn(cells, this.#headers);
    if (header === undefined) return problem('header', line.slice(0, 120), headersAllowed(this.#headers));
    const [time, prompt, output] = header.names;
    const at = (name: string): number => cells.indexOf(name);
    this.#columns = { ...header, time: at(time), prompt: at(prompt), output: at(output), width: cells.length };
    return ok(undefined);
  }

  #readRow(cells: readonly string[], columns: Columns): Result<undefined> {
    if (cells.length !== columns.width)
      return problem('columns', cells.length, `${columns.width} cells as in the header`);
    const [timeName, promptName, outputName] = columns.names;
    const time = (columns.isDated ? timestamp : secondsSinceStart)(timeName, cells[columns.time] ?? '');
    if (!time.ok) return time;
    const output = wholeTokens(outputName, cells[columns.output] ?? '', 0);
    if (!output.ok) return output;
    const prompt = wholeTokens(promptName, cells[columns.prompt] ?? '', output.value === 0 ? 0 : 1);
    if (!prompt.ok) return prompt;
    if (output.value === 0) this.#failed++;
    else this.#rows.push({ arrivalMs: time.value, promptTokens: prompt.value, outputTokens: output.value });
    return ok(undefined);
  }
}

/** The first of `headers` whose columns are all there. */
export function requestHeaderIn(
  cells: readonly string[],
  headers: readonly RequestHeader[],
): RequestHeader | undefined {
  return headers.find(({ names }) => names.every((name) => cells.includes(name)));
}

export function headersAllowed(headers: readonly RequestHeader[]): string {
  return headers.map(({ names }) => `'${names.join(',')}'`).join(' or ');
}

/** Time from 0 at the first arrival. */
export function fromFirstArrival(workload: Workload): Workload {
  const first = workload.arrivalMs[0] ?? 0;
  const arrivalMs = workload.arrivalMs.map((at) => at - first);
  return { ...workload, arrivalMs, durationSeconds: (arrivalMs.at(-1) ?? 0) / 1000 };
}
