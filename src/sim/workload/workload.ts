import { ColumnBuilder } from './columns.ts';

/**
 * What arrives: columns of equal length, sorted by arrival. Output lengths are the simulator's truth; policies never see them (the sensors are
 * the only door).
 */
export interface Workload {
  readonly name: string;
  /** What is scored and paid for: from 0 to here. No arrival is later. */
  readonly durationSeconds: number;
  /** Milliseconds since the start. */
  readonly arrivalMs: Float64Array;
  readonly promptTokens: Int32Array;
  /** At least 1. */
  readonly outputTokens: Int32Array;
  /** What of the prompts is shared; absent where nobody knows. */
  readonly prefixes?: Prefixes;
  /** Rows of the file that generated nothing: failures, not simulated. Of all of it, whatever part was taken. */
  readonly failedRows?: number;
  /** All rows of the file. */
  readonly fileRows?: number;
}

/**
 * Which blocks the prompts begin with. A block's number stands for its tokens and all before it, so that two prompts share as much as their
 * numbers agree from the start. The numbers of request i are `ids[offsets[i] .. offsets[i + 1])`.
 */
export interface Prefixes {
  /** Tokens of a block; the last block of a prompt may hold fewer. */
  readonly blockTokens: number;
  readonly offsets: Int32Array;
  /** From 0 to `distinct` - 1. */
  readonly ids: Int32Array;
  readonly distinct: number;
}

export interface RequestRow {
  readonly arrivalMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly prefix?: ArrayLike<number> | undefined;
}

/** Columns from rows, sorted by arrival; equal arrivals keep their order. */
export function workloadOf(name: string, rows: readonly RequestRow[], durationSeconds?: number): Workload {
  const columns = new ColumnBuilder();
  for (const row of rows) columns.push(row);
  return columns.workload(name, durationSeconds);
}

/** The blocks that the prompt of a request begins with. */
export function prefixOf({ prefixes }: Workload, request: number): Int32Array | undefined {
  return prefixes?.ids.subarray(prefixes.offsets[request], prefixes.offsets[request + 1]);
}
