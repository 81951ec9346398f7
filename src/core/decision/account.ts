import type { Decision } from '../model/decision.ts';
import type { Because, Reason } from '../model/reason.ts';
import type { ConditionReport, PoolReport, TargetReport, WarmthReport } from '../model/report.ts';

const limits: readonly Reason[] = [
  'AtMaximum',
  'AtMinimum',
  'ScheduledFloor',
  'RateLimited',
  'QuotaExceeded',
  'CreateRefused',
  'Unschedulable',
];
const refusals: readonly Reason[] = [
  'TargetUnreadable',
  'ScalingDisabled',
  'ConflictDetected',
  'Paused',
  'DecisionFailed',
];

/** The report of `propose` with what was decided and why; `warmth` is a reason where the plan failed. A condition that `propose` set against the pool stands. */
export function account(
  report: PoolReport,
  decisions: readonly Decision[],
  warmth: WarmthReport | Because | undefined,
): PoolReport {
  const conditions = [
    condition('AbleToScale', decisions, refusals),
    condition('ScalingLimited', decisions, limits),
    ...(warmth === undefined ? [] : [warm(warmth)]),
  ];
  const isAgainst = ({ type, status }: ConditionReport): boolean =>
    type === 'ScalingLimited' ? status === 'True' : status === 'False';
  const standing = report.conditions.filter(
    (theirs) => isAgainst(theirs) || !conditions.some(({ type }) => type === theirs.type),
  );
  const ours = conditions.filter(({ type }) => !standing.some((theirs) => theirs.type === type));
  return {
    ...report,
    targets: report.targets.map((target) => decided(target, decisions)),
    ...(warmth === undefined || 'reason' in warmth ? {} : { warmth }),
    conditions: [...standing, ...ours],
  };
}

function decided(report: TargetReport, decisions: readonly Decision[]): TargetReport {
  const decision = decisions.find(({ target }) => target === report.target);
  if (decision === undefined) return report;
  const { because, replicas } = decision;
  return { ...report, because, ...(replicas === undefined ? {} : { decided: replicas }) };
}

function condition(
  type: 'AbleToScale' | 'ScalingLimited',
  decisions: readonly Decision[],
  reasons: readonly Reason[],
): ConditionReport {
  const found = decisions
    .flatMap(({ target, because }) => (because[0] === undefined ? [] : [{ target, ...because[0] }]))
    .find(({ reason }) => reasons.includes(reason));
  const isTrue = (found !== undefined) === (type === 'ScalingLimited');
  if (found !== undefined) {
    const message = decisions.length > 1 ? `${found.target}: ${found.message}` : found.message;
    return { type, status: isTrue ? 'True' : 'False', reason: found.reason, message };
  }
  return type === 'AbleToScale'
    ? { type, status: 'True', reason: 'ReadyForNewScale', message: 'The size may be changed' }
    : {
        type,
        status: 'False',
        reason: 'DesiredWithinRange',
        message: 'No bound, schedule or rate changed what was wanted',
      };
}

function warm(warmth: WarmthReport | Because): ConditionReport {
  if ('reason' in warmth) return { type: 'Warm', status: 'Unknown', ...warmth };
  const { wanted, ready, readyCopies = ready.length, failed = [], because } = warmth;
  if (readyCopies >= wanted) return { type: 'Warm', status: 'True', reason: 'CopiesReady', message: because };
  const reason = failed.length > 0 ? 'CopiesFailed' : 'CopiesMissing';
  return { type: 'Warm', status: 'False', reason, message: because };
}
