import type { ReplicaPoint, Timeline } from '../result.ts';

export type Column = readonly (number | null)[];

/** Phases from the bottom of the stack to its top. */
export const phases: readonly (keyof ReplicaPoint)[] = [
  'ready',
  'draining',
  'engine',
  'weights',
  'image',
  'scheduling',
  'unschedulable',
];

/** What a policy expected at one of its looks: requests per second up to `horizonSeconds` later. */
export interface ForecastPoint {
  readonly t: number;
  readonly horizonSeconds: number;
  readonly level: number;
  readonly upper: number;
}

/** A timeline with at most a given number of points. Columns of equal length. */
export interface PlotColumns {
  /** Seconds that one point covers at most. */
  readonly stepSeconds: number;
  readonly t: readonly number[];
  /** One column a phase, in the order of `phases`. */
  readonly replicas: readonly (readonly number[])[];
  readonly spec: readonly number[];
  readonly queued: readonly number[];
  readonly running: readonly number[];
  readonly kvUse: Column;
  readonly arrivalRate: readonly number[];
  readonly forecastLevel: Column;
  readonly forecastUpper: Column;
  readonly ttftP95: Column;
  readonly itlP95: Column;
}

/**
 * Thins a timeline. Replicas and spec are the state at a point, the forecast is the one that was made for that time; queue, KV and latencies the worst of the steps that it covers;
 * arrivals their mean. So no spike is lost and no phase is drawn that never was.
 */
export function downsample(timeline: Timeline, forecasts: readonly ForecastPoint[], points: number): PlotColumns {
  const groups = cut(timeline.t.length, points);
  const t = groups.map(({ last }) => timeline.t[last] ?? 0);
  const last = <T>(values: readonly T[]): readonly T[] =>
    groups.flatMap((group) => values.slice(group.last, group.last + 1));
  const worst = (values: Column): Column => groups.map((group) => highest(values.slice(group.first, group.last + 1)));
  const expected = alignForecasts(t, forecasts);
  return {
    stepSeconds: (t[1] ?? 0) - (t[0] ?? 0),
    t,
    replicas: phases.map((phase) => last(timeline.replicas).map((point) => point[phase])),
    spec: last(timeline.spec),
    queued: worst(timeline.queued).map((value) => value ?? 0),
    running: worst(timeline.running).map((value) => value ?? 0),
    kvUse: worst(timeline.kvUse).map((value) => rounded(value)),
    arrivalRate: groups.map((group) => rounded(mean(timeline.arrivalRate.slice(group.first, group.last + 1))) ?? 0),
    forecastLevel: expected.map((forecast) => rounded(forecast?.level ?? null)),
    forecastUpper: expected.map((forecast) => rounded(forecast?.upper ?? null)),
    ttftP95: worst(timeline.ttftP95).map((value) => rounded(value)),
    itlP95: worst(timeline.itlP95).map((value) => rounded(value)),
  };
}

interface Group {
  readonly first: number;
  readonly last: number;
}

function cut(length: number, points: number): readonly Group[] {
  const size = Math.max(1, Math.ceil(length / points));
  return Array.from({ length: Math.ceil(length / size) }, (_, at) => ({
    first: at * size,
    last: Math.min(length, (at + 1) * size) - 1,
  }));
}

/** For each time the last forecast whose horizon had come by then, unless that is long past. */
function alignForecasts(
  t: readonly number[],
  forecasts: readonly ForecastPoint[],
): readonly (ForecastPoint | undefined)[] {
  const due = (forecast: ForecastPoint | undefined): number =>
    forecast === undefined ? Infinity : forecast.t + forecast.horizonSeconds;
  let next = 0;
  return t.map((at) => {
    while (due(forecasts[next]) <= at) next += 1;
    const last = forecasts[next - 1];
    return last === undefined || at - due(last) > staleSeconds ? undefined : last;
  });
}

/** A policy that has not forecast for this long draws a gap. */
const staleSeconds = 900;

function highest(values: Column): number | null {
  return values.reduce((best, value) => (value !== null && (best === null || value > best) ? value : best), null);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Four significant digits: what a plot can show, at a third of the bytes. */
function rounded(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
}
