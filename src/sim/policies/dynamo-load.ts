import type { DynamoLoadParameters } from '../../core/model/peer-parameters.ts';
import { answerOf, held, noScale, within } from './answer.ts';
import { dynamoEngines } from './dynamo-engines.ts';
import { LengthReader } from './pool-counter.ts';
import type { PolicyAnswer, PolicySetting, PolicyView, SimulatedPolicy } from './policy.ts';
import { countsOf } from './signals.ts';

const thresholds = { throughput: { up: 1.0, down: 0.6 }, latency: { up: 0.4, down: 0.1 } } as const;

/** Dynamo's load planner with static thresholds, its default: one up when any aggregated engine is over, one down when all are under. */
export function createDynamoLoad(
  name: string,
  parameters: DynamoLoadParameters,
  setting: PolicySetting,
): SimulatedPolicy {
  const reader = new LengthReader(parameters.windowSeconds);
  return {
    name,
    tickSeconds: parameters.tickSeconds,
    decide: ({ now, seen }: PolicyView): PolicyAnswer => {
      reader.look(seen, now);
      const counts = countsOf(seen);
      if (counts === undefined) return noScale;
      const read = dynamoEngines(seen, now, counts, reader.lengths?.prompt ?? 0);
      if (read.kind === 'held') return held(`${read.because}: held`);
      const use = read.engines.map(({ kvTokens, queuedPrefillTokens, maxKvTokens }) =>
        maxKvTokens === 0 ? 0 : (kvTokens + queuedPrefillTokens) / maxKvTokens,
      );
      const wanted = Math.max(loadStep(parameters.target, use), parameters.minEndpoint);
      const because = `KV use and queued prompts of the engines up to ${Math.max(...use).toFixed(2)}`;
      return answerOf(counts.spec, within(setting, wanted), because);
    },
  };
}

/** Size after one step, from each engine's use of its KV cache with what is queued. */
export function loadStep(target: DynamoLoadParameters['target'], use: readonly number[]): number {
  const { up, down } = thresholds[target];
  if (use.some((share) => share > up)) return use.length + 1;
  return use.length > 1 && use.every((share) => share < down) ? use.length - 1 : use.length;
}
