import { capacityFromProfile } from '../../core/capacity/from-profile.ts';
import type { Lengths } from '../../core/signals/mix.ts';
import { limitsOf } from '../limits.ts';
import type { Scenario } from '../scenario.ts';
import { prefixOf, type Workload } from '../workload/workload.ts';

/** Length of the bins in which the true arrivals are sized, seconds. */
export const binSeconds = 10;

/** Engines can be busy all the time; the capacity of a replica is taken at 95 %. A lower bound must allow for that. */
const busyShare = 0.95;
/** A bound must also allow for the requests that may miss. */
const attainedShare = 0.99;

/** What arrives in one bin, in replicas that are full for its length. */
export interface BinLoad {
  /** Inside the objectives. */
  readonly full: number;
  /** With no objective on latencies: less is impossible. */
  readonly least: number;
  /** Requests per second, and those that a full replica serves. */
  readonly rate: number;
  readonly replicaRate: number;
  /** How long a request stays in a full replica, seconds. */
  readonly stay: number;
}

interface Total {
  requests: number;
  uncached: number;
  cached: number;
  output: number;
}

const nothing: BinLoad = { full: 0, least: 0, rate: 0, replicaRate: 0, stay: 0 };

/** The true work of each bin. Prompts are taken to find whatever any prompt before them left in a cache. */
export function binLoads(scenario: Scenario): readonly BinLoad[] {
  const { workload } = scenario;
  const count = Math.max(1, Math.ceil(workload.durationSeconds / binSeconds));
  const totals = Array.from({ length: count }, (): Total => ({ requests: 0, uncached: 0, cached: 0, output: 0 }));
  const cachedOf = cacheOf(workload);
  workload.arrivalMs.forEach((atMs, id) => {
    const total = totals[Math.min(count - 1, Math.floor(atMs / 1000 / binSeconds))];
    if (total === undefined) return;
    const cached = cachedOf(id);
    total.requests++;
    total.cached += cached;
    total.uncached += (workload.promptTokens[id] ?? 1) - cached;
    total.output += workload.outputTokens[id] ?? 1;
  });
  return totals.map((total) => (total.requests === 0 ? nothing : loadOf(total, scenario)));
}

function loadOf({ requests, uncached, cached, output }: Total, scenario: Scenario): BinLoad {
  const { profile } = scenario;
  const lengths: Lengths = {
    uncachedPrompt: Math.max(1, uncached / requests),
    cachedPrompt: cached / requests,
    output: output / requests,
    isPrior: false,
  };
  const limits = limitsOf(scenario);
  const inside = capacityFromProfile(profile, lengths, limits);
  const at = capacityFromProfile(profile, lengths, { ...limits, objectives: { attainmentPercent: 99 } });
  const rate = requests / binSeconds;
  return {
    full: rate / inside.requestsPerSecond,
    least: (rate / at.requestsPerSecond) * busyShare,
    rate,
    replicaRate: inside.requestsPerSecond,
    stay: inside.inFlight / inside.requestsPerSecond,
  };
}

/** Tokens of each prompt that an endless cache holds; asked in the order of arrival. */
function cacheOf(workload: Workload): (id: number) => number {
  const { prefixes, promptTokens } = workload;
  if (prefixes === undefined) return () => 0;
  const isKnown = new Uint8Array(prefixes.distinct);
  return (id) => {
    let known = 0;
    for (const block of prefixOf(workload, id) ?? []) {
      known += isKnown[block] ?? 0;
      isKnown[block] = 1;
    }
    return Math.min((promptTokens[id] ?? 1) - 1, known * prefixes.blockTokens);
  };
}

/** Fewer requests say more of chance than of the load: their number scatters by its root. */
const fewestRequests = 100;
const tellingRequests = 400;
const longestSmoothing = 30;

/**
 * Where bins hold fewer than 100 requests on average: each bin's load as the mean of as many bins around it as hold 400 (at most five minutes). Following every
 * scatter of few long requests often pays for starts and not for service; queues carry it.
 */
export function smoothed(loads: readonly BinLoad[]): readonly BinLoad[] {
  const requests = loads.reduce((sum, { rate }) => sum + rate * binSeconds, 0) / loads.length;
  if (requests >= fewestRequests) return loads;
  const bins = Math.min(longestSmoothing, Math.ceil(tellingRequests / Math.max(1e-9, requests)));
  const sums = [0];
  for (const { full } of loads) sums.push((sums.at(-1) ?? 0) + full);
  return loads.map((load, at) => {
    const from = Math.max(0, at - Math.floor(bins / 2));
    const to = Math.min(loads.length, from + bins);
    return { ...load, full: ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from) };
  });
}

/** Work / capacity: GPU-hours below which nobody serves this load, whatever the latencies, nor keeps to the floor. */
export function leastGpuHours(loads: readonly BinLoad[], { workload, profile, minReplicas }: Scenario): number {
  const work = loads.reduce((sum, { least }) => sum + least, 0) * binSeconds * attainedShare;
  return (Math.max(work, minReplicas * workload.durationSeconds) * profile.gpusPerReplica) / 3600;
}

/** Replicas for each bin when a full one takes `believed` of its computed capacity. What arrives is served for as long as it stays. */
export function binNeeds(
  loads: readonly BinLoad[],
  believed: number,
  { minReplicas, maxReplicas }: Scenario,
): readonly number[] {
  const served = new Float64Array(loads.length);
  loads.forEach(({ full, stay }, at) => {
    const bins = Math.max(1, Math.ceil(stay / binSeconds));
    for (let bin = at; bin < Math.min(loads.length, at + bins); bin++) served[bin] = (served[bin] ?? 0) + full / bins;
  });
  return Array.from(served, (full) => Math.min(maxReplicas, Math.max(minReplicas, Math.ceil(full / believed))));
}
