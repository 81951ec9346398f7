import type UPlot from 'uplot';
import { clock, type Line, type Plot, powersOfTen } from './plots.ts';

export type Chart = UPlot;
type Options = UPlot.Options;
type Draw = (chart: Chart) => void;
declare const uPlot: typeof UPlot;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function isEmpty(plot: Plot): boolean {
  return plot.lines.every(({ values }) => values.every((value) => value === null || value === 0));
}

/** The highest and the lowest positive value of a plot, its limit among them. */
function extent(plot: Plot): readonly [number, number] {
  const all = plot.lines.flatMap(({ values }) => values.filter((value) => value !== null && value > 0));
  const known = [...all, ...(typeof plot.limit === 'number' ? [plot.limit] : [])].filter((value) => value !== null);
  const least = known.reduce((low, value) => Math.min(low, value), Infinity);
  return [least, known.reduce((high, value) => Math.max(high, value), plot.least)];
}

function isLogarithmic(plot: Plot): boolean {
  const [low, high] = extent(plot);
  return plot.canBeLogarithmic === true && high / low > 50;
}

export function options(plot: Plot, width: number, draw: Draw, group: string): Options {
  const [low, high] = extent(plot);
  const isLog = isLogarithmic(plot);
  const edge = { stroke: colour('soft'), font: '12px system-ui, sans-serif' };
  const grid = { stroke: colour('grid'), width: 1 };
  const ticks = { stroke: colour('grid'), width: 1, size: 4 };
  return {
    width,
    height: 158,
    padding: [10, 28, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: group, scales: ['x', null] }, y: false, points: { size: 7 }, drag: { x: true, y: false } },
    scales: {
      x: { time: false },
      y: isLog ? { distr: 3, range: [low / 1.5, high * 1.5] } : { range: [0, high * 1.08] },
    },
    axes: [
      { ...edge, grid, ticks, size: 26, gap: 4, values: (_, at) => at.map(clockTick), incrs: timeSteps, space: 80 },
      {
        ...edge,
        grid,
        ticks,
        size: 64,
        space: 28,
        ...(plot.isWhole === true ? { incrs: wholeSteps } : {}),
        ...(isLog ? { splits: (_: Chart, __: number, min: number, max: number) => powersOfTen(min, max) } : {}),
        values: (_: Chart, at: (number | null)[]) => at.map((value) => (value === null ? '' : plot.read(value))),
      },
    ],
    series: [{}, ...plot.lines.map(series)],
    hooks: { draw: [draw] },
  };
}

const timeSteps = [1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];
const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

function clockTick(seconds: number): string {
  return seconds % 60 === 0 ? clock(seconds).slice(0, -3) : clock(seconds);
}

function series(one: Line): UPlot.Series {
  const paths = one.kind === 'step' || one.meant !== undefined ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  const drawn = colour(one.colour);
  return {
    label: one.name,
    spanGaps: false,
    points: { show: false },
    ...(one.kind === 'area' ? { fill: one.meant === undefined ? `${drawn}66` : drawn, width: 0 } : { stroke: drawn }),
    ...(one.kind === 'area' ? {} : { width: one.kind === 'line' ? 1.6 : 1.5 }),
    ...(one.kind === 'dash' ? { dash: [6, 4] } : {}),
    ...(paths === undefined ? {} : { paths }),
  };
}

/** The limit as a dashed line over the whole width, changes of size as small triangles on the upper edge. */
export function overlay(plot: Plot): Draw {
  return (chart) => {
    const { ctx, bbox } = chart;
    ctx.save();
    if (typeof plot.limit === 'number') drawLimit(chart, plot.limit);
    for (const mark of plot.marks ?? []) {
      const x = chart.valToPos(mark.t, 'x', true);
      if (x >= bbox.left && x <= bbox.left + bbox.width) drawMark(chart, x, mark.to > mark.from);
    }
    ctx.restore();
  };
}

function drawLimit(chart: Chart, limit: number): void {
  const { ctx, bbox } = chart;
  const y = chart.valToPos(limit, 'y', true);
  ctx.strokeStyle = colour('objective');
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
}

function drawMark(chart: Chart, x: number, isUp: boolean): void {
  const { ctx, bbox } = chart;
  const half = 3.5 * devicePixelRatio;
  const [tip, base] = isUp ? [bbox.top - 2 * half, bbox.top] : [bbox.top, bbox.top - 2 * half];
  ctx.fillStyle = colour(isUp ? 'up' : 'down');
  ctx.beginPath();
  ctx.moveTo(x, tip);
  ctx.lineTo(x - half, base);
  ctx.lineTo(x + half, base);
  ctx.fill();
}

/** The legend of one plot; answers what to call when the cursor moves to another point. */
export function legend(place: Element, plot: Plot): (point: number | null) => void {
  const entries = plot.lines.toReversed().map((one) => {
    const entry = document.createElement('span');
    const mark = document.createElement('i');
    mark.className = one.kind === 'area' ? 'area' : one.kind === 'dash' ? 'dash' : 'line';
    mark.style[one.kind === 'area' ? 'background' : 'borderColor'] = `var(--${one.colour})`;
    const value = document.createElement('b');
    entry.append(mark, one.name, value);
    return { one, entry, value };
  });
  place.replaceChildren(...entries.map(({ entry }) => entry));
  if (typeof plot.limit === 'number') place.append(limitEntry(plot.limit, plot.read));
  return (point) => {
    for (const { one, value } of entries) {
      const at = point === null ? undefined : (one.meant ?? one.values)[point];
      value.textContent = at === undefined ? '' : at === null ? '–' : plot.read(at);
    }
  };
}

function limitEntry(limit: number, read: Plot['read']): Element {
  const entry = document.createElement('span');
  const mark = document.createElement('i');
  mark.className = 'dash';
  mark.style.borderColor = 'var(--objective)';
  entry.append(mark, `objective ${read(limit)}`);
  return entry;
}
