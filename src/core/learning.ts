import { learnKvPerRequest } from './capacity/capacity.ts';
import { learnCorrection, noCorrection } from './capacity/correction.ts';
import { learnCurve } from './capacity/curve.ts';
import { freshLeadTimes, learnLeadTimes } from './capacity/lead-time.ts';
import { freshMix, learnMix, lengthsOf } from './capacity/mix.ts';
import type { SizedTarget } from './decision/pool-sizing.ts';
import { remember } from './forecast/remember.ts';
import { judgeForecasts } from './forecast/skill.ts';
import type { Outlook } from './forecast/outlook.ts';
import type { LearnedMemory, PoolMemory } from './model/memory.ts';
import type { PoolPolicy } from './model/policy.ts';
import type { PoolSeen } from './model/pool.ts';
import { elapsed, type Instant } from './model/units.ts';
import type { DemandStep } from './signals/demand.ts';
import type { Observation } from './signals/observe.ts';

export function freshLearned(now: Instant): LearnedMemory {
  return {
    baselines: {},
    demand: [],
    pending: [],
    skill: { judged: 0, covered: 0 },
    leadTime: freshLeadTimes(now),
    counted: [],
    curve: [],
    correction: noCorrection,
    mix: freshMix,
  };
}

/** Where no request was measured before, this step's lengths and concurrency serve at once: anything seen is better than a prior. */
export function firstLesson(learned: LearnedMemory, step: DemandStep): LearnedMemory {
  if (step.flow === undefined || learned.mix.weight > 0) return learned;
  return {
    ...learned,
    mix: learnMix(learned.mix, step.flow, 0),
    curve: learnCurve(learned.curve, step.settledFlow, 0),
  };
}

/** Memory with this step's bin. */
export function withBin(learned: LearnedMemory, { bin }: DemandStep, now: Instant): LearnedMemory {
  const demand = remember(learned.demand, bin, now);
  return demand === learned.demand ? learned : { ...learned, demand };
}

export interface LearnInput {
  readonly memory: PoolMemory;
  /** Memory with this step's bin. */
  readonly learned: LearnedMemory;
  readonly seen: PoolSeen;
  readonly policy: PoolPolicy;
  readonly observation: Observation;
  readonly step: DemandStep;
  readonly outlook: Outlook;
  readonly sized: readonly SizedTarget[];
  readonly now: Instant;
}

/** What this look teaches for the next one. */
export function learn(input: LearnInput): LearnedMemory {
  const { memory, learned, seen, observation, step, now } = input;
  const judged = judgeForecasts(input);
  const isFirst = learned.mix !== memory.learned.mix;
  const { leadTime, counted } = learnLeadTimes(seen, learned, now);
  const kvPerRequest = learnKvPerRequest(learned.kvPerRequest, observation);
  const queueSince = queueSinceOf(learned.queueSince, observation, now);
  return {
    baselines: step.baselines,
    demand: learned.demand,
    ...(step.gateway === undefined ? {} : { gateway: step.gateway }),
    ...judged,
    leadTime,
    counted,
    ...(isFirst ? { curve: learned.curve, mix: learned.mix } : lessons(input)),
    ...(kvPerRequest === undefined ? {} : { kvPerRequest }),
    ...(queueSince === undefined ? {} : { queueSince }),
    correction: correctionAfter(input),
  };
}

/** Seconds since the last bin, the span over which weights decay. */
function stepSeconds({ memory, now }: LearnInput): number {
  const last = memory.learned.demand.at(-1);
  return last === undefined ? 0 : Math.min(3600, Math.max(0, elapsed(last.at, now)));
}

function lessons(input: LearnInput): Pick<LearnedMemory, 'curve' | 'mix'> {
  const { learned, step } = input;
  if (step.bin === undefined) return { curve: learned.curve, mix: learned.mix };
  const seconds = stepSeconds(input);
  return {
    curve: learnCurve(learned.curve, step.settledFlow, seconds),
    mix: learnMix(learned.mix, step.flow, seconds),
  };
}

function correctionAfter(input: LearnInput): LearnedMemory['correction'] {
  const { learned, policy, step } = input;
  const profile = policy.targets[0]?.profile;
  if (profile === undefined || policy.targets.length > 1 || step.bin === undefined) return learned.correction;
  return learnCorrection(learned.correction, profile, lengthsOf(learned.mix), {
    flow: step.settledFlow,
    seconds: stepSeconds(input),
  });
}

/** A queue counts from more than a tenth of what runs: a request or two that wait for the next iteration are none. */
function queueSinceOf(
  before: Instant | undefined,
  { signals, gatewayQueue }: Observation,
  now: Instant,
): Instant | undefined {
  const queued = gatewayQueue.kind === 'known' ? gatewayQueue.value : 0;
  const waiting = signals.waiting.sum + queued;
  return waiting > Math.max(2, 0.1 * signals.running.sum) ? (before ?? now) : undefined;
}
