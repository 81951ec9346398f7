import type {
  InferenceAutoscaler,
  InferenceAutoscalerBehavior,
  InferenceAutoscalerObjectives,
  InferenceAutoscalerSpec,
  InferenceAutoscalerTarget,
} from '../core/model/api.gen.ts';
import type { TargetName } from '../core/model/pool.ts';
import { parseMilli } from '../core/model/quantity.ts';
import { problem, type Problem } from '../core/model/result.ts';
import { scheduleProblem } from './schedules.ts';

const most = 100_000;
/** RFC 3339 with a zone; a time without one means something else on every machine. */
const time = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

export function nameOfTarget(target: InferenceAutoscalerTarget): TargetName {
  return target.name ?? target.scaleTargetRef.name;
}

/**
 * What makes an autoscaler unusable. The API server refuses all of it already; objects also come from files, from servers with an older schema
 * and from before a rule existed, and a number out of range must never reach the core.
 */
export function* problemsOf({ spec }: InferenceAutoscaler): Generator<Problem> {
  yield* targetProblems(spec);
  yield* objectiveProblems(spec.objectives ?? {});
  yield* behaviorProblems(spec.behavior ?? {});
  yield* fallbackProblems(spec);
  yield* integer('spec.warmth.floorCopies', spec.warmth?.floorCopies, 0, 1000);
  yield* integer('spec.signals.port', spec.signals?.port, 1, 65_535);
  yield* integer('spec.signals.scrapeIntervalSeconds', spec.signals?.scrapeIntervalSeconds, 1, 300);
  if (spec.signals?.source === 'Prometheus' && spec.signals.prometheus === undefined) {
    yield saw('spec.signals.prometheus', undefined, 'set when `source` is Prometheus');
  }
  yield* overrideProblems(spec.override);
  yield* scheduleProblems(spec);
}

function* targetProblems(spec: InferenceAutoscalerSpec): Generator<Problem> {
  const { targets, pool } = spec;
  if (targets.length === 0) yield saw('spec.targets', targets, 'a list of at least one target');
  if (targets.length > 1 && pool === undefined) {
    yield saw('spec.pool', undefined, 'set when there is more than one target');
  }
  yield* roleProblems(targets);
  yield* ratioProblems(spec);
  const names = new Set<TargetName>();
  for (const [index, target] of targets.entries()) {
    const field = `spec.targets[${index}]`;
    const name = nameOfTarget(target);
    if (names.has(name)) yield saw(`${field}.name`, name, 'unique among the targets');
    names.add(name);
    yield* integer(`${field}.maxReplicas`, target.maxReplicas, 1, most);
    yield* integer(`${field}.minReplicas`, target.minReplicas, 0, most);
    yield* integer(`${field}.gpusPerReplica`, target.gpusPerReplica, 0, 4096);
    if ((target.minReplicas ?? 1) > target.maxReplicas) {
      const allowed = `less than or equal to \`maxReplicas\` (${target.maxReplicas})`;
      yield saw(`${field}.minReplicas`, target.minReplicas ?? 1, allowed);
    }
  }
}

/** A pool serves whole requests, or it has both halves of them. */
function* roleProblems(targets: readonly InferenceAutoscalerTarget[]): Generator<Problem> {
  const roles = new Set(targets.map(({ role }) => role ?? 'Both'));
  if (roles.size === 1 && roles.has('Both')) return;
  if (roles.size === 2 && !roles.has('Both')) return;
  const allowed = 'Both of every target, or Prefill of at least one and Decode of all others';
  yield saw('spec.targets[].role', [...roles].join(', '), allowed);
}

function* ratioProblems({ prefillPerDecode, targets }: InferenceAutoscalerSpec): Generator<Problem> {
  if (prefillPerDecode === undefined) return;
  if (!targets.some(({ role }) => role === 'Prefill')) {
    yield saw('spec.prefillPerDecode', prefillPerDecode, 'absent while no target has the role Prefill');
  }
  const [min, max] = [parseMilli(prefillPerDecode.min), parseMilli(prefillPerDecode.max)];
  if (prefillPerDecode.min !== undefined && (min === undefined || min < 0n)) {
    yield saw('spec.prefillPerDecode.min', prefillPerDecode.min, "a quantity of at least 0, as '0.5'");
  }
  if (prefillPerDecode.max !== undefined && (max === undefined || max <= 0n)) {
    yield saw('spec.prefillPerDecode.max', prefillPerDecode.max, "a quantity above 0, as '2'");
  }
  if (min !== undefined && max !== undefined && min > max) {
    yield saw('spec.prefillPerDecode.min', prefillPerDecode.min, `at most \`max\` (${prefillPerDecode.max})`);
  }
}

function* objectiveProblems(objectives: InferenceAutoscalerObjectives): Generator<Problem> {
  for (const name of ['timeToFirstToken', 'interTokenLatency'] as const) {
    const objective = objectives[name];
    yield* integer(`spec.objectives.${name}.percentile`, objective?.percentile, 1, 99);
    yield* integer(`spec.objectives.${name}.milliseconds`, objective?.milliseconds, 1, 3_600_000);
  }
  yield* integer('spec.objectives.attainmentPercent', objectives.attainmentPercent, 1, 100);
}

/** The bounds of autoscaling/v2. */
function* behaviorProblems(behavior: InferenceAutoscalerBehavior): Generator<Problem> {
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const field = `spec.behavior.${direction}`;
    const rules = behavior[direction];
    yield* integer(`${field}.stabilizationWindowSeconds`, rules?.stabilizationWindowSeconds, 0, 3600);
    if (rules?.policies?.length === 0) yield saw(`${field}.policies`, [], 'absent or a list of at least one policy');
    for (const [index, rate] of (rules?.policies ?? []).entries()) {
      yield* integer(`${field}.policies[${index}].value`, rate.value, 1, 2_147_483_647);
      yield* integer(`${field}.policies[${index}].periodSeconds`, rate.periodSeconds, 1, 1800);
    }
  }
}

function* fallbackProblems({ fallback, targets }: InferenceAutoscalerSpec): Generator<Problem> {
  if (fallback === undefined) return;
  yield* integer('spec.fallback.replicas', fallback.replicas, 0, most);
  yield* integer('spec.fallback.afterSeconds', fallback.afterSeconds, 1, 86_400);
  for (const target of targets) {
    if (fallback.replicas <= target.maxReplicas) continue;
    const allowed = `less than or equal to \`maxReplicas\` of target '${nameOfTarget(target)}' (${target.maxReplicas})`;
    yield saw('spec.fallback.replicas', fallback.replicas, allowed);
  }
}

function* overrideProblems(override: InferenceAutoscalerSpec['override']): Generator<Problem> {
  if (override === undefined) return;
  yield* integer('spec.override.replicas', override.replicas, 0, most);
  if (!time.test(override.until) || !Number.isFinite(Date.parse(override.until))) {
    yield saw('spec.override.until', override.until, "an RFC 3339 time with a zone, as '2027-01-31T18:00:00Z'");
  }
}

function* scheduleProblems({ schedules = [], targets }: InferenceAutoscalerSpec): Generator<Problem> {
  const names = targets.map(nameOfTarget);
  for (const [index, schedule] of schedules.entries()) {
    const field = `spec.schedules[${index}]`;
    yield* integer(`${field}.replicas`, schedule.replicas, 1, most);
    yield* integer(`${field}.durationSeconds`, schedule.durationSeconds, 60, 604_800);
    if (schedule.target !== undefined && !names.includes(schedule.target)) {
      yield saw(`${field}.target`, schedule.target, `one of ${names.join(', ')}, or absent`);
    }
    const wrong = scheduleProblem(schedule);
    if (wrong !== undefined) {
      yield saw(`${field}.${wrong.field}`, wrong.field === 'start' ? schedule.start : schedule.timeZone, wrong.allowed);
    }
  }
}

function* integer(field: string, seen: number | undefined, min: number, max: number): Generator<Problem> {
  if (seen === undefined || (Number.isSafeInteger(seen) && seen >= min && seen <= max)) return;
  yield saw(field, seen, `an integer from ${min} to ${max}`);
}

function saw(field: string, seen: unknown, allowed: string): Problem {
  return problem(field, seen, allowed).problem;
}
