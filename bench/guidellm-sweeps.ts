import { readFileSync } from 'node:fs';
import type { MeasuredRun, SentLoad, SentRequest } from '../src/sim/calibration/measured-run.ts';
import { RandomStream } from '../src/sim/rng.ts';

/** A row of the tidy extract of inferno's guidellm sweeps: one strategy on one shape. */
export interface SweepPoint {
  readonly shape: string;
  /** One request after the other; else requests come evenly spaced. */
  readonly isAlone: boolean;
  /** The highest rate of its shape: at or past what the engine can do. */
  readonly isLast: boolean;
  readonly run: MeasuredRun;
}

/** The rows at a constant rate and those of one request after the other. */
export function readSweeps(path: string): readonly SweepPoint[] {
  const [header = '', ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  const names = header.split(',');
  const rows = lines.map((line) => new Map(line.split(',').map((cell, i) => [names[i] ?? '', cell])));
  const constant = rows.filter((row) => strategyOf(row).startsWith('constant'));
  const highest = new Map(constant.map((row) => [shapeOf(row), 0]));
  for (const row of constant) {
    highest.set(shapeOf(row), Math.max(highest.get(shapeOf(row)) ?? 0, numberOf(row, 'rate')));
  }
  const alone = rows.filter((row) => strategyOf(row) === 'synchronous');
  return [...constant, ...alone].map((row) => {
    const [shape, isAlone] = [shapeOf(row), strategyOf(row) === 'synchronous'];
    const isLast = !isAlone && numberOf(row, 'rate') === highest.get(shape);
    return { shape, isAlone, isLast, run: runOf(row, isAlone) };
  });
}

type Cells = ReadonlyMap<string, string>;

function shapeOf(row: Cells): string {
  return `${row.get('isl_nominal')}/${row.get('osl_nominal')}`;
}

function strategyOf(row: Cells): string {
  return row.get('strategy') ?? '';
}

function runOf(row: Cells, isAlone: boolean): MeasuredRun {
  const windowMs = numberOf(row, 'window_s') * 1000;
  return {
    name: `${shapeOf(row)} ${strategyOf(row)}`,
    loads: [isAlone ? aloneLoad(row, windowMs) : evenLoad(row, windowMs)],
    windowMs,
    measured: {
      ttftP50: numberOf(row, 'ttft_ms_p50'),
      itlMean: numberOf(row, 'itl_ms_mean'),
      e2eMean: numberOf(row, 'e2e_s_mean') * 1000,
    },
  };
}

function aloneLoad(row: Cells, untilMs: number): SentLoad {
  const count = numberOf(row, 'ok_requests') * 2;
  return { kind: 'Closed', users: 1, untilMs, requests: requestsOf(row, count, 0) };
}

function evenLoad(row: Cells, windowMs: number): SentLoad {
  const rate = numberOf(row, 'rate');
  return { kind: 'Open', requests: requestsOf(row, Math.floor((rate * windowMs) / 1000), 1000 / rate) };
}

/** Lengths are uniform from half to one and a half times the nominal ones, as guidellm drew them. */
function requestsOf(row: Cells, count: number, gapMs: number): readonly SentRequest[] {
  const stream = new RandomStream(1, 'lengths');
  const draw = (nominal: number): number => Math.max(1, Math.round(nominal * (0.5 + stream.uniform())));
  const [prompt, output] = [numberOf(row, 'isl_nominal'), numberOf(row, 'osl_nominal')];
  return Array.from({ length: count }, (_, i) => ({
    arrivalMs: i * gapMs,
    promptTokens: draw(prompt),
    outputTokens: draw(output),
  }));
}

function numberOf(row: Cells, name: string): number {
  const text = row.get(name) ?? '';
  if (text === '' || !Number.isFinite(Number(text))) throw new TypeError(`\`${name}\` must be a number, was '${text}'`);
  return Number(text);
}
