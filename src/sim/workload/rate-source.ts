import { RandomStream } from '../rng.ts';
import { ColumnBuilder } from './columns.ts';
import type { LengthSampler } from './lengths.ts';
import type { RateSeries, RateUnit } from './rate-series.ts';
import { scaleTime } from './scale.ts';
import { assertDrawable, outlineRequests, type Part, type WorkloadSource } from './source.ts';
import type { Workload } from './workload.ts';

/** Requests of a known rate: Poisson inside each step, with lengths drawn apart. Scaled traffic is drawn at the scaled rate. */
export function rateSource(series: RateSeries, lengths: LengthSampler): WorkloadSource {
  const durationSeconds = (series.at.at(-1) ?? 0) + series.stepSeconds;
  const whole = { from: 0, to: durationSeconds, rateScale: 1 };
  return {
    name: series.name,
    durationSeconds,
    notes: notesOf(series, lengths),
    outline: (seed) => {
      const rateScale = Math.min(1, outlineRequests / Math.max(1, requestsIn(stepsOf(series, lengths, whole))));
      return draw(stepsOf(series, lengths, { ...whole, rateScale }), lengths, seed);
    },
    draw: (part) => {
      const steps = stepsOf(series, lengths, { ...part, to: Math.min(part.to, durationSeconds) });
      return scaleTime(draw(steps, lengths, part.seed), part.timeScale);
    },
  };
}

function requestsIn({ steps }: Steps): number {
  return steps.reduce((sum, { from, to, rate }) => sum + (to - from) * rate, 0);
}

interface Step {
  readonly from: number;
  readonly to: number;
  /** Requests per second. */
  readonly rate: number;
}

interface Steps {
  readonly name: string;
  readonly durationSeconds: number;
  readonly steps: readonly Step[];
}

/** What of the series lies in the part, with time from 0. */
function stepsOf(
  series: RateSeries,
  lengths: LengthSampler,
  { from, to, rateScale }: Pick<Part, 'from' | 'to' | 'rateScale'>,
): Steps {
  const steps: Step[] = [];
  for (const [i, at] of series.at.entries()) {
    const end = series.at[i + 1] ?? at + series.stepSeconds;
    if (end <= from || at >= to) continue;
    const perSecond = (series.value[i] ?? 0) / secondsPer(series.unit, end - at, lengths);
    steps.push({ from: Math.max(at, from) - from, to: Math.min(end, to) - from, rate: perSecond * rateScale });
  }
  const name = rateScale === 1 ? series.name : `${series.name} x ${rateScale}`;
  return { name, durationSeconds: Math.max(0, to - from), steps };
}

/** What a value is divided by for requests per second. */
function secondsPer(unit: RateUnit, stepSeconds: number, { meanTokens }: LengthSampler): number {
  if (unit === 'per-minute') return 60;
  if (unit === 'per-hour') return 3600;
  if (unit === 'per-step') return stepSeconds;
  return unit === 'tokens-per-second' ? meanTokens : 1;
}

function draw(drawn: Steps, lengths: LengthSampler, seed: number): Workload {
  const { name, durationSeconds, steps } = drawn;
  assertDrawable(name, requestsIn(drawn));
  const columns = new ColumnBuilder();
  const gaps = new RandomStream(seed, 'rates/arrivals');
  const sizes = new RandomStream(seed, 'rates/lengths');
  for (const { from, to, rate } of steps) {
    if (rate <= 0) continue;
    for (let at = from + gaps.exponential(1 / rate); at < to; at += gaps.exponential(1 / rate)) {
      columns.push({ arrivalMs: at * 1000, ...lengths.draw(sizes) });
    }
  }
  return columns.workload(name, durationSeconds);
}

const inWords: Readonly<Record<RateUnit, string>> = {
  'per-second': 'requests a second',
  'per-minute': 'requests a minute',
  'per-hour': 'requests an hour',
  'per-step': 'requests in a step',
  'tokens-per-second': 'tokens a second, prompts and answers together',
};

function notesOf({ column, unit, stepSeconds, missing, at }: RateSeries, { about }: LengthSampler): readonly string[] {
  const steps = `steps of ${Number(stepSeconds.toPrecision(6))} s`;
  const share = ((missing / at.length) * 100).toFixed(1);
  return [
    `Rates, not requests: column ${column} read as ${inWords[unit]}, ${steps}, Poisson arrivals within, ${about}.`,
    ...(missing === 0 ? [] : [`${missing} steps (${share}%) are not in the file: filled in between their neighbours.`]),
  ];
}
