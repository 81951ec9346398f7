import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One request of a measured run; milliseconds since the first arrival. */
export interface MeasuredRequest {
  readonly arrivalMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly firstTokenMs: number;
  readonly lastTokenMs: number;
}

/** A folder of measured data kept beside the repository; absent where nobody put it. */
export function dataFolder(name: string): string | undefined {
  const folder = join(dirname(dirname(import.meta.dirname)), 'shared', 'data', ...name.split('/'));
  return existsSync(folder) ? folder : undefined;
}

/**
 * Per-request timings as LLMServingSim's vLLM runs record them. Arrivals are of the wall clock, all else of a monotonic one; the two are joined
 * where a request was queued soonest after it arrived.
 */
export function readMeasuredRun(folder: string): readonly MeasuredRequest[] {
  const lines = readFileSync(join(folder, 'requests.jsonl'), 'utf8').trim().split('\n');
  const rows = lines.map((line) => numbersOf(JSON.parse(line)));
  const first = Math.min(...rows.map((row) => row.arrival));
  const offset = Math.min(...rows.map((row) => row.queued - (row.arrival - first)));
  return rows
    .map((row) => ({
      arrivalMs: (row.arrival - first) * 1000,
      promptTokens: row.prompt,
      outputTokens: row.output,
      firstTokenMs: (row.first - offset) * 1000,
      lastTokenMs: (row.last - offset) * 1000,
    }))
    .toSorted((a, b) => a.arrivalMs - b.arrivalMs);
}

type Numbers = Readonly<Record<'arrival' | 'queued' | 'prompt' | 'output' | 'first' | 'last', number>>;

function numbersOf(row: unknown): Numbers {
  const field = (name: string): number => {
    const value: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, name) : undefined;
    if (typeof value !== 'number') throw new TypeError(`\`${name}\` must be a number in each line of requests.jsonl`);
    return value;
  };
  return {
    arrival: field('arrival_time'),
    queued: field('queued_ts'),
    prompt: field('input_toks'),
    output: field('output_toks'),
    first: field('first_token_ts'),
    last: field('last_token_ts'),
  };
}
