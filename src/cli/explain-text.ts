import type { PoolReport, TargetReport } from '../core/model/report.ts';

/** A report as people read it: what was seen, what is expected, what was decided and what would change it. */
export function explainText(report: PoolReport): string {
  const sections = [
    [`${report.pool} at ${time(report.at)}`],
    inputLines(report),
    demandLines(report),
    supplyLines(report),
    ...report.targets.map((target) => targetLines(target, report.at)),
    warmthLines(report),
    conditionLines(report),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function inputLines({ inputs }: PoolReport): readonly string[] {
  const rows = Object.entries(inputs).map(([name, input]) => {
    if ('missing' in input) return `  ${name.padEnd(14)} missing: ${input.missing}`;
    const part = input.coverage < 1 ? `, ${Math.round(100 * input.coverage)}% of replicas` : '';
    return `  ${name.padEnd(14)} ${figure(input.value)} (${figure(input.ageSeconds)} s old${part})`;
  });
  return ['Signals', ...rows];
}

function demandLines({ demand, forecast }: PoolReport): readonly string[] {
  if (demand === undefined) return ['Demand', '  not known yet'];
  const lines = [
    'Demand',
    `  now            ${figure(demand.requestsPerSecond)} req/s, ${figure(demand.promptTokensPerSecond)} prompt and ` +
      `${figure(demand.outputTokensPerSecond)} output tokens/s`,
    `  here           ${figure(demand.running)} running, ${figure(demand.waiting)} waiting (${figure(demand.waitingTokens)} tokens)`,
  ];
  if (forecast === undefined) return lines;
  const percent = figure(100 * forecast.quantile);
  const skill =
    forecast.covered === undefined
      ? 'none judged yet'
      : `${figure(100 * forecast.covered)}% of ${forecast.judged} judged held`;
  return [
    ...lines,
    `  forecast       up to ${figure(forecast.upper)} req/s within ${figure(forecast.horizonSeconds)} s (p${percent}), from ${figure(forecast.level)}`,
    `                 that is ${figure(forecast.upperTokens.promptPerSecond)} prompt and ${figure(forecast.upperTokens.outputPerSecond)} output tokens/s`,
    `                 ${forecast.method}; ${skill}`,
  ];
}

function supplyLines({ capacity, leadTime }: PoolReport): readonly string[] {
  const { warmSeconds, coldSeconds, warmStarts, coldStarts, usedSeconds, phases } = leadTime;
  const each =
    capacity === undefined
      ? []
      : [
          `  a replica      ${figure(capacity.requestsPerSecond)} req/s, bound by ${capacity.boundBy} (${capacity.source})`,
        ];
  const lead =
    `  lead time      ${figure(usedSeconds)} s used; p90 warm ${figure(warmSeconds)} s (${warmStarts} starts), ` +
    `cold ${figure(coldSeconds)} s (${coldStarts} starts)`;
  const rows = Object.entries(phases).map(
    ([phase, { warm, cold }]) => `    ${phase.padEnd(12)} warm ${figure(warm)} s, cold ${figure(cold)} s`,
  );
  return ['Supply', ...each, lead, ...rows];
}

function targetLines(target: TargetReport, at: number): readonly string[] {
  const unschedulable = target.unschedulable > 0 ? `, ${target.unschedulable} unschedulable` : '';
  const needs =
    target.wanted === undefined
      ? '  wanted         nothing can be said'
      : `  wanted         ${target.wanted} (demand ahead ${target.forecastNeed ?? '-'}, here now ${target.reactiveNeed ?? '-'})`;
  return [
    `Target ${target.target}`,
    `  has            spec ${target.spec ?? 'unknown'}, ${target.ready} ready, ${target.arriving.length} arriving${unschedulable}`,
    ...target.arriving.map((a) => `    ${a.replica}: ${a.phase}, ready in ${figure((a.readyBy - at) / 1000)} s`),
    needs,
    ...(target.decided === undefined ? [] : [`  decided        ${target.decided}`]),
    ...target.because.map(({ reason, message }) => `  because        ${reason}: ${message}`),
    ...target.candidates.map(({ replicas, lost }) => `  not ${String(replicas).padEnd(11)}${lost}`),
    ...(target.counterfactual === undefined ? [] : [`  otherwise      ${target.counterfactual}`]),
  ];
}

function warmthLines({ warmth }: PoolReport): readonly string[] {
  if (warmth === undefined) return [];
  const list = (nodes: readonly string[]): string => (nodes.length === 0 ? 'none' : nodes.join(', '));
  return [
    `Warmth of ${warmth.artifact}`,
    `  copies         ${warmth.wanted} wanted: ${warmth.because}`,
    `  ready          ${list(warmth.ready)}`,
    `  warming        ${list(warmth.warming)}`,
  ];
}

function conditionLines({ conditions }: PoolReport): readonly string[] {
  if (conditions.length === 0) return [];
  return ['Conditions', ...conditions.map((c) => `  ${c.type}=${c.status} ${c.reason}: ${c.message}`)];
}

function time(at: number): string {
  return new Date(at).toISOString();
}

function figure(n: number): string {
  return String(Math.abs(n) >= 1000 ? Math.round(n) : Number(n.toPrecision(3)));
}
