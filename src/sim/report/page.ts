import { amount, count, duration, latency } from './format.ts';
import { escapeHtml, tableRow } from './html.ts';
import { columnsFor, policyName } from './columns.ts';
import { decisionsSection } from './decisions-section.ts';
import { comparison } from './comparison.ts';
import { gpuUseTable } from './gpu-use.ts';
import { policyRows, type SummaryRow, summaryRows } from './summary.ts';
import type { LoadVerdict } from './verdict.ts';
import { figuresOf } from './figures.ts';
import type { ShownPolicy, ShownRuns } from './shown-runs.ts';
import type { SimulationOutput } from '../result.ts';

/** Text of the parts that the page carries inside, so that it needs nothing from a network. */
export interface PageAssets {
  readonly plotScript: string;
  readonly plotStyle: string;
  readonly pageScript: string;
  readonly pageStyle: string;
}

export interface PageInput {
  readonly output: SimulationOutput;
  /** The runs that are drawn. */
  readonly shown: ShownRuns;
  readonly objectives: PageObjectives;
  readonly verdict: LoadVerdict;
  /** More lines for the head: faults in the trace, what was left out. */
  readonly notes: readonly string[];
}

export interface PageObjectives {
  readonly ttftSeconds?: number;
  readonly itlSeconds?: number;
}

/** The whole report as one HTML file. `data` is what the page's script plots (`plotData`), already safe to embed. */
export function reportPage(input: PageInput, assets: PageAssets, data: string): string {
  const { output, shown } = input;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Forewarm simulation: ${escapeHtml(output.trace)}</title>
<link rel="icon" href="data:,">
<style>${assets.plotStyle}</style>
<style>${assets.pageStyle}</style>
</head>
<body>
<a class="skip" href="#summary">Skip to the summary</a>
${header(input)}
<main>
${summarySection(input)}
${chooser(shown)}
${shown.policies.map((policy, at) => policySection(policy, at)).join('\n')}
</main>
${footer()}
<script type="application/json" id="plots">${data}</script>
<script>${assets.plotScript}</script>
<script type="module">${assets.pageScript}</script>
</body>
</html>
`;
}

function header({ output, shown, objectives, verdict, notes }: PageInput): string {
  const [first] = output.results;
  const facts: readonly (readonly [string, string])[] = [
    ['Trace', output.trace.split('/').at(-1) ?? output.trace],
    ['Length', first === undefined ? '-' : duration(first.durationSeconds)],
    ['Requests', first === undefined ? '-' : count(first.arrivals)],
    ['Rate scale', `${amount(output.rateScale).replace(/\.?0+$/, '')}x`],
    ['Engine profile', output.engineProfile],
    ['Objectives', objectivesText(objectives)],
  ];
  const links = shown.policies.map((policy, at) => `<a href="#policy-${at}">${escapeHtml(nameOf(policy))}</a>`);
  return `<header>
<h1>Forewarm simulation</h1>
<dl class="facts">${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`).join('')}</dl>
${verdict.message === undefined ? '' : `<p class="notice" role="note">${escapeHtml(verdict.message)}.</p>`}
${notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`).join('\n')}
<nav aria-label="Policies"><a href="#summary">Summary</a>${links.join('')}</nav>
</header>`;
}

function objectivesText({ ttftSeconds, itlSeconds }: PageObjectives): string {
  const parts = [
    ...(ttftSeconds === undefined ? [] : [`TTFT ${shortLatency(ttftSeconds)}`]),
    ...(itlSeconds === undefined ? [] : [`ITL ${shortLatency(itlSeconds)}`]),
  ];
  return parts.join(', ') || 'none';
}

/** `2s`, not `2.00s`: an objective is exact. */
function shortLatency(seconds: number): string {
  return latency(seconds).replace(/\.?0+(?=m?s$)/, (zeros) => (zeros.startsWith('.') ? '' : zeros));
}

function summarySection({ output, verdict }: PageInput): string {
  return `<section id="summary" aria-labelledby="summary-head">
<h2 id="summary-head">Summary</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Summary table">${summaryTable(summaryRows(output.results))}</div>
${comparison(output.results, verdict)}
${gpuUseTable(policyRows(output.results))}
</section>`;
}

function summaryTable(rows: readonly SummaryRow[]): string {
  const shown = columnsFor(rows);
  const groups = shown.map((column) => column.group);
  const top = shown
    .map((column, at) => ({ column, at }))
    .filter(({ column, at }) => column.group === undefined || groups[at - 1] !== column.group)
    .map(({ column }) =>
      column.group === undefined
        ? `<th scope="col" rowspan="2" title="${escapeHtml(column.meaning)}">${column.head}</th>`
        : `<th scope="colgroup" colspan="${groups.filter((group) => group === column.group).length}">${column.group}</th>`,
    );
  const second = shown
    .filter((column) => column.group !== undefined)
    .map((column) => `<th scope="col" title="${escapeHtml(column.meaning)}">${column.head}</th>`);
  const body = rows.map((row) =>
    tableRow(shown.map((column, at) => ({ html: escapeHtml(column.read(row)), isNumber: at > 0 }))),
  );
  return `<table class="summary"><thead><tr>${top.join('')}</tr><tr>${second.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

const plots = [
  ['replicas', 'Replicas by phase'],
  ['rate', 'Arrivals and forecast'],
  ['queue', 'Requests queued and running'],
  ['kv', 'KV cache in use'],
  ['ttft', 'Time to first token, p95'],
  ['itl', 'Inter-token latency, p95'],
] as const;

/** One run is drawn at a time, the same of every policy. */
function chooser({ variations, leftOut }: ShownRuns): string {
  if (variations.length < 2 && leftOut === 0) return '';
  const options = variations.map((name, at) => `<option value="${at}">${escapeHtml(name)}</option>`);
  const rest = `${count(leftOut)} more runs of each policy are left out here; '-o json --timelines' has them all.`;
  return `<div class="chooser"><label>Run shown of each policy <select id="run" autocomplete="off">${options.join('')}</select></label>${leftOut > 0 ? `<p class="note">${rest}</p>` : ''}</div>`;
}

function policySection(policy: ShownPolicy, at: number): string {
  const result = policy.runs[policy.first];
  if (result === undefined) return '';
  const name = escapeHtml(nameOf(policy));
  return `<section class="policy" id="policy-${at}" data-policy="${at}" aria-labelledby="policy-${at}-head">
<h2 id="policy-${at}-head">${name}</h2>
<p class="figures" aria-live="polite">${escapeHtml(figuresOf(result))}</p>
<div class="controls" role="group" aria-label="Time of ${name}"><label>Time <input type="range" class="scrub" min="0" max="0" value="0" disabled aria-label="Time within the trace of ${name}"></label><output class="at"></output><span class="buttons"><button type="button" data-zoom="in">Zoom in</button><button type="button" data-zoom="out">Zoom out</button><button type="button" data-zoom="all">Whole</button></span></div>
${plots.map(([key, title]) => `<figure class="plot" data-plot="${key}"><figcaption><span class="title">${title}</span><span class="legend"></span></figcaption><div class="canvas"></div></figure>`).join('\n')}
${decisionsSection(result, at)}
</section>`;
}

function nameOf({ policy, runs, first }: ShownPolicy): string {
  const run = runs[first];
  return policyName({ policy, ...(run?.isRealisable === undefined ? {} : { isRealisable: run.isRealisable }) });
}

function footer(): string {
  return `<footer><p>Replicas are drawn as they stood at the end of each step; queue, KV use and latencies as the worst inside the step; arrivals as its mean. Latencies on a logarithmic scale where they span more than a factor of 50. Drag over a plot to zoom, double-click to see the whole; with the keyboard use the time slider and the zoom buttons.</p></footer>`;
}
