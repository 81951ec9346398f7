import type UPlot from 'uplot';
import { type Chart, isEmpty, legend, options, overlay } from './chart.ts';
import type { PageData, RunData } from './page-data.ts';
import { clock, type Decision, decisionsOf, type Plot, plotsOf } from './plots.ts';

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

function draw(figure: Element, plot: Plot, policy: RunData, group: string): Drawn | undefined {
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

/** Draws one run and joins its plots: cursor, slider, legends, reason, zoom. Answers what tears it down. */
function show(section: HTMLElement, policy: RunData): () => void {
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

function joined(section: HTMLElement, policy: RunData, drawn: readonly Drawn[]): AbortController {
  const life = new AbortController();
  const slider = section.querySelector<HTMLInputElement>('.scrub');
  const output = section.querySelector('.at');
  const reason = reasonLine(section, decisionsOf(policy));
  const tell = (point: number | null): void => {
    for (const one of drawn) one.tell(point);
    const t = point === null ? undefined : policy.t[point];
    if (output !== null) output.textContent = t === undefined ? '' : clock(t);
    reason(t);
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
function reasonLine(section: HTMLElement, decisions: readonly Decision[]): (t: number | undefined) => void {
  const old = section.querySelector('.reason');
  const place = old ?? Object.assign(document.createElement('p'), { className: 'reason' });
  section.querySelector('.plot')?.append(place);
  place.textContent = policyHint;
  return (t) => {
    if (t === undefined) return;
    const last = decisions.findLast((decision) => decision.t <= t);
    if (last === undefined) {
      place.textContent = 'No change of replicas so far';
      return;
    }
    const head = document.createElement('b');
    head.textContent = `${clock(last.t)}  ${last.from} → ${last.to}`;
    place.replaceChildren(head, `  ${last.because ?? noRoom}`);
  };
}
const noRoom = "its reason is left out here; '-o json --timelines' has it";
const policyHint = 'Point at a plot, or move the time slider, to read the values and the last decision there';

function point(drawn: readonly Drawn[], policy: RunData, at: number, tell: (point: number) => void): void {
  for (const { chart } of drawn) {
    chart.setCursor({ left: chart.valToPos(policy.t[at] ?? 0, 'x'), top: 10 }, false);
  }
  tell(at);
}

/** In and out halve and double the shown time around the slider's point. */
function zoomTo(drawn: readonly Drawn[], policy: RunData, how: string, at: number): void {
  const [from, to] = [policy.t[0] ?? 0, policy.t.at(-1) ?? 0];
  for (const { chart } of drawn) {
    const now = [chart.scales['x']?.min ?? from, chart.scales['x']?.max ?? to] as const;
    const length = (now[1] - now[0]) * (how === 'in' ? 0.5 : how === 'out' ? 2 : Infinity);
    const middle = policy.t[at] ?? from;
    const min = Math.max(from, Math.min(middle - length / 2, to - length));
    chart.setScale('x', length >= to - from ? { min: from, max: to } : { min, max: min + length });
  }
}

/** The table of decisions as the page's writer makes it, for another run. */
function fillDecisions(section: HTMLElement, run: RunData): void {
  const known = decisionsOf(run).filter(({ because }) => because !== undefined);
  for (const lid of section.querySelectorAll('.decisions summary')) lid.textContent = run.title;
  for (const body of section.querySelectorAll('.decisions tbody')) body.replaceChildren(...known.map(decisionRow));
  for (const note of section.querySelectorAll('.decisions .rest')) note.textContent = run.rest;
}

function decisionRow({ t, from, to, because = '' }: Decision): HTMLElement {
  const row = document.createElement('tr');
  const cell = (kind: 'th' | 'td', text: string, className = ''): HTMLElement =>
    Object.assign(document.createElement(kind), { textContent: text, className });
  const size = cell('td', '', 'n');
  size.append(
    Object.assign(document.createElement('span'), { textContent: String(to), className: to > from ? 'up' : 'down' }),
  );
  const time = cell('th', clock(t));
  time.setAttribute('scope', 'row');
  row.append(time, cell('td', String(from), 'n'), size, cell('td', because));
  return row;
}

/** Shows a run of a policy, or says that there is none. */
function fill(section: HTMLElement, run: RunData | null): () => void {
  const figures = section.querySelector('.figures');
  section.classList.toggle('missing', run === null);
  if (figures !== null) figures.textContent = run?.figures ?? 'This run was not finished.';
  if (run === null) return () => undefined;
  fillDecisions(section, run);
  return show(section, run);
}

const select = document.querySelector<HTMLSelectElement>('#run');
/** The variation that was chosen; none yet. */
let choice: number | undefined;

/** Before anything was chosen each policy shows its first run that was finished. */
function chosen(runs: readonly (RunData | null)[]): RunData | null {
  return (choice === undefined ? runs.find((run) => run !== null) : runs[choice]) ?? null;
}

function showAll(): () => void {
  const sections = [...document.querySelectorAll<HTMLElement>('section.policy')];
  const ends = sections.map((section) => {
    const policy = page.policies[Number(section.dataset['policy'])];
    return policy === undefined ? () => undefined : fill(section, chosen(policy.runs));
  });
  return () => {
    for (const end of ends) end();
  };
}

let clear = showAll();
function showAgain(): void {
  clear();
  clear = showAll();
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showAgain);
select?.addEventListener('change', () => {
  choice = Number(select.value);
  showAgain();
});
