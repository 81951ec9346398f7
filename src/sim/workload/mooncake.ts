import { ok, problem, type Result } from '../../core/model/result.ts';
import { ColumnBuilder } from './columns.ts';
import { fromFirstArrival } from './request-csv.ts';
import type { Workload } from './workload.ts';

/** Tokens of the blocks that Mooncake's own traces number. */
export const mooncakeBlockTokens = 512;

interface Row {
  readonly timestamp: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly prefix: readonly number[];
}

/**
 * Mooncake's traces: a JSON object a line, `timestamp` in milliseconds, `input_length`, `output_length`, and `hash_ids`, one number for each block of
 * the prompt that stands for all the tokens up to its end. Rows that generated nothing are failures: counted, not simulated.
 */
export class MooncakeParser {
  readonly #name: string;
  readonly #blockTokens: number;
  readonly #rows: ColumnBuilder;
  #hasPrefixes = false;
  #failed = 0;

  constructor(name: string, blockTokens: number = mooncakeBlockTokens) {
    this.#name = name;
    this.#blockTokens = blockTokens;
    this.#rows = new ColumnBuilder(blockTokens);
  }

  push(line: string): Result<undefined> {
    if (line.trim() === '') return ok(undefined);
    const row = this.#row(line);
    if (!row.ok) return row;
    const { timestamp, promptTokens, outputTokens, prefix } = row.value;
    if (prefix.length > 0) this.#hasPrefixes = true;
    if (outputTokens === 0) this.#failed++;
    else this.#rows.push({ arrivalMs: timestamp, promptTokens, outputTokens, prefix });
    return ok(undefined);
  }

  finish(): Result<Workload> {
    if (this.#rows.count === 0) return problem('rows', 0, 'at least one request that generated tokens');
    const { prefixes, ...workload } = fromFirstArrival(this.#rows.workload(this.#name));
    const counted = { failedRows: this.#failed, fileRows: this.#failed + this.#rows.count };
    const isShared = this.#hasPrefixes && prefixes !== undefined;
    return ok({ ...workload, ...(isShared ? { prefixes } : {}), ...counted });
  }

  #row(line: string): Result<Row> {
    const document = objectOf(line);
    if (document === undefined) return problem('line', line.slice(0, 120), "one JSON object with 'timestamp'");
    const timestamp = document['timestamp'];
    if (typeof timestamp !== 'number' || !(timestamp >= 0 && timestamp < 1e15)) {
      return problem('timestamp', timestamp ?? 'absent', 'milliseconds since the start, at least 0');
    }
    const output = tokens('output_length', document['output_length'], 0);
    if (!output.ok) return output;
    const prompt = tokens('input_length', document['input_length'], output.value === 0 ? 0 : 1);
    if (!prompt.ok) return prompt;
    const prefix = this.#prefix(document['hash_ids'], prompt.value);
    if (!prefix.ok) return prefix;
    return ok({ timestamp, promptTokens: prompt.value, outputTokens: output.value, prefix: prefix.value });
  }

  #prefix(ids: unknown, promptTokens: number): Result<readonly number[]> {
    if (ids === undefined || ids === null) return ok([]);
    if (!isNumbers(ids)) return problem('hash_ids', ids, 'a list of whole numbers, none of them twice');
    const blocks = Math.ceil(promptTokens / this.#blockTokens);
    if (ids.length === blocks) return ok(ids);
    const allowed = `${blocks} numbers, one for each ${this.#blockTokens} tokens of ${promptTokens} (other blocks: --prefix-block-tokens)`;
    return problem('hash_ids', ids.length, allowed);
  }
}

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(line.replace(/^\uFEFF/, ''));
    return isObject(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

function isObject(document: unknown): document is Readonly<Record<string, unknown>> {
  return typeof document === 'object' && document !== null && !Array.isArray(document);
}

/** A number that stands for all tokens up to a block's end cannot come twice in a prompt. */
function isNumbers(ids: unknown): ids is readonly number[] {
  if (!Array.isArray(ids) || !ids.every((id) => Number.isSafeInteger(id))) return false;
  return new Set(ids).size === ids.length;
}

function tokens(field: string, seen: unknown, least: number): Result<number> {
  if (typeof seen === 'number' && Number.isInteger(seen) && seen >= least && seen <= 10_000_000) return ok(seen);
  return problem(field, seen ?? 'absent', `a whole number from ${least} to 10000000`);
}
