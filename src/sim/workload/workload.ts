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
  /** Rows of the file that generated nothing: failures, not simulated. */
  readonly failedRows?: number;
}

export interface RequestRow {
  readonly arrivalMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/** Columns from rows, sorted by arrival; equal arrivals keep their order. */
export function workloadOf(name: string, rows: readonly RequestRow[], durationSeconds?: number): Workload {
  const sorted = [...rows].sort((a, b) => a.arrivalMs - b.arrivalMs);
  const last = sorted.at(-1)?.arrivalMs ?? 0;
  return {
    name,
    durationSeconds: durationSeconds ?? last / 1000,
    arrivalMs: Float64Array.from(sorted, (row) => row.arrivalMs),
    promptTokens: Int32Array.from(sorted, (row) => row.promptTokens),
    outputTokens: Int32Array.from(sorted, (row) => row.outputTokens),
  };
}
