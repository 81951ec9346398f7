import { readFileSync } from 'node:fs';
import type { Bench, BenchOptions, Measurement } from '../bench.ts';
import { backtest, type Backtest, type Scores } from '../forecast/backtest.ts';
import { readSeries, tracesFolder } from '../forecast/series.ts';

export const bench: Bench = {
  about: 'upper bounds of demand on recorded loads, beside those of the reference implementation',
  takes: '1 min',
  fullTakes: '1 min, each series on its own too',
  run,
};

/** What the reference implementation scored on the same origins: [PL90, PL95, coverage]. */
interface Published {
  readonly family: string;
  readonly horizons: Readonly<Record<string, PublishedRow>>;
}
interface PublishedRow {
  readonly origins: number;
  readonly naive: readonly [number, number, number];
  readonly reference: readonly [number, number, number];
  readonly wide: readonly [number, number, number];
}
interface Pair {
  readonly ours: Scores;
  readonly theirs: PublishedRow;
}

function run({ isFull, say }: BenchOptions): Promise<readonly Measurement[]> {
  const folder = tracesFolder();
  if (folder === undefined) return Promise.resolve([absent()]);
  const published: Readonly<Record<string, Published>> = JSON.parse(
    readFileSync(new URL('../forecast/reference.json', import.meta.url), 'utf8'),
  );
  const pairs: Pair[] = [];
  const runs: (readonly [string, Backtest])[] = [];
  for (const series of readSeries(folder)) {
    say(series.name);
    const result = backtest(series);
    runs.push([series.name, result]);
    for (const ours of result.scores) pairs.push({ ours, theirs: rowOf(published, ours) });
  }
  const ratios = familiesOf(pairs).flatMap(ratiosOf);
  return Promise.resolve([
    ...ratios,
    {
      case: `${ratios.length} rows`,
      metric: 'pinball-mean',
      value: geometric(ratios.map(({ value }) => value ?? Number.NaN)),
      unit: 'geometric mean of ratios',
    },
    ...familiesOf(pairs).map(coverageOf),
    ...controlsOf(pairs),
    ...costsOf(runs),
    ...(isFull ? pairs.flatMap((pair) => ratiosOf([pair]).map((row) => ({ ...row, metric: 'series' }))) : []),
  ]);
}

function absent(): Measurement {
  return {
    case: 'all',
    metric: 'pinball-mean',
    value: null,
    unit: 'ratio',
    note: 'shared/data/traces is not beside this repository',
  };
}

/** Other origins than the reference's would compare two different things. */
function rowOf(published: Readonly<Record<string, Published>>, ours: Scores): PublishedRow {
  const row = published[ours.series]?.horizons[String(ours.horizon)];
  if (row === undefined || row.origins !== ours.origins) {
    throw new RangeError(
      `${ours.series} at ${ours.horizon} s must be scored on ${row?.origins ?? 'no'} origins, was scored on ${ours.origins}: compare the trace with its SOURCE.md`,
    );
  }
  return row;
}

function familiesOf(pairs: readonly Pair[]): readonly (readonly Pair[])[] {
  return [...Map.groupBy(pairs, ({ ours }) => `${ours.family} ${ours.horizon}`).values()];
}

function nameOf(pairs: readonly Pair[]): string {
  const [first] = pairs;
  const name = pairs.length === 1 ? first?.ours.series : first?.ours.family;
  return `${name}, ${(first?.ours.horizon ?? 0) / 60} min`;
}

function ratiosOf(pairs: readonly Pair[]): readonly Measurement[] {
  return ([90, 95] as const).map((level, i) => {
    const ours = geometric(pairs.map(({ ours: own }) => (level === 90 ? own.pl90 : own.pl95)));
    const theirs = geometric(pairs.map(({ theirs: row }) => row.reference[i] ?? Number.NaN));
    const naive = geometric(pairs.map(({ theirs: row }) => row.naive[i] ?? Number.NaN));
    const wide = geometric(pairs.map(({ theirs: row }) => row.wide[i] ?? Number.NaN));
    return {
      case: `${nameOf(pairs)}, PL${level}`,
      metric: 'pinball-over-reference',
      value: ours / theirs,
      unit: 'ratio',
      note: `ours ${short(ours)}, reference ${short(theirs)}, its wide mix ${short(wide)}, last bin ${short(naive)}`,
    };
  });
}

/** Coverage has two sides; one that is outside but no farther from 95 than the reference's holds too, and is shown without a bar. */
function coverageOf(pairs: readonly Pair[]): Measurement {
  const ours = mean(pairs.map(({ ours: own }) => own.covered));
  const theirs = mean(pairs.map(({ theirs: row }) => row.reference[2]));
  const isInside = ours >= 94 && ours <= 97;
  const isNearer = Math.abs(ours - 95) <= Math.abs(theirs - 95);
  return {
    case: nameOf(pairs),
    metric: isInside || !isNearer ? 'coverage' : 'coverage-nearer',
    value: ours,
    unit: '% at 95 %',
    reference: theirs,
    ...(isInside || !isNearer ? {} : { note: 'no farther from 95 than the reference' }),
  };
}

/** Loads without a pattern: there the mix must not lose to the calibrated last bin. */
function controlsOf(pairs: readonly Pair[]): readonly Measurement[] {
  const controls = new Set(['crane5', 'servegen-large', 'nab-elb']);
  return pairs
    .filter(({ ours }) => controls.has(ours.series))
    .map(({ ours, theirs }) => ({
      case: `${ours.series}, ${ours.horizon / 60} min, PL95`,
      metric: 'over-naive',
      value: ours.pl95 / theirs.naive[1],
      unit: 'ratio to the calibrated last bin',
      note: 'negative control: <= 1.02',
    }));
}

function costsOf(runs: readonly (readonly [string, Backtest])[]): readonly Measurement[] {
  const [name, slowest] = runs.reduce((a, b) => (b[1].millisecondsPerBin > a[1].millisecondsPerBin ? b : a));
  const [widest, largest] = runs
    .filter(([, { scores }]) => scores.some(({ family }) => family !== 'llm-10s'))
    .reduce((a, b) => (b[1].stateBytes > a[1].stateBytes ? b : a));
  return [
    {
      case: name,
      metric: 'update',
      value: slowest.millisecondsPerBin,
      unit: 'ms a bin and pool',
      note: 'CPU of the slowest series, 4 horizons and 2 quantiles; a pool has one series, its work',
    },
    { case: widest, metric: 'state', value: largest.stateBytes / 1000, unit: 'kB as JSON, 4 horizons and 2 quantiles' },
  ];
}

function geometric(values: readonly number[]): number {
  return Math.exp(mean(values.map((value) => Math.log(value))));
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
