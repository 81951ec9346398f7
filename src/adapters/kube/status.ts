import type { Decision } from '../../core/model/decision.ts';
import type { SafetyMemory } from '../../core/model/memory.ts';
import type { PoolPolicy } from '../../core/model/policy.ts';
import type { PoolSeen, TargetSeen } from '../../core/model/pool.ts';
import type { PoolReport, TargetReport } from '../../core/model/report.ts';
import { type Condition, dated } from './conditions.ts';
import { isJson, type Json, list, optional, text } from './fields.ts';

export interface StatusInput {
  readonly generation: number;
  readonly now: number;
  readonly policy: PoolPolicy;
  readonly seen: PoolSeen;
  readonly report?: PoolReport;
  readonly decisions: readonly Decision[];
  /** Newest first. */
  readonly past: readonly Json[];
  readonly safety?: SafetyMemory;
  readonly conditions: readonly Condition[];
  /** The status that stands in the object. */
  readonly before: unknown;
}

/** The version of what we keep in `status.safety`. */
export const safetyFormat = 1;
const largest = 64 * 1024;

/** The whole status of one autoscaler; at most 64 KiB of JSON. */
export function statusFor(input: StatusInput): Json {
  const { policy, seen, decisions, generation, now } = input;
  const desired = decisions.map(({ replicas }) => replicas);
  const isDecided = desired.length > 0 && desired.every((one) => one !== undefined);
  return fitted({
    observedGeneration: generation,
    minReplicas: sum(policy.targets.map((one) => one.minReplicas)),
    maxReplicas: sum(policy.targets.map((one) => one.maxReplicas)),
    ...optional('currentReplicas', sizeOf(seen.targets)),
    readyReplicas: sum(seen.targets.map((one) => readyOf(one))),
    ...(isDecided ? { desiredReplicas: sum(desired.map((one) => one ?? 0)) } : {}),
    conditions: dated(input.conditions, input.before, { now: rfc3339(now), generation }),
    targets: seen.targets.map((target) => targetStatus(target, input)),
    ...reportStatus(input.report),
    decisions: input.past,
    ...(input.safety === undefined ? {} : { safety: { formatVersion: safetyFormat, memory: input.safety } }),
  });
}

/** Of an object that cannot be used: what is wrong with it, and the memory that stays. */
export function invalidStatus(
  input: Pick<StatusInput, 'generation' | 'now' | 'conditions' | 'before' | 'safety'>,
): Json {
  const before = isJson(input.before) ? input.before : {};
  const about = { now: rfc3339(input.now), generation: input.generation };
  return { ...before, observedGeneration: input.generation, conditions: dated(input.conditions, input.before, about) };
}

/** Of all targets together; unknown while one of them cannot be read. */
function sizeOf(targets: readonly TargetSeen[]): number | undefined {
  const sizes = targets.flatMap(({ specReplicas }) => specReplicas ?? []);
  return sizes.length === targets.length ? sum(sizes) : undefined;
}

function targetStatus(target: TargetSeen, { decisions, report }: StatusInput): Json {
  const decision = decisions.find((one) => one.target === target.target);
  const said = report?.targets.find((one) => one.target === target.target);
  return {
    name: target.target,
    ...optional('currentReplicas', target.specReplicas),
    readyReplicas: readyOf(target),
    pendingReplicas: pendingOf(target),
    ...optional('readyByTime', latest(said?.arriving.map((one) => one.readyBy) ?? [])),
    unschedulableReplicas: target.replicas.filter((one) => one.phase === 'Unschedulable').length,
    ...optional('desiredReplicas', decision?.replicas),
    ...optional('otherOwner', target.otherOwner?.ref),
    reasons: reasonsOf(decision, said),
    ...optional('counterfactual', said?.counterfactual?.slice(0, 512)),
    ...optional('lastScaleTime', latest(target.specChanges.map(({ at }) => at))),
  };
}

function reasonsOf(decision: Decision | undefined, said: TargetReport | undefined): readonly Json[] {
  const because = decision?.because ?? said?.because ?? [];
  return because.slice(0, 16).map(({ reason, message }) => ({ reason, message: message.slice(0, 256) }));
}

function latest(times: readonly number[]): string | undefined {
  return times.length === 0 ? undefined : rfc3339(Math.max(...times));
}

function reportStatus(report: PoolReport | undefined): Json {
  if (report === undefined) return {};
  const { forecast, capacity, leadTime, warmth } = report;
  return {
    ...(forecast === undefined ? {} : { forecast: forecastStatus(forecast) }),
    ...(capacity === undefined
      ? {}
      : {
          capacity: {
            requestsPerSecond: decimal(capacity.requestsPerSecond),
            boundBy: capacity.boundBy,
            source: capacity.source,
          },
        }),
    leadTime: leadTimeStatus(leadTime),
    ...(warmth === undefined
      ? {}
      : {
          warmth: {
            artifact: warmth.artifact,
            wantedCopies: warmth.wanted,
            readyCopies: warmth.readyCopies ?? warmth.ready.length,
            warmingCopies: warmth.warmingCopies ?? warmth.warming.length,
            message: warmth.because.slice(0, 512),
          },
        }),
  };
}

function forecastStatus(forecast: NonNullable<PoolReport['forecast']>): Json {
  return {
    horizonSeconds: Math.round(forecast.horizonSeconds),
    level: decimal(forecast.level),
    upper: decimal(forecast.upper),
    quantile: decimal(forecast.quantile),
    method: forecast.method,
    judged: forecast.judged,
    ...(forecast.covered === undefined ? {} : { coveredPercent: Math.round(forecast.covered * 100) }),
  };
}

function leadTimeStatus(leadTime: PoolReport['leadTime']): Json {
  const phases = Object.entries(leadTime.phases).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    usedSeconds: Math.round(leadTime.usedSeconds),
    warmSeconds: Math.round(leadTime.warmSeconds),
    coldSeconds: Math.round(leadTime.coldSeconds),
    warmStarts: leadTime.warmStarts,
    coldStarts: leadTime.coldStarts,
    phases: phases.map(([name, { warm, cold }]) => ({
      name,
      warmSeconds: Math.round(warm),
      coldSeconds: Math.round(cold),
    })),
  };
}

/** What is worth a write at once, and what can wait a little: fast numbers and messages are in neither. */
export function statusKeys(status: Json): { readonly urgent: string; readonly lazy: string } {
  const conditions = list(status, 'conditions').map((one) =>
    isJson(one) ? [one['type'], one['status'], one['reason']] : [],
  );
  const targets = list(status, 'targets').filter(isJson);
  const urgent = targets.map((one) => [one['name'], one['desiredReplicas'], one['currentReplicas'], one['otherOwner']]);
  const lazy = targets.map((one) => {
    const [binding] = list(one, 'reasons');
    return [
      one['readyReplicas'],
      one['pendingReplicas'],
      one['unschedulableReplicas'],
      isJson(binding) ? binding['reason'] : '',
    ];
  });
  return {
    urgent: JSON.stringify([
      status['observedGeneration'],
      status['minReplicas'],
      status['maxReplicas'],
      conditions,
      urgent,
    ]),
    lazy: JSON.stringify([
      lazy,
      followerWords(status),
      gapCauses(status),
      status['warmth'] === undefined ? '' : warmthKey(status['warmth']),
    ]),
  };
}

/** Why nobody follows is worth a write when it changes: it names the cure. */
function followerWords(status: Json): unknown {
  return list(status, 'conditions').find(
    (one) => isJson(one) && one['type'] === 'Followed' && one['status'] === 'False',
  );
}

/** Of what kind the gaps in the metrics are; not how many, nor the words of a failing server, which may change with each try. */
function gapCauses(status: Json): readonly string[] {
  const gap = list(status, 'conditions').find((one) => isJson(one) && one['type'] === 'MetricsAvailable');
  const message = text(gap, 'status') === 'False' ? (text(gap, 'message') ?? '') : '';
  return [...new Set(message.match(/\([A-Z][A-Za-z]+\)/g))].sort();
}

function warmthKey(warmth: unknown): readonly unknown[] {
  return isJson(warmth) ? [warmth['wantedCopies'], warmth['readyCopies'], warmth['warmingCopies']] : [];
}

/** From the least to the most missed: what explains goes before what a new leader needs. */
const trims: readonly ((status: Json) => Json)[] = [
  (status) => eachTarget(status, (one) => ({ ...one, reasons: list(one, 'reasons').slice(0, 2) })),
  (status) => ({ ...status, decisions: list(status, 'decisions').slice(0, 3) }),
  (status) => eachTarget(status, (one) => without(one, ['counterfactual', 'reasons'])),
  (status) => without(status, ['forecast', 'capacity', 'leadTime', 'warmth', 'decisions']),
];

function eachTarget(status: Json, change: (target: Json) => Json): Json {
  return { ...status, targets: list(status, 'targets').filter(isJson).map(change) };
}

function without(json: Json, keys: readonly string[]): Json {
  return Object.fromEntries(Object.entries(json).filter(([key]) => !keys.includes(key)));
}

function fitted(status: Json): Json {
  let fit = status;
  for (const trim of trims) {
    if (Buffer.byteLength(JSON.stringify(fit)) <= largest) return fit;
    fit = trim(fit);
  }
  return fit;
}

/** What is left when the server refuses a status as too large: conditions, sums and the safety memory. */
export function trimmed(status: Json): Json {
  return trims.reduce((fit, trim) => trim(fit), status);
}

/** Decimal string with four significant digits: no floats in the API. */
export function decimal(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : 'unknown';
}

export function rfc3339(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function readyOf(target: TargetSeen): number {
  return target.replicas.filter((one) => one.phase === 'Ready').length;
}

function pendingOf(target: TargetSeen): number {
  const done = ['Ready', 'Unready', 'Draining', 'CrashLooping', 'Unschedulable'];
  return target.replicas.filter((one) => !done.includes(one.phase)).length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
