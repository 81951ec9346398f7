import type { Objectives } from '../model/policy.ts';
import type { EngineProfile } from '../model/profile.ts';
import { iterationMs, meanContext, operatingPoint, quadraticMs, type OperatingPoint } from './iteration-time.ts';
import type { Lengths } from '../signals/mix.ts';

/** What one replica serves inside the objectives, and what stops it from serving more. */
export interface Capacity {
  readonly requestsPerSecond: number;
  /** Requests running in a replica at that rate. */
  readonly inFlight: number;
  /** Of a capacity that was learned: requests at once that lie near enough to what was seen to give replicas back on. */
  readonly provenInFlight?: number;
  readonly boundBy: 'compute' | 'kv' | 'objective' | 'learned';
  readonly source: 'profile' | 'corrected profile' | 'learned curve' | 'prior';
  /** Part of the computed capacity that is believed; below 1 after a queue stood that should not have. */
  readonly believed: number;
  /** 0: measured many times; 1: computed, guessed or disproved. */
  readonly doubt: number;
}

/** Beyond this share of its time an engine's queue no longer settles within minutes. */
const highestLoad = 0.95;
/** A request's own mean inter-token latency scatters around the mean iteration by about this much at high percentiles. */
const spread = 1.2;
const halvings = 24;

export interface Limits {
  readonly objectives: Objectives;
  readonly kvTokens: number;
  readonly maxSequences: number;
}

/** The largest rate whose operating point keeps the objectives, the KV budget and the number of sequences. */
export function capacityFromProfile(
  profile: EngineProfile,
  lengths: Lengths,
  limits: Limits,
): Omit<Capacity, 'source' | 'believed' | 'doubt'> {
  let low = 0;
  let high = 1000 / (profile.beta * (lengths.output + lengths.uncachedPrompt) + 1e-9);
  let boundBy: Capacity['boundBy'] = 'compute';
  for (let i = 0; i < halvings && high - low > 1e-3 * high; i++) {
    const rate = (low + high) / 2;
    const broken = brokenLimit(profile, lengths, limits, operatingPoint(profile, lengths, rate));
    if (broken === undefined) low = rate;
    else {
      high = rate;
      boundBy = broken;
    }
  }
  const least = alone(profile, lengths);
  if (low <= least) return { requestsPerSecond: least, inFlight: 1, boundBy };
  const { sequences } = operatingPoint(profile, lengths, low);
  return { requestsPerSecond: low, inFlight: Math.max(1, sequences), boundBy };
}

/** Objectives that no rate keeps do not make a replica worthless: it is worth one request after another. */
function alone(profile: EngineProfile, lengths: Lengths): number {
  const context = meanContext(lengths);
  const token = iterationMs(profile, { sequences: 1, context, prompts: 0, chunk: 0 });
  return 1000 / (prefillMs(profile, lengths, 0) + lengths.output * token);
}

/** Time to compute one prompt, in as many iterations as the token budget makes of it, beside `sequences` that decode. */
function prefillMs(profile: EngineProfile, lengths: Lengths, sequences: number): number {
  const chunks = Math.max(1, lengths.uncachedPrompt / profile.maxBatchedTokens);
  const chunk = lengths.uncachedPrompt / chunks;
  const busy = { sequences: sequences + chunk, context: 0, prompts: 0, chunk: 0 };
  const read = profile.gamma * sequences * meanContext(lengths) + profile.delta * sequences;
  return chunks * (iterationMs({ ...profile, delta: 0 }, busy) + read) + quadraticMs(profile, lengths);
}

function brokenLimit(
  profile: EngineProfile,
  lengths: Lengths,
  limits: Limits,
  point: OperatingPoint,
): Capacity['boundBy'] | undefined {
  if (point.load > highestLoad) return 'compute';
  if (point.kvTokens > limits.kvTokens) return 'kv';
  if (point.sequences > limits.maxSequences) return 'compute';
  const { interTokenLatency, timeToFirstToken } = limits.objectives;
  if (interTokenLatency !== undefined) {
    const factor = interTokenLatency.percentile > 60 ? spread : 1;
    if (point.iterationMs * factor > interTokenLatency.milliseconds) return 'objective';
  }
  if (timeToFirstToken === undefined) return undefined;
  const first = firstTokenMs(profile, lengths, { point, percentile: timeToFirstToken.percentile });
  return first > timeToFirstToken.milliseconds ? 'objective' : undefined;
}

/**
 * Time to first token at a percentile: the running iteration must end, then prompts are computed one after another. Waiting behind others
 * has an exponential tail with mean (own prefill) / (1 - load): the p95 is 3.0 means, the p50 0.7.
 */
export function firstTokenMs(
  profile: EngineProfile,
  lengths: Lengths,
  at: { readonly point: OperatingPoint; readonly percentile: number },
): number {
  const { point } = at;
  const own = prefillMs(profile, lengths, point.sequences);
  const tail = Math.max(1, -Math.log(1 - at.percentile / 100));
  return profile.tau0 + point.iterationMs + (own * tail) / (1 - point.load);
}
