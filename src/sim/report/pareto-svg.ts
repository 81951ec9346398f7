import { amount, percent } from './format.ts';
import { escapeHtml } from './html.ts';
import { type Outcome, paretoFront } from './pareto.ts';

const size = { width: 1040, height: 340, left: 72, right: 24, top: 20, bottom: 52 } as const;
const plot = { right: size.width - size.right, bottom: size.height - size.bottom } as const;
/** The share outside the objectives at the top of the scale: 0.01 % and less are drawn there. */
const leastMissed = 1e-4;
const shareTicks = [0, 0.5, 0.9, 0.99, 0.999, 0.9999] as const;

interface Scale {
  readonly x: (gpuHours: number) => number;
  readonly y: (attainment: number) => number;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
}

/** Attainment against GPU-hours, one mark a policy, the front joined. Each step of the vertical scale is a tenth of the misses. */
export function paretoSvg(outcomes: readonly Outcome[], isInformative: boolean): string {
  const scale = scales(outcomes);
  const front = paretoFront(outcomes);
  const summary = outcomes
    .map((one) => `${one.policy}: ${percent(one.attainment)} at ${amount(one.gpuHours)} GPU-hours`)
    .join('; ');
  return [
    `<svg class="pareto${isInformative ? '' : ' withheld'}" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="Attainment against GPU-hours. ${escapeHtml(summary)}">`,
    axes(scale),
    `<polyline class="front" points="${front.map((one) => `${fix(scale.x(one.gpuHours))},${fix(scale.y(one.attainment))}`).join(' ')}"/>`,
    ...marks(outcomes, front, scale),
    '</svg>',
  ].join('\n');
}

function scales(outcomes: readonly Outcome[]): Scale {
  const most = Math.max(...outcomes.map((one) => one.gpuHours));
  const xTicks = roundTicks(most > 0 ? most : 1);
  const xMax = xTicks.at(-1) ?? 1;
  const worst = Math.min(...outcomes.map((one) => one.attainment));
  const floor = shareTicks.findLast((tick) => tick <= Math.min(worst, 0.9)) ?? 0;
  const best = nines(1 - leastMissed) + 0.15;
  return {
    x: (gpuHours) => size.left + (gpuHours / xMax) * (plot.right - size.left),
    y: (share) => plot.bottom - ((nines(share) - nines(floor)) / (best - nines(floor))) * (plot.bottom - size.top),
    xTicks,
    yTicks: shareTicks.filter((tick) => tick >= floor),
  };
}

/** 90 % is 1, 99 % is 2: how often the misses were divided by ten. */
function nines(share: number): number {
  return -Math.log10(Math.max(leastMissed, 1 - share));
}

/** 0 and up to six round steps that reach the largest value. */
function roundTicks(most: number): readonly number[] {
  const raw = most / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.ceil((most * 1.02) / step) + 1 }, (_, at) => at * step);
}

function axes({ x, y, xTicks, yTicks }: Scale): string {
  const middle = (size.left + plot.right) / 2;
  return [
    ...yTicks.map(
      (tick) =>
        `<line class="grid" x1="${size.left}" x2="${plot.right}" y1="${fix(y(tick))}" y2="${fix(y(tick))}"/>` +
        `<text class="tick end" x="${size.left - 8}" y="${fix(y(tick) + 4)}">${tick === shareTicks.at(-1) ? '≥ ' : ''}${percent(tick)}</text>`,
    ),
    ...xTicks.map(
      (tick) =>
        `<line class="grid" x1="${fix(x(tick))}" x2="${fix(x(tick))}" y1="${size.top}" y2="${plot.bottom}"/>` +
        `<text class="tick mid" x="${fix(x(tick))}" y="${plot.bottom + 18}">${tickText(tick)}</text>`,
    ),
    `<text class="label mid" x="${fix(middle)}" y="${size.height - 10}">GPU-hours (fewer is better)</text>`,
  ].join('\n');
}

function tickText(value: number): string {
  return Number.isInteger(value) ? amountOfInteger(value) : String(Number(value.toPrecision(3)));
}

function amountOfInteger(value: number): string {
  return value >= 1000 ? amount(value) : String(value);
}

/** Names stand to the right of their mark, to the left near the edge, and make way for each other towards the middle. */
function marks(outcomes: readonly Outcome[], front: readonly Outcome[], scale: Scale): readonly string[] {
  const placed: { readonly left: number; readonly right: number; readonly y: number }[] = [];
  return outcomes.map((one) => {
    const [x, y] = [scale.x(one.gpuHours), scale.y(one.attainment)];
    const width = one.policy.length * 7.4;
    const isLeft = x + 12 + width > plot.right;
    const left = isLeft ? x - 12 - width : x + 12;
    let textY = y + 4;
    while (placed.some((other) => Math.abs(other.y - textY) < 15 && other.left < left + width && left < other.right)) {
      textY += y > (size.top + plot.bottom) / 2 ? -15 : 15;
    }
    placed.push({ left, right: left + width, y: textY });
    const kind = front.includes(one) ? 'on-front' : 'behind';
    return (
      `<g class="${kind}"><title>${escapeHtml(one.policy)}: ${percent(one.attainment)}, ${amount(one.gpuHours)} GPU-hours</title>` +
      `<circle cx="${fix(x)}" cy="${fix(y)}" r="6"/>` +
      `<text class="name${isLeft ? ' end' : ''}" x="${fix(isLeft ? x - 12 : x + 12)}" y="${fix(textY)}">${escapeHtml(one.policy)}</text></g>`
    );
  });
}

function fix(value: number): string {
  return value.toFixed(1);
}
