import { tokenCosts } from './capacity/token-costs.ts';
import { learnKvPerRequest } from './capacity/capacity.ts';
import { ceilingAfter, queueAfter, servedBy } from './capacity/ceiling.ts';
import { correctedProfile, learnCorrection, noCorrection } from './capacity/correction.ts';
import { poolingAfter } from './capacity/pooling.ts';
import { saturationAfter } from './capacity/saturation.ts';
import { learnCurve } from './capacity/curve.ts';
import { freshLeadTimes, learnLeadTimes } from './capacity/lead-time.ts';
import { freshMix, learnMix, lengthsOf } from './signals/mix.ts';
import type { SizedTarget } from './decision/pool-sizing.ts';
import { longAfter } from './forecast/long.ts';
import { remember } from './forecast/remember.ts';
import { judgeForecasts } from './forecast/skill.ts';
import type { Outlook } from './forecast/outlook.ts';
import type { LearnedMemory, PoolMemory } from './model/memory.ts';
import type { PoolPolicy } from './model/policy.ts';
import type { EngineProfile } from './model/profile.ts';
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

/** What would be believed of capacity and lead times if nothing had been learned of them; demand and its mix are measurements. */
export function unlearned(
  { demand, mix, counted, baselines, skill, pending }: LearnedMemory,
  now: Instant,
): LearnedMemory {
  return { ...freshLearned(now), demand, mix, counted, baselines, skill, pending };
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
  const { learned, seen, policy, observation, step, now } = input;
  const judged = judgeForecasts({ ...input, leadSeconds: input.sized[0]?.sizing?.leadSeconds });
  const { leadTime, counted } = learnLeadTimes(seen, learned, { now, mayBeWarm: policy.warmth.artifact !== undefined });
  const kvPerRequest = learnKvPerRequest(learned.kvPerRequest, observation);
  return {
    baselines: step.baselines,
    demand: learned.demand,
    ...(step.gateway === undefined ? {} : { gateway: step.gateway }),
    ...longMemory(input),
    ...judged,
    leadTime,
    counted,
    ...lessons(input),
    ...(kvPerRequest === undefined ? {} : { kvPerRequest }),
    ...limitsOf(input),
    correction: correctionAfter(input),
    ...poolingOf(input),
  };
}

/** What the forecast knows of days. */
function longMemory({ memory, seen, policy, step }: LearnInput): Pick<LearnedMemory, 'long'> {
  const { demand, long: before, mix } = memory.learned;
  const lengths = lengthsOf(mix);
  const long =
    step.bin === undefined
      ? before
      : longAfter(
          before,
          { bin: step.bin, before: demand.at(-1)?.at },
          {
            pool: seen.pool,
            quantile: policy.tunables.provisioningQuantile,
            costs: tokenCosts(policy.targets[0]?.profile, lengths),
            lengths,
          },
        );
  return long === undefined ? {} : { long };
}

/** What queues say of how much a replica can do. */
function limitsOf(input: LearnInput): Pick<LearnedMemory, 'queue' | 'ceiling' | 'saturation'> {
  const { learned, policy, observation, step, now } = input;
  const isOnItsWay = input.sized.some(({ position }) => position.arriving.length > 0);
  const lengths = lengthsOf(learned.mix);
  const served = servedBy(step.settledFlow, lengths, tokenCosts(policy.targets[0]?.profile, lengths));
  const queue = queueAfter(learned.queue, { observation, served, isOnItsWay, now });
  const { readings } = observation;
  const saturation = saturationAfter(learned.saturation, { readings, baselines: learned.baselines, now });
  // A learned curve knows what a full engine does: a share of what was computed before that was known would be taken off twice.
  const isMeasuredFull = saturation?.at === now && policy.targets[0]?.profile === undefined;
  const capacity = input.sized[0]?.capacity;
  const about = { queue, served, capacity, now };
  const ceiling = isMeasuredFull ? undefined : ceilingAfter(learned.ceiling, about);
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(ceiling === undefined ? {} : { ceiling }),
    ...(saturation === undefined ? {} : { saturation }),
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

/** What is learned of a profile is learned of one kind of engine. */
function learningProfile({ policy, step }: LearnInput): EngineProfile | undefined {
  return policy.targets.length > 1 || step.bin === undefined ? undefined : policy.targets[0]?.profile;
}

function correctionAfter(input: LearnInput): LearnedMemory['correction'] {
  const { learned, step } = input;
  const profile = learningProfile(input);
  if (profile === undefined) return learned.correction;
  return learnCorrection(learned.correction, profile, lengthsOf(learned.mix), {
    flow: step.settledFlow,
    seconds: stepSeconds(input),
  });
}

/** What waiting says of the router. */
function poolingOf(input: LearnInput): Pick<LearnedMemory, 'pooling'> {
  const { learned, step } = input;
  const profile = learningProfile(input);
  const pooling =
    profile === undefined
      ? learned.pooling
      : poolingAfter(learned.pooling, {
          flow: step.settledFlow,
          profile: correctedProfile(profile, learned.correction),
          lengths: lengthsOf(learned.mix),
          seconds: stepSeconds(input),
          isBacklog: learned.queue !== undefined,
        });
  return pooling === undefined ? {} : { pooling };
}
