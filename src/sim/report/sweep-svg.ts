import { amount, percent } from './format.ts';
import { escapeHtml } from './html.ts';
import { tickText } from './pareto-svg.ts';
import { amountAxis, type Axis, fix, shareAxis, shortName, topShare } from './scales.ts';

/** One policy over the cold starts, in their order. */
export interface SweepLine {
  readonly policy: string;
  readonly points: readonly SweepPoint[];
}

export interface SweepPoint {
  readonly coldStartSeconds: number;
  readonly attainment: number;
  readonly gpuHours: number;
}

const panel = { width: 520, left: 74, names: 190, top: 34, bottom: 46 } as const;
const innerWidth = panel.width - panel.left - panel.names;
const lineHeight = 15;
/** More lines than this repeat the colours, dashed. */
const colours = 8;

interface Panel {
  readonly title: string;
  readonly read: (point: SweepPoint) => number;
  readonly axis: Axis;
  readonly text: (value: number) => string;
  readonly tick: (value: number) => string;
}

/** What longer cold starts cost each policy: attainment to the left, GPU-hours to the right. */
export function sweepSvg(lines: readonly SweepLine[]): string {
  const height = Math.max(300, lines.length * lineHeight + panel.top + panel.bottom);
  const all = lines.flatMap(({ points }) => points);
  const panels: readonly Panel[] = [
    {
      title: 'Attained',
      read: ({ attainment }) => attainment,
      axis: shareAxis(all.map(({ attainment }) => attainment)),
      text: percent,
      tick: (share) => `${share === topShare ? '≥ ' : ''}${percent(share)}`,
    },
    {
      title: 'GPU-hours',
      read: ({ gpuHours }) => gpuHours,
      axis: amountAxis(all.map(({ gpuHours }) => gpuHours)),
      text: (hours) => `${amount(hours)} GPU-hours`,
      tick: tickText,
    },
  ];
  const label = lines.map(({ policy, points }) => `${policy}: ${points.map(pointText).join(', ')}`).join('; ');
  const drawn = panels.map(
    (one, at) => `<g transform="translate(${at * panel.width} 0)">${drawPanel(one, lines, height)}</g>`,
  );
  return `<svg class="sweep" viewBox="0 0 ${2 * panel.width} ${height}" role="img" aria-label="Attainment and GPU-hours by cold start. ${escapeHtml(label)}">${drawn.join('\n')}</svg>`;
}

function pointText({ coldStartSeconds, attainment, gpuHours }: SweepPoint): string {
  return `${percent(attainment)} and ${amount(gpuHours)} GPU-hours at ${coldStartSeconds} s`;
}

function drawPanel(one: Panel, lines: readonly SweepLine[], height: number): string {
  const starts = [...new Set(lines.flatMap(({ points }) => points.map(({ coldStartSeconds }) => coldStartSeconds)))];
  const most = Math.max(...starts);
  const bottom = height - panel.bottom;
  const right = panel.left + innerWidth;
  const x = (seconds: number): number => panel.left + (seconds / most) * innerWidth;
  const y = (value: number): number => bottom - one.axis.place(value) * (bottom - panel.top);
  const ends = namePlaces(
    lines.map(({ points }) => y(one.read(points.at(-1) ?? { coldStartSeconds: 0, attainment: 0, gpuHours: 0 }))),
    { top: panel.top, bottom },
  );
  return [
    `<text class="title" x="${panel.left}" y="${panel.top - 16}">${one.title}</text>`,
    ...one.axis.ticks.map(
      (tick) =>
        `<line class="grid" x1="${panel.left}" x2="${right}" y1="${fix(y(tick))}" y2="${fix(y(tick))}"/><text class="end" x="${panel.left - 8}" y="${fix(y(tick) + 4)}">${one.tick(tick)}</text>`,
    ),
    ...starts.map(
      (start) =>
        `<line class="grid" x1="${fix(x(start))}" x2="${fix(x(start))}" y1="${panel.top}" y2="${bottom}"/><text class="mid" x="${fix(x(start))}" y="${bottom + 18}">${tickText(start)}</text>`,
    ),
    `<text class="mid" x="${fix(panel.left + innerWidth / 2)}" y="${height - 8}">Cold start, seconds</text>`,
    ...lines.map((line, at) => drawLine(line, { one, x, y, at, nameY: ends[at] ?? 0 })),
  ].join('\n');
}

interface LinePlace {
  readonly one: Panel;
  readonly x: (seconds: number) => number;
  readonly y: (value: number) => number;
  readonly at: number;
  readonly nameY: number;
}

function drawLine({ policy, points }: SweepLine, { one, x, y, at, nameY }: LinePlace): string {
  const places = points.map((point) => ({ point, px: fix(x(point.coldStartSeconds)), py: fix(y(one.read(point))) }));
  const last = places.at(-1);
  const dots = places.map(({ point, px, py }) => {
    const title = `${policy}, cold start ${point.coldStartSeconds} s: ${one.text(one.read(point))}`;
    return `<circle cx="${px}" cy="${py}" r="4"><title>${escapeHtml(title)}</title></circle>`;
  });
  const path = places.map(({ px, py }) => `${px},${py}`).join(' ');
  const nameX = panel.left + innerWidth + 22;
  const leader =
    last === undefined ? '' : `<path class="leader" d="M${last.px} ${last.py}L${nameX - 4} ${fix(nameY)}"/>`;
  return `<g class="s${at % colours}${at < colours ? '' : ' again'}">${leader}<polyline points="${path}"/>${dots.join('')}<text class="name" x="${nameX}" y="${fix(nameY + 4)}">${escapeHtml(shortName(policy))}<title>${escapeHtml(policy)}</title></text></g>`;
}

/** Heights at which names can be read: near their line's end, a line apart from each other, inside the panel. */
function namePlaces(
  wanted: readonly number[],
  { top, bottom }: { readonly top: number; readonly bottom: number },
): readonly number[] {
  const order = wanted.map((y, at) => ({ y, at })).toSorted((a, b) => a.y - b.y);
  let next = top;
  const down = order.map(({ y, at }) => {
    const place = Math.max(y, next);
    next = place + lineHeight;
    return { place, at };
  });
  let limit = bottom;
  const up = down.toReversed().map(({ place, at }) => {
    const kept = Math.min(place, limit);
    limit = kept - lineHeight;
    return { place: kept, at };
  });
  return up.toSorted((a, b) => a.at - b.at).map(({ place }) => place);
}
