import { leadTimePhases, leadTimeSeconds, phaseSeconds } from '../capacity/lead-time.ts';
import type { PoolSizingInput, SizedTarget } from '../decision/pool-sizing.ts';
import type { LearnedMemory } from '../model/memory.ts';
import type {
  DemandReport,
  ForecastReport,
  InputReport,
  LeadTimeReport,
  PoolReport,
  TargetReport,
} from '../model/report.ts';
import { after } from '../model/units.ts';
import { becauseOf } from '../decision/recommendation.ts';
import { promptTokensOf } from '../forecast/series.ts';
import { requiredSignals } from '../signals/observe.ts';
import { conditionsOf } from './conditions.ts';
import { counterfactualOf } from './counterfactual.ts';

export interface ReportInput extends PoolSizingInput {
  readonly sized: readonly SizedTarget[];
}

/** A list in a report is shown up to this length: <= 16 kB a pool. */
const mostListed = 20;

/** Everything that led to one pool's recommendation; `settle` adds what was decided. */
export function reportOf(input: ReportInput): PoolReport {
  const demand = demandOf(input);
  const forecast = forecastOf(input);
  const capacity = input.sized[0]?.capacity;
  return {
    pool: input.seen.pool,
    at: input.now,
    inputs: inputsOf(input),
    ...(demand === undefined ? {} : { demand }),
    ...(forecast === undefined ? {} : { forecast }),
    ...(capacity === undefined
      ? {}
      : {
          capacity: {
            requestsPerSecond: round(capacity.requestsPerSecond),
            boundBy: capacity.boundBy,
            source: capacity.source,
          },
        }),
    leadTime: leadTimeOf(input),
    targets: input.sized.map((target) => targetOf(target, input)),
    conditions: conditionsOf({ ...input, curve: input.learned.curve }),
  };
}

function inputsOf({ observation }: ReportInput): PoolReport['inputs'] {
  const inputs: Record<string, InputReport> = {};
  for (const name of requiredSignals) {
    const state = observation.signals[name];
    if (state.of === 0) inputs[name] = { missing: 'NoReadyReplica' };
    else if (state.fresh === 0) inputs[name] = { missing: state.cause ?? 'NotScraped' };
    else {
      inputs[name] = {
        value: round(state.sum),
        ageSeconds: round(state.ageSeconds),
        coverage: round(state.fresh / state.of),
      };
    }
  }
  const queue = observation.gatewayQueue;
  if (queue.kind === 'known')
    inputs['gatewayQueued'] = { value: queue.value, ageSeconds: round(queue.ageSeconds), coverage: 1 };
  if (queue.kind === 'missing') inputs['gatewayQueued'] = { missing: queue.cause };
  return inputs;
}

function demandOf({ learned, lengths, observation }: ReportInput): DemandReport | undefined {
  const bin = learned.demand.at(-1);
  if (bin === undefined) return undefined;
  const { waiting, running } = observation.signals;
  const queue = observation.gatewayQueue;
  const stock = waiting.sum + (queue.kind === 'known' ? queue.value : 0);
  return {
    requestsPerSecond: bin.requestsPerSecond,
    promptTokensPerSecond: round(promptTokensOf(bin, lengths)),
    outputTokensPerSecond: bin.outputTokensPerSecond,
    waiting: stock,
    running: running.sum,
    waitingTokens: round(stock * lengths.uncachedPrompt),
  };
}

function forecastOf({ sized, outlook, policy, learned, lengths }: ReportInput): ForecastReport | undefined {
  const lead = sized[0]?.sizing?.leadSeconds;
  if (lead === undefined) return undefined;
  const { tickSeconds, provisioningQuantile } = policy.tunables;
  const made = outlook.within(lead + tickSeconds, provisioningQuantile);
  if (made === undefined) return undefined;
  const { judged, covered } = learned.skill;
  return {
    horizonSeconds: round(made.horizonSeconds),
    level: round(made.level),
    upper: round(made.upper),
    upperTokens: {
      promptPerSecond: round(made.upper * lengths.uncachedPrompt),
      outputPerSecond: round(made.upper * lengths.output),
    },
    quantile: made.quantile,
    method: made.method,
    ...(judged === 0 ? {} : { covered: round(covered / judged) }),
    judged: Math.round(judged),
  };
}

function leadTimeOf({ learned, policy, sized }: ReportInput): LeadTimeReport {
  const { leadTime } = learned;
  const { tunables } = policy;
  const lead = sized[0]?.lead ?? {
    warm: leadTimeSeconds(leadTime, 'warm', { tunables }),
    cold: leadTimeSeconds(leadTime, 'cold', { tunables }),
  };
  const [warmSeconds, coldSeconds] = [round(lead.warm), round(lead.cold)];
  return {
    warmSeconds,
    coldSeconds,
    warmStarts: leadTime.total.warm.count,
    coldStarts: leadTime.total.cold.count,
    usedSeconds: round(sized[0]?.sizing?.leadSeconds ?? coldSeconds),
    phases: phasesOf(leadTime),
  };
}

function phasesOf(leadTime: LearnedMemory['leadTime']): LeadTimeReport['phases'] {
  const phases: Record<string, { readonly warm: number; readonly cold: number }> = {};
  for (const phase of leadTimePhases) {
    const warm = round(phaseSeconds(leadTime, phase, 'warm'));
    const cold = round(phaseSeconds(leadTime, phase, 'cold'));
    if (warm > 0 || cold > 0) phases[phase] = { warm, cold };
  }
  return phases;
}

function targetOf(sized: SizedTarget, input: ReportInput): TargetReport {
  const { seen, position, sizing } = sized;
  const isKnown = sizing !== undefined && input.evidence.isAnythingKnown;
  const counterfactual =
    isKnown && sized.input !== undefined ? counterfactualOf(sized.input, sizing, sized.policy.maxReplicas) : undefined;
  return {
    target: seen.target,
    ...(seen.specReplicas === undefined ? {} : { spec: seen.specReplicas }),
    ready: position.ready,
    arriving: position.arriving.slice(0, mostListed).map((a) => ({
      replica: a.replica,
      phase: a.phase,
      readyBy: after(input.now, a.inSeconds),
    })),
    unschedulable: position.unschedulable,
    ...(isKnown
      ? { wanted: sizing.wanted, reactiveNeed: sizing.need.reactive, forecastNeed: sizing.need.forecast }
      : {}),
    because: becauseOf(sized, input.evidence),
    candidates: sizing?.candidates ?? [],
    ...(counterfactual === undefined ? {} : { counterfactual }),
  };
}

/** Four digits: what a person can use, and the same bytes after a round trip. */
function round(n: number): number {
  return n === 0 ? 0 : Number(n.toPrecision(4));
}
