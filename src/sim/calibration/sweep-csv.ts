import { ok, problem, type Result } from '../../core/model/result.ts';
import { RandomStream } from '../rng.ts';
import { within } from './fields.ts';
import type { MeasuredRun, SentLoad, SentRequest } from './measured-run.ts';

/** A row of a table of guidellm sweeps: one strategy on one shape. */
export interface SweepPoint {
  readonly shape: string;
  readonly strategy: string;
  /** One request after the other; else requests come evenly spaced. */
  readonly isAlone: boolean;
  /** The highest rate of its shape: at or past what the engine can do. */
  readonly isLast: boolean;
  readonly run: MeasuredRun;
}

type Column = (typeof columns)[number];
const columns = [
  'isl_nominal',
  'osl_nominal',
  'strategy',
  'rate',
  'window_s',
  'ok_requests',
  'ttft_ms_p50',
  'itl_ms_mean',
  'e2e_s_mean',
] as const;

interface Row {
  readonly shape: string;
  readonly strategy: string;
  readonly numbers: Readonly<Record<Exclude<Column, 'strategy'>, number>>;
}

/** The rows at a constant rate and those of one request after the other; those of no known load (`throughput`) are left out. */
export function parseSweepCsv(lines: readonly string[]): Result<readonly SweepPoint[]> {
  const [header = '', ...rest] = lines;
  const names = header.split(',').map((name) => name.trim());
  const absent = columns.find((name) => !names.includes(name));
  if (absent !== undefined) return problem('line 1', header.slice(0, 80), `a header with \`${absent}\``);
  const rows: Row[] = [];
  for (const [i, line] of rest.entries()) {
    if (line.trim() === '') continue;
    const read = rowOf(new Map(line.split(',').map((cell, column) => [names[column] ?? '', cell.trim()])));
    if (!read.ok) return within(`line ${i + 2}: `, read.problem);
    rows.push(read.value);
  }
  return ok(pointsOf(rows.filter(({ strategy }) => isConstant(strategy) || strategy === 'synchronous')));
}

function isConstant(strategy: string): boolean {
  return strategy.startsWith('constant');
}

function rowOf(cells: ReadonlyMap<string, string>): Result<Row> {
  const strategy = cells.get('strategy') ?? '';
  const read = (name: string): number => (cells.get(name) === '' ? Number.NaN : Number(cells.get(name)));
  const numbers = {
    isl_nominal: read('isl_nominal'),
    osl_nominal: read('osl_nominal'),
    rate: isConstant(strategy) ? read('rate') : 0,
    window_s: read('window_s'),
    ok_requests: read('ok_requests'),
    ttft_ms_p50: read('ttft_ms_p50'),
    itl_ms_mean: read('itl_ms_mean'),
    e2e_s_mean: read('e2e_s_mean'),
  };
  const bad = Object.entries(numbers).find(
    ([name, value]) => !(value > 0) && (name !== 'rate' || isConstant(strategy)),
  );
  if (bad !== undefined) return problem(bad[0], cells.get(bad[0]) ?? 'absent', 'a number above 0');
  return ok({ shape: `${numbers.isl_nominal}/${numbers.osl_nominal}`, strategy, numbers });
}

function pointsOf(rows: readonly Row[]): readonly SweepPoint[] {
  const highest = new Map<string, number>();
  for (const { shape, numbers } of rows) highest.set(shape, Math.max(highest.get(shape) ?? 0, numbers.rate));
  return rows.map((row) => {
    const { shape, strategy, numbers } = row;
    const isAlone = !isConstant(strategy);
    return { shape, strategy, isAlone, isLast: !isAlone && numbers.rate === highest.get(shape), run: runOf(row) };
  });
}

function runOf({ shape, strategy, numbers }: Row): MeasuredRun {
  return {
    name: `${shape} ${strategy}`,
    loads: [isConstant(strategy) ? evenLoad(numbers) : aloneLoad(numbers)],
    windowMs: numbers.window_s * 1000,
    measured: {
      ttftP50: numbers.ttft_ms_p50,
      itlMean: numbers.itl_ms_mean,
      e2eMean: numbers.e2e_s_mean * 1000,
    },
  };
}

function aloneLoad(numbers: Row['numbers']): SentLoad {
  const requests = requestsOf(numbers, numbers.ok_requests * 2, 0);
  return { kind: 'Closed', users: 1, untilMs: numbers.window_s * 1000, requests };
}

function evenLoad(numbers: Row['numbers']): SentLoad {
  const { rate, window_s: seconds } = numbers;
  return { kind: 'Open', requests: requestsOf(numbers, Math.floor(rate * seconds), 1000 / rate) };
}

/** Lengths are uniform from half to one and a half times the nominal ones, as guidellm drew them. */
function requestsOf(numbers: Row['numbers'], count: number, gapMs: number): readonly SentRequest[] {
  const stream = new RandomStream(1, 'lengths');
  const draw = (nominal: number): number => Math.max(1, Math.round(nominal * (0.5 + stream.uniform())));
  return Array.from({ length: count }, (_, i) => ({
    arrivalMs: i * gapMs,
    promptTokens: draw(numbers.isl_nominal),
    outputTokens: draw(numbers.osl_nominal),
  }));
}
