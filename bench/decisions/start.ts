import { capacityFromProfile } from '../../src/core/capacity/from-profile.ts';
import type { EngineProfile } from '../../src/core/model/profile.ts';
import { milliseconds } from '../../src/core/model/units.ts';
import type { Workload } from '../../src/sim/workload/workload.ts';

const startSeconds = 300;
/** Of a replica's capacity. */
const fullness = 0.8;
const objective = (limit: number): { percentile: number; milliseconds: ReturnType<typeof milliseconds> } => ({
  percentile: 95,
  milliseconds: milliseconds(limit),
});

/** Replicas that serve the first five minutes without haste: runs begin settled, so that what is compared is not the first ramp from one replica. */
export function replicasAtStart({ workload, profile }: { workload: Workload; profile: EngineProfile }): number {
  const { arrivalMs, promptTokens, outputTokens } = workload;
  const seconds = Math.min(startSeconds, workload.durationSeconds);
  let count = 0;
  let prompt = 0;
  let output = 0;
  for (; count < arrivalMs.length && (arrivalMs[count] ?? 0) < seconds * 1000; count++) {
    prompt += promptTokens[count] ?? 0;
    output += outputTokens[count] ?? 0;
  }
  if (count === 0) return 1;
  const lengths = { uncachedPrompt: prompt / count, cachedPrompt: 0, output: output / count, isPrior: false };
  const objectives = { timeToFirstToken: objective(2000), interTokenLatency: objective(100), attainmentPercent: 99 };
  const limits = { objectives, kvTokens: 0.9 * profile.kvCapacityTokens, maxSequences: profile.maxNumSeqs };
  const { requestsPerSecond } = capacityFromProfile(profile, lengths, limits);
  return Math.max(1, Math.ceil(count / seconds / (requestsPerSecond * fullness)));
}
