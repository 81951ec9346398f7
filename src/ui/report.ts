import type UPlot from 'uplot';
import { type Chart, isEmpty, legend, options, overlay } from './chart.ts';
import type { PageData, PolicyData } from './page-data.ts';
import { clock, type Plot, plotsOf } from './plots.ts';

/*
 * The script of a report page: the files of this folder are written into it one after the other with types and imports taken out; the plot
 * library stands before them as a global. One policy has six plots on one time axis: cursor and zoom are shared, and a slider moves the cursor
 * without a mouse.
 */

declare const uPlot: typeof UPlot;
const page: PageData = JSON.parse(document.getElementById('plots')?.textContent ?? '{"policies":[]}');

interface Drawn {
  readonly chart: Chart;
  readonly tell: (point: number | null) => void;
}

function draw(figure: Element, plot: Plot, policy: PolicyData, group: string): Drawn | undefined {
  const canvas = figure.querySelector<HTMLElement>('.canvas');
  const place = figure.querySelector('.legend');
  if (canvas === null || place === null) return undefined;
  const columns = [policy.t, ...plot.lines.map(({ values }) => values)].map((column) => [...column]);
  const chart = new uPlot(options(plot, canvas.clientWidth, overlay(plot), group), alignedData(columns), canvas);
  if (isEmpty(plot))
    canvas.append(Object.assign(document.createElement('div'), { className: 'nothing', textContent: plot.nothing }));
  return { chart, tell: legend(place, plot) };
}

function alignedData([t = [], ...rest]: (number | null)[][]): UPlot.AlignedData {
  return [t.map((value) => value ?? 0), ...rest];
}

/** Draws one policy and joins its plots: cursor, slider, legends, reason, zoom. Answers what tears it down. */
function show(section: HTMLElement, policy: PolicyData): () => void {
  const group = `policy-${section.dataset['policy'] ?? ''}`;
  const plots = plotsOf(policy, page);
  const drawn = [...section.querySelectorAll<HTMLElement>('.plot')].flatMap((figure) => {
    const plot = plots[figure.dataset['plot'] ?? ''];
    const one = plot === undefined ? undefined : draw(figure, plot, policy, group);
    return one === undefined ? [] : [one];
  });
  const detach = joined(section, policy, drawn);
  const resize = new ResizeObserver(() => {
    for (const { chart } of drawn) {
      const width = chart.root.parentElement?.clientWidth ?? 0;
      if (width > 0 && width !== chart.width) chart.setSize({ width, height: chart.height });
    }
  });
  resize.observe(section);
  return () => {
    resize.disconnect();
    detach.abort();
    for (const { chart } of drawn) chart.destroy();
    for (const canvas of section.querySelectorAll('.canvas')) canvas.replaceChildren();
  };
}

function joined(section: HTMLElement, policy: PolicyData, drawn: readonly Drawn[]): AbortController {
  const life = new AbortController();
  const slider = section.querySelector<HTMLInputElement>('.scrub');
  const output = section.querySelector('.at');
  const reason = reasonLine(section);
  const tell = (point: number | null): void => {
    for (const one of drawn) one.tell(point);
    const t = point === null ? undefined : policy.t[point];
    if (output !== null) output.textContent = t === undefined ? '' : clock(t);
    reason(t, policy);
    if (slider !== null && point !== null) slider.value = String(point);
  };
  for (const { chart } of drawn) {
    chart.hooks.setCursor = [(self) => tell(self.cursor.idx ?? null)];
  }
  if (slider === null) return life;
  slider.max = String(Math.max(0, policy.t.length - 1));
  slider.disabled = policy.t.length === 0;
  slider.addEventListener('input', () => point(drawn, policy, Number(slider.value), tell), { signal: life.signal });
  for (const button of section.querySelectorAll<HTMLButtonElement>('button[data-zoom]')) {
    const zoom = (): void => zoomTo(drawn, policy, button.dataset['zoom'] ?? 'all', Number(slider.value));
    button.addEventListener('click', zoom, { signal: life.signal });
  }
  return life;
}

/** Says, under the first plot, the last change of replicas at or before the cursor. */
function reasonLine(section: HTMLElement): (t: number | undefined, policy: PolicyData) => void {
  const old = section.querySelector('.reason');
  const place = old ?? Object.assign(document.createElement('p'), { className: 'reason' });
  section.querySelector('.plot')?.append(place);
  place.textContent = policyHint;
  return (t, policy) => {
    if (t === undefined) return;
    const last = policy.decisions.findLast((decision) => decision.t <= t);
    if (last === undefined) {
      place.textContent = 'No change of replicas so far';
      return;
    }
    const head = document.createElement('b');
    head.textContent = `${clock(last.t)}  ${last.from} → ${last.to}`;
    place.replaceChildren(head, `  ${last.because}`);
  };
}
const policyHint = 'Point at a plot, or move the time slider, to read the values and the last decision there';

function point(drawn: readonly Drawn[], policy: PolicyData, at: number, tell: (point: number) => void): void {
  for (const { chart } of drawn) {
    chart.setCursor({ left: chart.valToPos(policy.t[at] ?? 0, 'x'), top: 10 }, false);
  }
  tell(at);
}

/** In and out halve and double the shown time around the slider's point. */
function zoomTo(drawn: readonly Drawn[], policy: PolicyData, how: string, at: number): void {
  const [from, to] = [policy.t[0] ?? 0, policy.t.at(-1) ?? 0];
  for (const { chart } of drawn) {
    const now = [chart.scales['x']?.min ?? from, chart.scales['x']?.max ?? to] as const;
    const length = (now[1] - now[0]) * (how === 'in' ? 0.5 : how === 'out' ? 2 : Infinity);
    const middle = policy.t[at] ?? from;
    const min = Math.max(from, Math.min(middle - length / 2, to - length));
    chart.setScale('x', length >= to - from ? { min: from, max: to } : { min, max: min + length });
  }
}

function showAll(): () => void {
  const sections = [...document.querySelectorAll<HTMLElement>('section.policy')];
  const ends = sections.map((section) => {
    const policy = page.policies[Number(section.dataset['policy'])];
    return policy === undefined ? () => undefined : show(section, policy);
  });
  return () => {
    for (const end of ends) end();
  };
}

let clear = showAll();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  clear();
  clear = showAll();
});
