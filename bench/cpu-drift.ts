import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';

/** Milliseconds of a step with so many decoding requests and prefill tokens: a robust fit over all steps of the data (its SOURCE.md). */
const usualStep = (decoding: number, prefill: number): number => 17 + 0.54 * decoding + 0.2 * prefill;

type Row = Readonly<Record<string, string>>;

interface Step {
  readonly endS: number;
  readonly ratio: number;
}

/** A span of one server's life, seconds of the wall clock. */
export interface ServerSpan {
  readonly server: string;
  readonly fromS: number;
  readonly toS: number;
}

/** How much slower than usual the steps of a span were, in the median: the virtual machine drifts by a fifth even when nothing else runs on it. */
export class CpuDrift {
  readonly #steps: ReadonlyMap<string, readonly Step[]>;

  constructor(folder: string) {
    const text = gunzipSync(readFileSync(join(folder, 'iterations.csv.gz'))).toString('utf8');
    const rows = parse<Row>(text, { columns: true });
    const steps = rows.flatMap((row, i) => stepOf(row, rows[i - 1]));
    this.#steps = Map.groupBy(steps, ({ server }) => server);
  }

  of({ server, fromS, toS }: ServerSpan): number {
    const own = (this.#steps.get(server) ?? []).filter(({ endS }) => endS >= fromS && endS <= toS);
    const ratios = own.map(({ ratio }) => ratio).toSorted((a, b) => a - b);
    return ratios[Math.floor(ratios.length / 2)] ?? 1;
  }
}

/** A step took from the end of the one before, when that left work behind. */
function stepOf(row: Row, before: Row = {}): readonly (Step & { server: string })[] {
  if (before['server'] !== row['server'] || numberIn(before, 'iteration') + 1 !== numberIn(row, 'iteration')) return [];
  if (!(numberIn(before, 'kv_pct') > 0)) return [];
  const ms = (numberIn(row, 't_unix') - numberIn(before, 't_unix')) * 1000;
  const ratio = ms / usualStep(numberIn(row, 'gen_requests'), numberIn(row, 'ctx_tokens'));
  return [{ server: row['server'] ?? '', endS: numberIn(row, 't_unix'), ratio }];
}

function numberIn(row: Row, name: string): number {
  return Number(row[name]);
}
