import { ok, problem, type Result } from '../../core/model/result.ts';
import { at, parseJson } from './fields.ts';
import { type History, parseHistory } from './history.ts';
import { type Arrivals, parseRequestReport, parseStageReport } from './inference-perf.ts';
import type { MeasuredRun } from './measured-run.ts';
import { parseRequestLines } from './request-lines.ts';
import { parseSweepCsv } from './sweep-csv.ts';
import { isVllmBench, parseVllmBench } from './vllm-bench.ts';

/** What a file of measurements holds. */
export type Measurements =
  | { readonly kind: 'Runs'; readonly runs: readonly MeasuredRun[]; readonly notes: readonly string[] }
  | { readonly kind: 'History'; readonly history: History };

/** Takes a file line by line and tells by its content what it is. */
export class MeasurementsParser {
  readonly #lines: string[] = [];
  readonly #name: string;
  readonly #arrivals: Arrivals;

  constructor(name: string, arrivals: Arrivals) {
    this.#name = name;
    this.#arrivals = arrivals;
  }

  push(line: string): Result<undefined> {
    this.#lines.push(line);
    return ok(undefined);
  }

  finish(): Result<Measurements> {
    const first = this.#lines.find((line) => line.trim() !== '')?.trim() ?? '';
    if (first === '') return problem('(file)', 'nothing', 'measurements of an engine');
    if (!first.startsWith('{') && !first.startsWith('[')) return this.#sweeps();
    const whole = parseJson(this.#lines.join('\n'));
    return whole === undefined || at(whole, 'arrival_s') !== undefined ? this.#requests() : this.#document(whole);
  }

  #document(whole: unknown): Result<Measurements> {
    if (Array.isArray(whole)) return runsOf(one(parseRequestReport(whole, this.#name)));
    if (at(whole, 'load_summary') !== undefined)
      return runsOf(one(parseStageReport(whole, this.#name, this.#arrivals)));
    if (isVllmBench(whole)) return runsOf(one(parseVllmBench(whole, this.#name, this.#arrivals)));
    if (at(whole, 'data') === undefined) {
      const known = 'a report of inference-perf, a result of vllm bench serve or an answer of query_range';
      return problem('(file)', 'an unknown document', known);
    }
    const history = parseHistory(whole);
    return history.ok ? ok({ kind: 'History', history: history.value }) : history;
  }

  #requests(): Result<Measurements> {
    return runsOf(parseRequestLines(this.#lines, this.#name));
  }

  #sweeps(): Result<Measurements> {
    const read = parseSweepCsv(this.#lines);
    if (!read.ok) return read;
    const used = read.value.filter(({ isLast }) => !isLast);
    const last = read.value.length - used.length;
    const notes = [`${this.#name}: the highest rate of each shape (${last} rows) is at capacity and not used`];
    return runsOf(ok(used.map(({ run }) => run)), last > 0 ? notes : []);
  }
}

function one(read: Result<MeasuredRun>): Result<readonly MeasuredRun[]> {
  return read.ok ? ok([read.value]) : read;
}

function runsOf(read: Result<readonly MeasuredRun[]>, notes: readonly string[] = []): Result<Measurements> {
  return read.ok ? ok({ kind: 'Runs', runs: read.value, notes }) : read;
}
