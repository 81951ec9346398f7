import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Milliseconds of a step with so many decoding requests and prefill tokens: a robust fit over all steps of the data (its SOURCE.md). */
const usualStep = (decoding: number, prefill: number): number => 17 + 0.54 * decoding + 0.2 * prefill;

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
    const rows = text
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
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
function stepOf(row: readonly string[], before: readonly string[] | undefined): readonly (Step & { server: string })[] {
  const [server = '', end, iteration, , prefill, decoding] = row;
  if (before === undefined || before[0] !== server || Number(before[2]) + 1 !== Number(iteration)) return [];
  if (!(Number(before[7]) > 0)) return [];
  const ms = (Number(end) - Number(before[1])) * 1000;
  return [{ server, endS: Number(end), ratio: ms / usualStep(Number(decoding), Number(prefill)) }];
}
