import type { SizedTarget } from '../decision/pool-sizing.ts';
import { drainCondition, meanSeconds } from './drain.ts';
import type { LearnedMemory } from '../model/memory.ts';
import type { ConditionReport } from '../model/report.ts';
import { missingSignals, short } from '../signals/evidence.ts';
import type { Observation, ReplicaReading } from '../signals/observe.ts';

export interface ConditionInput {
  readonly observation: Observation;
  readonly sized: readonly SizedTarget[];
  /** What was learned of requests in flight and finished. */
  readonly curve?: LearnedMemory['curve'];
}

/** Conditions that samples and replicas speak of; bounds and warmth are `settle`'s. */
export function conditionsOf(input: ConditionInput): readonly ConditionReport[] {
  const refused = creationCondition(input.sized);
  const drain = drainCondition(input.sized, meanSeconds(input.curve ?? []));
  return [
    metricsCondition(input.observation),
    replicasCondition(input),
    ...(refused === undefined ? [] : [refused]),
    ...(drain === undefined ? [] : [drain]),
  ];
}

function metricsCondition(observation: Observation): ConditionReport {
  const type = 'MetricsAvailable';
  const newborn = observation.readings.filter((reading) => reading.isNewborn).length;
  const gaps = missingSignals(observation, newborn);
  if (gaps.length > 0) {
    return { type, status: 'False', reason: 'SignalsMissing', message: short(gaps.join('; ')) };
  }
  if (observation.signals.running.of === 0) {
    return { type, status: 'Unknown', reason: 'NoReadyReplica', message: 'no replica is ready to be read' };
  }
  const { fresh, of } = observation.signals.running;
  if (of === newborn)
    return { type, status: 'Unknown', reason: 'NotReadYet', message: 'ready just now, and read next' };
  const young = newborn === 0 ? '' : `, ${newborn} just became ready and are read next`;
  const message =
    fresh === of
      ? 'every required signal is fresh'
      : `required signals are fresh on ${fresh} of ${of} replicas${young}`;
  return { type, status: 'True', reason: 'SignalsFresh', message };
}

function replicasCondition({ observation, sized }: ConditionInput): ConditionReport {
  const type = 'ReplicasHealthy';
  const troubles = [...readingTroubles(observation.readings), ...startTroubles(sized)];
  const first = troubles[0];
  if (first === undefined) {
    return { type, status: 'True', reason: 'ReplicasHealthy', message: 'every replica answers and moves' };
  }
  const message = short(troubles.map((trouble) => trouble.text).join('; '));
  return { type, status: 'False', reason: first.reason, message };
}

interface Trouble {
  readonly reason: string;
  readonly text: string;
}

function readingTroubles(readings: readonly ReplicaReading[]): readonly Trouble[] {
  const troubles: Trouble[] = [];
  const stuck = names(readings.filter((r) => r.isStuck));
  if (stuck !== '') {
    troubles.push({ reason: 'ReplicaStuck', text: `gauges claim work and no counter moves on ${stuck}` });
  }
  const dark = names(readings.filter((r) => r.isDark && !r.isStuck));
  if (dark !== '') troubles.push({ reason: 'ReplicaDark', text: `nothing was read for 10 min from ${dark}` });
  const unready = readings.filter((r) => r.seen.phase === 'Unready');
  const busy = unready.filter((r) => (r.running ?? 0) + (r.waiting ?? 0) > 0);
  if (busy.length > 0) {
    const text = `${busy.length} of ${readings.length} replicas unready under load`;
    troubles.push({ reason: 'UnreadyUnderLoad', text });
  }
  if (unready.length > busy.length) {
    troubles.push({ reason: 'ReplicaUnready', text: `${unready.length - busy.length} lost readiness without load` });
  }
  return troubles;
}

function startTroubles(sized: readonly SizedTarget[]): readonly Trouble[] {
  return sized.flatMap(({ seen, position }) => {
    const parts = [
      ['unschedulable', position.unschedulable],
      ['gated', position.gated],
      ['crash looping', position.crashLooping],
    ] as const;
    const text = parts.filter(([, n]) => n > 0).map(([name, n]) => `${n} ${name}`);
    return text.length === 0 ? [] : [{ reason: 'ReplicasBlocked', text: `${seen.target}: ${text.join(', ')}` }];
  });
}

function creationCondition(sized: readonly SizedTarget[]): ConditionReport | undefined {
  for (const { seen, position } of sized) {
    if (seen.createFailure === undefined || position.refused === 0) continue;
    const { message } = seen.createFailure;
    const spec = seen.specReplicas ?? 0;
    return {
      type: 'ScalingLimited',
      status: 'True',
      reason: position.refusedBy,
      message: short(`${spec - position.refused} of ${spec} created: ${message}`),
    };
  }
  return undefined;
}

function names(readings: readonly ReplicaReading[]): string {
  const shown = readings.slice(0, 5).map((reading) => reading.seen.name);
  return readings.length > 5 ? `${shown.join(', ')} and ${readings.length - 5} more` : shown.join(', ');
}
