import { amount, percent } from './format.ts';
import { escapeHtml } from './html.ts';
import { type Outcome, paretoFront } from './pareto.ts';
import { amountAxis, fix, shareAxis, shortName, topShare } from './scales.ts';

const size = { width: 1040, height: 340, left: 72, right: 24, top: 20, bottom: 52 } as const;
const plot = { right: size.width - size.right, bottom: size.height - size.bottom } as const;

interface Scale {
  readonly x: (gpuHours: number) => number;
  readonly y: (attainment: number) => number;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
}

/**
 * Attainment against GPU-hours, one mark a policy, the front joined; where runs were made at several iteration times, a line through them.
 * Each step of the vertical scale is a tenth of the misses.
 */
export function paretoSvg(outcomes: readonly Outcome[], isInformative: boolean): string {
  const scale = scales(outcomes);
  const front = paretoFront(outcomes);
  const summary = outcomes
    .map((one) => `${one.policy}: ${percent(one.attainment)} at ${amount(one.gpuHours)} GPU-hours`)
    .join('; ');
  return [
    `<svg class="pareto${isInformative ? '' : ' withheld'}" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="Attainment against GPU-hours. ${escapeHtml(summary)}">`,
    axes(scale),
    `<polyline class="front" points="${points(front, scale)}"/>`,
    ...outcomes.map((one) => bandLine(one, scale)),
    ...marks(outcomes, front, scale),
    '</svg>',
  ].join('\n');
}

function scales(outcomes: readonly Outcome[]): Scale {
  const all = outcomes.flatMap((one) => [one, ...(one.band ?? [])]);
  const cost = amountAxis(all.map(({ gpuHours }) => gpuHours));
  const share = shareAxis(all.map(({ attainment }) => attainment));
  return {
    x: (gpuHours) => size.left + cost.place(gpuHours) * (plot.right - size.left),
    y: (attainment) => plot.bottom - share.place(attainment) * (plot.bottom - size.top),
    xTicks: cost.ticks,
    yTicks: share.ticks,
  };
}

function points(
  all: readonly { readonly gpuHours: number; readonly attainment: number }[],
  { x, y }: Pick<Scale, 'x' | 'y'>,
): string {
  return all.map((one) => `${fix(x(one.gpuHours))},${fix(y(one.attainment))}`).join(' ');
}

function bandLine({ policy, band = [] }: Outcome, scale: Scale): string {
  if (band.length < 2) return '';
  const dots = band.map(({ iterationFactor, attainment, gpuHours }) => {
    const title = `${policy} at ${iterationFactor} x the iteration time: ${percent(attainment)}, ${amount(gpuHours)} GPU-hours`;
    return `<circle cx="${fix(scale.x(gpuHours))}" cy="${fix(scale.y(attainment))}" r="3"><title>${escapeHtml(title)}</title></circle>`;
  });
  return `<g class="band"><polyline points="${points(band, scale)}"/>${dots.join('')}</g>`;
}

function axes({ x, y, xTicks, yTicks }: Scale): string {
  const middle = (size.left + plot.right) / 2;
  return [
    ...yTicks.map(
      (tick) =>
        `<line class="grid" x1="${size.left}" x2="${plot.right}" y1="${fix(y(tick))}" y2="${fix(y(tick))}"/>` +
        `<text class="tick end" x="${size.left - 8}" y="${fix(y(tick) + 4)}">${tick === topShare ? '≥ ' : ''}${percent(tick)}</text>`,
    ),
    ...xTicks.map(
      (tick) =>
        `<line class="grid" x1="${fix(x(tick))}" x2="${fix(x(tick))}" y1="${size.top}" y2="${plot.bottom}"/>` +
        `<text class="tick mid" x="${fix(x(tick))}" y="${plot.bottom + 18}">${tickText(tick)}</text>`,
    ),
    `<text class="label mid" x="${fix(middle)}" y="${size.height - 10}">GPU-hours (fewer is better)</text>`,
  ].join('\n');
}

/** A tick as people write it: `2.5`, `40`, `1,200`. */
export function tickText(value: number): string {
  if (!Number.isInteger(value)) return String(Number(value.toPrecision(3)));
  return value >= 1000 ? amount(value) : String(value);
}

/** Names stand to the right of their mark, to the left near the edge, and make way for each other towards the middle. */
function marks(outcomes: readonly Outcome[], front: readonly Outcome[], scale: Scale): readonly string[] {
  const placed: { readonly left: number; readonly right: number; readonly y: number }[] = [];
  return outcomes.map((one) => {
    const [x, y] = [scale.x(one.gpuHours), scale.y(one.attainment)];
    const name = shortName(one.policy);
    const width = name.length * 7.4;
    const isLeft = x + 12 + width > plot.right;
    const left = isLeft ? x - 12 - width : x + 12;
    let textY = y + 4;
    while (placed.some((other) => Math.abs(other.y - textY) < 15 && other.left < left + width && left < other.right)) {
      textY += y > (size.top + plot.bottom) / 2 ? -15 : 15;
    }
    placed.push({ left, right: left + width, y: textY });
    return (
      `<g class="${kindOf(one, front)}"><title>${escapeHtml(one.policy)}: ${percent(one.attainment)}, ${amount(one.gpuHours)} GPU-hours</title>` +
      `${shapeOf(one, x, y)}` +
      `<text class="name${isLeft ? ' end' : ''}" x="${fix(isLeft ? x - 12 : x + 12)}" y="${fix(textY)}">${escapeHtml(name)}</text></g>`
    );
  });
}

function kindOf(one: Outcome, front: readonly Outcome[]): string {
  if (one.isRealisable === false) return 'bound';
  return front.includes(one) ? 'on-front' : 'behind';
}

/** A diamond for what nobody can build. */
function shapeOf({ isRealisable }: Outcome, x: number, y: number): string {
  if (isRealisable !== false) return `<circle cx="${fix(x)}" cy="${fix(y)}" r="6"/>`;
  return `<path d="M${fix(x)} ${fix(y - 7)}l7 7-7 7-7-7z"/>`;
}
