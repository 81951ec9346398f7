import { isJson, type Json, list, text } from '../adapters/kube/fields.ts';
import type { Action, Decision } from '../core/model/decision.ts';
import type { PoolId, TargetSeen } from '../core/model/pool.ts';
import type { PoolReport, TargetReport } from '../core/model/report.ts';
import { describe, type Problem } from '../core/model/result.ts';
import type { PoolInput, TickInput, TickOutput } from '../core/tick.ts';

export interface PlanView {
  readonly input: TickInput;
  readonly output: TickOutput;
  readonly statuses: ReadonlyMap<PoolId, Json>;
  /** Objects that cannot be used. */
  readonly problems: ReadonlyMap<PoolId, Problem>;
}

/** What would be done, pool by pool, the changes first in each; the last line counts. */
export function planText(view: PlanView): string {
  const pools = view.input.pools.map((one) => poolText(one, view));
  const invalid = [...view.problems].map(([pool, problem]) => `! ${pool}  cannot be used: ${describe(problem)}\n`);
  const actions = shownActions(view);
  const changed = new Set(actions.flatMap(({ pool }) => pool ?? [])).size;
  const left = actions
    .filter(({ pool }) => pool === undefined)
    .map((one) => `~ of no pool: would ${actionText(one)}\n`);
  const counts = `Plan: ${changed} of ${plural(view.input.pools.length, 'pool')} would change, ${plural(actions.length, 'action')}. Nothing was written.\n`;
  return [...pools, ...invalid, ...left, counts].join('\n');
}

export function planJson(view: PlanView): Json {
  const pools = new Set(view.input.pools.map(({ seen }) => seen.pool));
  return {
    schema: 'forewarm.dev/plan/v1',
    at: new Date(view.input.now).toISOString(),
    decisions: view.output.decisions.filter(({ pool }) => pools.has(pool)),
    actions: shownActions(view),
    reports: view.output.reports.filter(({ pool }) => pools.has(pool)),
    invalid: [...view.problems].map(([pool, problem]) => ({ pool, problem: describe(problem) })),
  };
}

function shownActions({ input, output }: PlanView): readonly Action[] {
  const pools = new Set(input.pools.map(({ seen }) => seen.pool));
  return output.actions.filter(({ pool }) => pool === undefined || pools.has(pool));
}

function poolText({ seen, policy }: PoolInput, { output, statuses }: PlanView): string {
  const report = output.reports.find(({ pool }) => pool === seen.pool);
  const actions = output.actions.filter(({ pool }) => pool === seen.pool);
  const decisionOf = ({ target }: TargetSeen): Decision | undefined =>
    output.decisions.find((one) => one.pool === seen.pool && one.target === target);
  const sign = actions.length > 0 ? '~' : ' ';
  const lines = [
    `${sign} ${seen.pool}  mode ${policy.mode}${policy.paused ? ', paused' : ''}`,
    ...seen.targets.flatMap((target) =>
      targetLines(
        target,
        decisionOf(target),
        report?.targets.find((one) => one.target === target.target),
      ),
    ),
    ...reportLines(report),
    ...conditionLines(statuses.get(seen.pool)),
    ...actions.map((action) => `    would ${actionText(action)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function targetLines(
  target: TargetSeen,
  decision: Decision | undefined,
  said: TargetReport | undefined,
): readonly string[] {
  const ready = target.replicas.filter(({ phase }) => phase === 'Ready').length;
  const because = (decision?.because ?? []).map(({ reason, message }) => `      ${reason}: ${message}`);
  const counterfactual = said?.counterfactual === undefined ? [] : [`      ${said.counterfactual}`];
  return [
    `    target ${target.target}: ${sizes(target, decision)} (ready ${ready}${arriving(said)})`,
    ...because,
    ...counterfactual,
  ];
}

function sizes(target: TargetSeen, decision: Decision | undefined): string {
  return `${target.specReplicas ?? 'unknown'} -> ${decision?.replicas ?? 'nothing may be said'}`;
}

function arriving(said: TargetReport | undefined): string {
  return said === undefined ? '' : `, arriving ${said.arriving.length}, unschedulable ${said.unschedulable}`;
}

function reportLines(report: PoolReport | undefined): readonly string[] {
  if (report === undefined) return [];
  const { demand, forecast, capacity, leadTime } = report;
  return [
    demand === undefined
      ? '    demand: unknown'
      : `    demand: ${short(demand.requestsPerSecond)} req/s, ${short(demand.promptTokensPerSecond)} prompt and ${short(demand.outputTokensPerSecond)} output tokens/s, ${demand.running} running, ${demand.waiting} waiting`,
    ...(forecast === undefined
      ? []
      : [
          `    forecast: up to ${short(forecast.upper)} within ${short(forecast.horizonSeconds)} s at quantile ${short(forecast.quantile)} (${forecast.method})`,
        ]),
    ...(capacity === undefined
      ? []
      : [
          `    capacity: ${short(capacity.requestsPerSecond)} req/s a replica (${capacity.source}, bound by ${capacity.boundBy})`,
        ]),
    `    lead time: ${short(leadTime.usedSeconds)} s used; warm ${short(leadTime.warmSeconds)} s from ${leadTime.warmStarts} starts, cold ${short(leadTime.coldSeconds)} s from ${leadTime.coldStarts}`,
  ];
}

/** Conditions that want attention. */
function conditionLines(status: Json | undefined): readonly string[] {
  const bad = list(status, 'conditions').filter((one) => isJson(one) && wantsAttention(one));
  return bad.map(
    (one) =>
      `    ${text(one, 'type') ?? ''}=${text(one, 'status') ?? ''} ${text(one, 'reason') ?? ''}: ${text(one, 'message') ?? ''}`,
  );
}

const goodWhenFalse = ['ScalingLimited', 'ConflictDetected', 'FollowerDamps'];

function wantsAttention(condition: Json): boolean {
  const good = goodWhenFalse.includes(text(condition, 'type') ?? '') ? 'False' : 'True';
  return condition['status'] !== good;
}

function actionText(action: Action): string {
  switch (action.kind) {
    case 'Scale':
      return `scale ${action.target} from ${action.from} to ${action.to}`;
    case 'ProtectPods':
      return marksText(action);
    case 'Assign':
      return `have ${action.artifact} warm on node ${action.node}${action.isAwaited === true ? ', at once: a replica waits there' : ''}`;
    case 'Unassign':
      return `let ${action.artifact} go from node ${action.node}`;
    case 'Headroom':
      return `ask for room for ${action.replicas} replicas of ${action.target}`;
  }
}

function marksText({ victims, freed }: Extract<Action, { readonly kind: 'ProtectPods' }>): string {
  const parts = [
    ...(victims.length === 0 ? [] : [`give up first: ${victims.join(', ')}`]),
    ...(freed.length === 0 ? [] : [`keep after all: ${freed.join(', ')}`]),
  ];
  return parts.join('; ');
}

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : 'unknown';
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
