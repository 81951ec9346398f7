import type { PageData, RunData, Values } from './page-data.ts';

export interface Line {
  readonly name: string;
  /** Name of the CSS variable that holds its colour. */
  readonly colour: string;
  readonly values: Values;
  readonly kind: 'area' | 'line' | 'step' | 'dash';
  /** What the legend says at a point, where the drawn value is not the meant one (stacked areas). */
  readonly meant?: Values;
}

export interface Plot {
  readonly lines: readonly Line[];
  readonly read: (value: number) => string;
  readonly nothing: string;
  /** A horizontal limit. */
  readonly limit?: number | null;
  readonly canBeLogarithmic?: boolean;
  /** The scale goes at least to this. */
  readonly least: number;
  readonly isWhole?: boolean;
  readonly marks?: readonly Decision[];
}

export interface Decision {
  readonly t: number;
  readonly from: number;
  readonly to: number;
  readonly because: string | undefined;
}

export function decisionsOf({ decisions: { t, from, to, because } }: RunData): readonly Decision[] {
  return t.map((at, i) => ({ t: at, from: from[i] ?? 0, to: to[i] ?? 0, because: because[i] }));
}

/** Time since the start of the trace: `07:12:30`, from a day on `1d 07:12:30`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86_400);
  const parts = [Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const time = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return days > 0 ? `${days}d ${time}` : time;
}

/**
 * What a logarithmic axis names. (The plot library's own search for such places does not end for some ranges that begin between two of them.)
 */
export function powersOfTen(min: number, max: number): number[] {
  const first = Math.ceil(Math.log10(min) - 1e-9);
  const last = Math.floor(Math.log10(max) + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => Number(`1e${first + at}`));
}

function short(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function latency(seconds: number): string {
  const ms = seconds * 1000;
  if (ms < 9.95) return `${Number(ms.toFixed(1))}ms`;
  return ms < 999.5 ? `${ms.toFixed(0)}ms` : `${Number(short(seconds))}s`;
}

const rate = (value: number): string => `${short(value)}/s`;
const share = (value: number): string => `${(value * 100).toFixed(0)}%`;

/** The six plots of a policy by the name of their place in the page. */
export function plotsOf(policy: RunData, page: PageData): Readonly<Record<string, Plot>> {
  return {
    replicas: {
      lines: [...stacked(policy, page.phases), line('wanted (spec)', 'spec', policy.spec, 'step')],
      read: short,
      nothing: 'No replica',
      least: 2,
      isWhole: true,
      marks: decisionsOf(policy),
    },
    rate: {
      lines: [
        line('forecast upper bound', 'upper', policy.forecastUpper, 'area'),
        line('arrivals', 'rate', policy.arrivalRate, 'line'),
        line('forecast level', 'level', policy.forecastLevel, 'dash'),
      ].filter(({ values }) => values.some((value) => value !== null)),
      read: rate,
      nothing: 'No request arrived',
      least: 0.1,
    },
    queue: {
      lines: [line('running', 'running', policy.running, 'line'), line('queued', 'queued', policy.queued, 'line')],
      read: short,
      nothing: 'Nothing ran or waited',
      least: 4,
      isWhole: true,
    },
    kv: {
      lines: [line('mean over ready replicas', 'kv', policy.kvUse, 'line')],
      read: share,
      nothing: 'No replica was ready',
      least: 1,
    },
    ttft: latencyPlot(policy.ttftP95, page.ttftObjective),
    itl: latencyPlot(policy.itlP95, page.itlObjective),
  };
}

function latencyPlot(values: Values, limit: number | null): Plot {
  const lines = [line('p95', 'latency', values, 'line')];
  return { lines, read: latency, nothing: 'No request was answered', limit, canBeLogarithmic: true, least: 0.01 };
}

function line(name: string, colour: string, values: Values, kind: Line['kind']): Line {
  return { name, colour, values, kind };
}

/** Phases that occur, as areas down to 0, the highest first, so that each covers the ones above it down to its own share. */
function stacked(policy: RunData, phases: readonly string[]): Line[] {
  const sum = policy.t.map(() => 0);
  const areas = policy.replicas.map((counts, at): Line => {
    const values = counts.map((count, point) => (sum[point] = (sum[point] ?? 0) + count));
    const name = phases[at] ?? '';
    return { name, colour: name, values, kind: 'area', meant: counts };
  });
  return areas.filter(({ meant }) => meant?.some((count) => count !== null && count > 0)).toReversed();
}
