import type { LearnedMemory } from '../model/memory.ts';
import type { Objectives } from '../model/policy.ts';
import type { Flow } from '../signals/flow.ts';
import type { Capacity } from './from-profile.ts';
import type { Lengths } from '../signals/mix.ts';

type Curve = LearnedMemory['curve'];

/** Before anything is known a replica is taken to run this many requests at once, where it does not say how many it can. */
const priorInFlight = 32;
/** Share of the engine's own limit that is planned with. */
const shareOfLimit = 0.8;
/** Residence time of a request before any was measured, by the prior's token times: ms a token alone, and more for each request beside it. */
const priorTokenMs = 10;
const priorTokenMsPerRequest = 0.2;
const priorWeight = 2;
/** A concurrency never seen is believed up to this multiple of the largest seen. */
const extrapolation = 1.5;
/** Every engine is taken to run so many at once, seen or not: else idle pools would never shrink. */
const fewestInFlight = 4;
const halfLifeSeconds = 1800;
const spread = 1.2;
const mostBuckets = 24;

export interface CurveLimits {
  readonly objectives: Objectives;
  readonly maxRunning: number | undefined;
  /** What it runs at most while others wait, as far as seen. */
  readonly saturatedAt: number;
  /** KV share that one running request holds, where known. */
  readonly kvPerRequest: number | undefined;
  readonly kvHighRatio: number;
}

/** Folds one step into the curve: concurrency and finished requests per second of one replica, in buckets of half octaves. */
export function learnCurve(curve: Curve, flow: Flow | undefined, stepSeconds: number): Curve {
  const decay = 2 ** (-stepSeconds / halfLifeSeconds);
  const kept = curve.map((b) => ({ ...b, weight: b.weight * decay })).filter((b) => b.weight > 0.01);
  if (flow === undefined) return kept;
  if (isFillingOrEmptying(flow)) return kept;
  const inFlight = flow.runningSeconds / flow.replicaSeconds;
  const throughput = (flow.finished + flow.started) / 2 / flow.replicaSeconds;
  if (inFlight < 0.5 || throughput <= 0) return kept;
  const bucket = bucketOf(inFlight);
  const at = kept.findIndex((b) => bucketOf(b.inFlight) === bucket);
  const old = kept[at] ?? { inFlight, throughput, weight: 0 };
  const weight = old.weight + 1;
  const merged = {
    inFlight: (old.inFlight * old.weight + inFlight) / weight,
    throughput: (old.throughput * old.weight + throughput) / weight,
    weight,
  };
  const others = at < 0 ? kept : kept.filter((_, i) => i !== at);
  return [...others, merged].toSorted((a, b) => a.inFlight - b.inFlight).slice(-mostBuckets);
}

/**
 * Little's law holds in a steady state only: an engine that takes hundreds of requests at once has finished none of them yet, and would be taken
 * for one that serves nothing. Chance alone moves the count by its root.
 */
function isFillingOrEmptying({ runningSeconds, replicaSeconds, replicas, runningChange }: Flow): boolean {
  const running = (runningSeconds / replicaSeconds) * replicas;
  return Math.abs(runningChange) > Math.max(running / 2, 3 * Math.sqrt(running));
}

function bucketOf(inFlight: number): number {
  return Math.round(2 * Math.log2(inFlight));
}

/**
 * Capacity without a profile. Residence time grows in a line with concurrency, R(B) = a + b B (more sequences make every iteration longer), so
 * throughput B / R(B) bends by itself; a and b are fitted to what was seen, beside a weak prior. The concurrency is the largest that keeps the
 * inter-token objective R(B) / output tokens, the engine's own limit and the KV budget, not far beyond what was seen.
 */
export function capacityFromCurve(curve: Curve, lengths: Lengths, limits: CurveLimits): Capacity {
  const priorA = (priorTokenMs * lengths.output) / 1000;
  const priorB = (priorTokenMsPerRequest * lengths.output) / 1000;
  const seen = curve.at(-1)?.inFlight;
  const { a, b } = fit(curve, { a: priorA, b: priorB });
  const limit = Math.min(
    limits.maxRunning === undefined ? Infinity : shareOfLimit * limits.maxRunning,
    limits.saturatedAt,
    limits.kvPerRequest === undefined ? Infinity : limits.kvHighRatio / limits.kvPerRequest,
    byObjective({ a, b }, lengths, limits.objectives),
    Math.max(priorInFlight, extrapolation * (seen ?? 0)),
  );
  const inFlight = Math.max(1, limit);
  return {
    requestsPerSecond: inFlight / Math.max(1e-6, a + b * inFlight),
    inFlight,
    provenInFlight: Math.min(inFlight, Math.max(fewestInFlight, extrapolation * (seen ?? 0))),
    boundBy: 'learned',
    source: seen === undefined ? 'prior' : 'learned curve',
    believed: 1,
    doubt: 1,
  };
}

interface Line {
  readonly a: number;
  readonly b: number;
}

function byObjective({ a, b }: Line, lengths: Lengths, { interTokenLatency }: Objectives): number {
  if (interTokenLatency === undefined) return Infinity;
  const residence = (interTokenLatency.milliseconds / 1000 / spread) * lengths.output;
  return b <= 0 ? Infinity : Math.max(1, (residence - a) / b);
}

/**
 * Weighted least squares of R over B. The prior stands in at the largest concurrency seen, where it cannot tilt the line at what is known. While no
 * replica was seen to run a few requests at once, what makes R and B move together is chance: a look in which more ran finished the fewer.
 */
function fit(curve: Curve, prior: Line): Line {
  if (curve.length === 0) return prior;
  let sw = 0;
  let sx = 0;
  let sy = 0;
  let sxx = 0;
  let sxy = 0;
  for (const { inFlight, throughput, weight } of curve) {
    sw += weight;
    sx += weight * inFlight;
    sy += weight * (inFlight / throughput);
    sxx += weight * inFlight * inFlight;
    sxy += weight * inFlight * (inFlight / throughput);
  }
  const meanX = sx / sw;
  const meanY = sy / sw;
  const spreadX = sxx / sw - meanX * meanX;
  const covariance = sxy / sw - meanX * meanY;
  const priorSlope = (prior.b / Math.max(1e-9, prior.a + prior.b * meanX)) * meanY;
  const pull = priorWeight * meanX * meanX;
  const isTold = (curve.at(-1)?.inFlight ?? 0) >= fewestInFlight;
  const slope = isTold ? (covariance * sw + priorSlope * pull) / (spreadX * sw + pull) : priorSlope;
  const b = Math.min(Math.max(0, slope), meanY / Math.max(1e-9, meanX));
  return { a: meanY - b * meanX, b };
}
