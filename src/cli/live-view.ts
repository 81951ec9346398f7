import { styleText } from 'node:util';
import type { ReplicaPhase } from '../core/model/pool.ts';
import { absent, amount, clock, count, percent } from '../sim/report/format.ts';
import type { LiveState } from './live-state.ts';

const arriving: readonly ReplicaPhase[] = [
  'Scheduling',
  'Gated',
  'Unschedulable',
  'PullingImage',
  'LoadingWeights',
  'StartingEngine',
];
const phaseWords: Readonly<Partial<Record<ReplicaPhase, string>>> = {
  Scheduling: 'scheduling',
  Gated: 'gated',
  Unschedulable: 'unschedulable',
  PullingImage: 'pulling the image',
  LoadingWeights: 'loading weights',
  StartingEngine: 'starting the engine',
};

/** The screen as lines, redrawn in place; each fits into `width` columns. */
export function liveScreen(state: LiveState, title: string, width: number): readonly string[] {
  const { progress } = state;
  const share = progress.seconds / Math.max(1, progress.durationSeconds);
  const rows: readonly (readonly [string, string])[] = [
    ['time', `${clock(progress.seconds)}  ${meter(share, 32)} ${(share * 100).toFixed(0)}%`],
    ['traffic', `${rate(state.arrivalRate)} now, ${forecastText(state)}`],
    ['replicas', replicaBar(state)],
    ['', `${readyOf(state)} ready${arrivingText(state)}${drainingText(state)}, ${state.wanted ?? absent} wanted`],
    ['queue', `${number(state.waiting)} waiting, ${number(state.running)} running`],
    ['KV cache', state.kvUse === undefined ? absent : `${meter(state.kvUse, 20)} ${(state.kvUse * 100).toFixed(0)}%`],
    ['requests', `${count(progress.completed)} done, ${count(progress.shed)} shed, ${count(progress.lost)} lost`],
    ['nodes', `${state.warmNodes} of ${state.nodes} hold the model`],
    ['decision', lastChange(state)],
  ];
  return ['', bold(title), '', ...rows.map(([name, text]) => `  ${dim(name.padEnd(10))}${cut(text, width - 13)}`), ''];
}

/** The same as one line, for a pipe. */
export function liveLine(state: LiveState): string {
  const kv = state.kvUse === undefined ? absent : percent(Math.floor(state.kvUse * 100) / 100);
  const cells = [
    clock(state.progress.seconds),
    `${rate(state.arrivalRate)}`.padStart(10),
    `ready ${String(readyOf(state)).padStart(2)}`,
    `arriving ${String(arrivingOf(state)).padStart(2)}`,
    `wanted ${String(state.wanted ?? absent).padStart(2)}`,
    `waiting ${number(state.waiting).padStart(5)}`,
    `KV ${kv.padStart(4)}`,
    `shed ${count(state.progress.shed)}`,
    `lost ${count(state.progress.lost)}`,
  ];
  return cells.join('  ');
}

/** A change of replicas with its reason. */
export function changeLine({ seconds, from, to, because }: NonNullable<LiveState['lastChange']>): string {
  return `${clock(seconds)}  ${from} → ${to}  ${because}`;
}

function readyOf({ phases }: LiveState): number {
  return phases.Ready ?? 0;
}

function arrivingOf({ phases }: LiveState): number {
  return arriving.reduce((sum, phase) => sum + (phases[phase] ?? 0), 0);
}

/** One mark a replica: full when ready, outlined while it starts. */
function replicaBar(state: LiveState): string {
  const draining = state.phases.Draining ?? 0;
  return [
    green('■'.repeat(readyOf(state))),
    yellow('□'.repeat(arrivingOf(state))),
    red('×'.repeat(state.phases.Unready ?? 0)),
    dim('▫'.repeat(draining)),
  ].join('');
}

function arrivingText(state: LiveState): string {
  const parts = arriving.flatMap((phase) => {
    const n = state.phases[phase] ?? 0;
    return n === 0 ? [] : [`${n} ${phaseWords[phase] ?? phase}`];
  });
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

function drainingText({ phases }: LiveState): string {
  return (phases.Draining ?? 0) === 0 ? '' : `, ${phases.Draining} draining`;
}

function forecastText({ report }: LiveState): string {
  const forecast = report?.forecast;
  if (forecast === undefined) return 'no forecast yet';
  const ahead = `${forecast.horizonSeconds.toFixed(0)}s ahead`;
  return `${rate(forecast.level)} expected ${ahead}, at most ${rate(forecast.upper)}`;
}

function lastChange({ lastChange }: LiveState): string {
  return lastChange === undefined ? 'none yet' : changeLine(lastChange);
}

function meter(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + dim('░'.repeat(width - full));
}

function rate(value: number): string {
  return `${amount(value)} req/s`;
}

function number(value: number | undefined): string {
  return value === undefined ? absent : count(value);
}

/** Counts what is seen: colours take no room. */
function cut(text: string, width: number): string {
  // oxlint-disable-next-line no-control-regex -- colours begin with the control character ESC
  const seen = text.replaceAll(/\u001b\[\d+m/g, '');
  return seen.length <= width ? text : `${seen.slice(0, Math.max(0, width - 1))}…`;
}

const bold = (text: string): string => styleText('bold', text);
const dim = (text: string): string => styleText('dim', text);
const green = (text: string): string => styleText('green', text);
const yellow = (text: string): string => styleText('yellow', text);
const red = (text: string): string => styleText('red', text);
