import type { Objectives } from '../model/policy.ts';
import type { EngineProfile } from '../model/profile.ts';
import { iterationMs, meanContext, operatingPoint, type OperatingPoint } from './iteration-time.ts';
import { waitExponent } from './pooling.ts';
import { prefillMs } from './prefill.ts';
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
  /** Replicas that serve one queue together, as the router makes them; absent: each has its own. */
  readonly servers?: number;
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
    const broken = brokenLimit(profile, lengths, limits, { point: operatingPoint(profile, lengths, rate), rate });
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

interface Tried {
  readonly point: OperatingPoint;
  readonly rate: number;
}

function brokenLimit(
  profile: EngineProfile,
  lengths: Lengths,
  limits: Limits,
  { point, rate }: Tried,
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
  const service = prefillMs(profile, lengths, point.sequences);
  const patience = timeToFirstToken.milliseconds - profile.tau0 - point.iterationMs;
  const queue = { patience: patience / service, load: (rate * service) / 1000, servers: limits.servers ?? 1 };
  return isInTime(queue, limits.objectives, timeToFirstToken.percentile) ? undefined : 'objective';
}

/**
 * Behind a router of chance the percentile alone decides. What a better router allows beyond that leaves no slack for a surprise, so there no more prompts
 * than the attainment leaves may be late by waiting.
 */
function isInTime(queue: QueueAt, { attainmentPercent }: Objectives, percentile: number): boolean {
  const allowed = 1 - percentile / 100;
  if (lateShare({ ...queue, servers: 1 }) <= allowed) return true;
  const late = lateShare(queue);
  return late <= allowed && late - lateShare({ ...queue, load: 0 }) <= 1 - attainmentPercent / 100;
}

interface QueueAt {
  readonly patience: number;
  readonly load: number;
  readonly servers: number;
}

/**
 * Share of prompts that are not computed within `patience` (in mean times of computing one) of their arrival, when `servers` that are each busy for the
 * share `load` take them from one queue: the sojourn time of M/M/n, with the chance to wait by Sakasegawa's form. Of one server exp(-patience (1 - load)).
 */
export function lateShare({ patience, load, servers }: QueueAt): number {
  if (load >= 1 || patience <= 0) return 1;
  const waits = load ** waitExponent(servers);
  const faster = servers * (1 - load) - 1;
  const beyond = Math.abs(faster) < 1e-9 ? patience : (1 - Math.exp(-patience * faster)) / faster;
  return Math.exp(-patience) * (1 + waits * beyond);
}
