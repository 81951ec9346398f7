import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { explainError } from '../src/errors.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { limitsPath, readLimits } from './limits.ts';
import { type BenchOutput, environment, judge, type Row } from './rows.ts';

const usage = 'npm run bench [-- NAME [--full] [--only CASE,...] [--scores FILE] [-o table|json]]';
const folder = join(import.meta.dirname, 'benches');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => basename(name, '.ts'));

/** Answers the exit code: 1 when a bar was missed, 2 when the bench could not run. */
async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      full: { type: 'boolean', default: false },
      only: { type: 'string' },
      scores: { type: 'string' },
      output: { type: 'string', short: 'o', default: 'table' },
    },
  });
  const [name, ...more] = positionals;
  if (name === undefined) return list();
  if (more.length > 0) throw new RangeError(`only one bench runs at a time, were ${positionals.join(', ')}: ${usage}`);
  if (!['table', 'json'].includes(values.output))
    throw new RangeError(`-o must be table or json, was ${values.output}`);
  const output = await run(name, {
    isFull: values.full,
    ...(values.only === undefined ? {} : { only: values.only.split(',') }),
    ...(values.scores === undefined ? {} : { scores: values.scores }),
  });
  process.stdout.write(values.output === 'json' ? `${JSON.stringify(output, null, 2)}\n` : table(output));
  return output.rows.some((row) => row.ok === false) ? 1 : 0;
}

async function load(name: string): Promise<Bench> {
  if (!names.includes(name)) throw new RangeError(`a bench must be one of ${names.join(', ')}, was '${name}'`);
  const module: { readonly bench: Bench } = await import(join(folder, `${name}.ts`));
  return module.bench;
}

async function list(): Promise<number> {
  const rows = await Promise.all(names.map(async (name) => [name, ...(await described(name))]));
  process.stdout.write(`${usage}\n\n${leftTable([['BENCH', 'TAKES', '--full', 'MEASURES'], ...rows])}\n`);
  return 0;
}

/** A bench that does not load must not hide the others. */
async function described(name: string): Promise<readonly string[]> {
  try {
    const { takes, fullTakes, about } = await load(name);
    return [takes, fullTakes, about];
  } catch (err) {
    return ['-', '-', `cannot be loaded: ${explainError(err)}`];
  }
}

async function run(name: string, options: Omit<BenchOptions, 'say'>): Promise<BenchOutput> {
  const bench = await load(name);
  if (bench.hasCases !== true && (options.only ?? options.scores) !== undefined)
    throw new RangeError(`${name} must stand without --only and --scores: it has no cases to choose from`);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`${name}: about ${options.isFull ? bench.fullTakes : bench.takes}, bars from ${limitsPath()}`);
  const limits = readLimits();
  const measured = await bench.run({ ...options, say });
  return { bench: name, environment: environment(), rows: judge(name, measured, limits) };
}

function table({ bench, environment, rows }: BenchOutput): string {
  const where = Object.entries(environment).map(([name, value]) => `${name} ${value}`);
  const head = ['CASE', 'METRIC', 'VALUE', 'UNIT', 'REFERENCE', 'RATIO', 'BAR', 'VERDICT', 'NOTE'];
  const missed = rows.filter((row) => row.ok === false).length;
  const end = missed === 0 ? 'every bar held' : `${missed} missed`;
  return `${bench}: ${where.join(', ')}\n\n${leftTable([head, ...rows.map(cells)])}\n\n${rows.length} rows, ${end}\n`;
}

function cells(row: Row): readonly string[] {
  const verdict = row.ok === null ? '-' : row.ok ? 'ok' : 'MISSED';
  const numbers = [row.value, row.reference, row.ratio].map((value) => (value === null ? '-' : figure(value)));
  const [value = '-', reference = '-', ratio = '-'] = numbers;
  return [row.case, row.metric, value, row.unit, reference, ratio, row.bar ?? '-', verdict, row.note];
}

function figure(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

/** All columns to the left but numbers, which stay short. */
function leftTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (err) {
  process.stderr.write(`bench: ${explainError(err)}\n`);
  process.exitCode = 2;
}
