import type { LearnedMemory } from '../model/memory.ts';
import type { PoolPolicy, TargetPolicy } from '../model/policy.ts';
import type { Instant } from '../model/units.ts';
import type { Observation } from '../signals/observe.ts';
import { rawValue } from '../signals/reading.ts';
import { concurrencyLimit } from './saturation.ts';
import { underCeiling } from './ceiling.ts';
import { correctedProfile, doubtOf } from './correction.ts';
import { capacityFromCurve } from './curve.ts';
import { capacityFromProfile, type Capacity } from './from-profile.ts';
import { serversOf } from './pooling.ts';
import { type Lengths, lengthsOf } from '../signals/mix.ts';

export interface CapacityInput {
  readonly target: TargetPolicy;
  readonly policy: PoolPolicy;
  readonly learned: LearnedMemory;
  /** Of the present mix, with caution for what still runs. (A learned curve has measured residence times and needs none.) */
  readonly lengths: Lengths;
  readonly observation: Observation;
  readonly now: Instant;
}

/** What one replica of the target serves of the present mix inside the objectives, as far as a standing queue has not disproved it. */
export function capacityOf(input: CapacityInput): Capacity {
  return underCeiling(computed(input), input.learned.ceiling, input.now);
}

function computed(input: CapacityInput): Capacity {
  const { target, policy, learned, lengths, observation } = input;
  const { objectives, tunables } = policy;
  const said = limitsSaid(observation);
  if (target.profile === undefined) {
    return capacityFromCurve(learned.curve, lengthsOf(learned.mix), {
      objectives,
      kvHighRatio: tunables.kvHighRatio,
      kvPerRequest: learned.kvPerRequest,
      maxRunning: said.maxRunning,
      saturatedAt: concurrencyLimit(learned.saturation, input.now),
    });
  }
  const profile = correctedProfile(target.profile, learned.correction);
  const capacity = capacityFromProfile(profile, lengths, {
    objectives,
    kvTokens: tunables.kvHighRatio * (said.kvTokens ?? profile.kvCapacityTokens),
    maxSequences: Math.min(profile.maxNumSeqs, said.maxRunning ?? Infinity),
    servers: serversOf(learned.pooling, observation.readings.length),
  });
  const source = learned.correction.weight >= 1 ? 'corrected profile' : 'profile';
  return { ...capacity, believed: 1, doubt: doubtOf(learned.correction), source };
}

/** Limits that the engines themselves state; the smallest of them. */
function limitsSaid({ readings }: Observation): {
  readonly kvTokens?: number;
  readonly maxRunning: number | undefined;
} {
  let kvTokens = Infinity;
  let maxRunning = Infinity;
  for (const { seen } of readings) {
    kvTokens = Math.min(kvTokens, positive(rawValue(seen.samples, 'kvCapacityTokens')));
    maxRunning = Math.min(maxRunning, positive(rawValue(seen.samples, 'maxRunning')));
  }
  return {
    ...(kvTokens === Infinity ? {} : { kvTokens }),
    maxRunning: maxRunning === Infinity ? undefined : maxRunning,
  };
}

function positive(value: number | undefined): number {
  return value === undefined || value <= 0 ? Infinity : value;
}

/** Decaying mean of the KV share that a running request holds. */
export function learnKvPerRequest(before: number | undefined, { signals }: Observation): number | undefined {
  const { kvUse, running } = signals;
  if (kvUse.fresh === 0 || kvUse.fresh !== running.fresh || running.sum < 4 || kvUse.sum <= 0) return before;
  const seen = kvUse.sum / running.sum;
  return before === undefined ? seen : before + 0.1 * (seen - before);
}
