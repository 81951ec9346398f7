import type { SizedTarget } from '../decision/pool-sizing.ts';
import { figure } from '../decision/sizing.ts';
import type { LearnedMemory } from '../model/memory.ts';
import type { DrainSeen } from '../model/pool.ts';
import type { ConditionReport } from '../model/report.ts';
import { short } from '../signals/evidence.ts';

/** Of times that scatter as widely as an exponential's, one in a hundred is longer than this many means. */
const p99Means = 4.6;
/** What a router needs to learn that a replica goes. */
const preStopSeconds = 15;

/** So many looks must stand behind a mean, so that a condition does not come and go with the minute. */
const fewestLooks = 40;

/** Seconds that a request stays in an engine, over the looks of about the last hour (Little's law); absent: too few. */
export function meanSeconds(curve: LearnedMemory['curve']): number | undefined {
  const total = (of: (bucket: LearnedMemory['curve'][number]) => number): number =>
    curve.reduce((sum, bucket) => sum + bucket.weight * of(bucket), 0);
  const throughput = total((bucket) => bucket.throughput);
  return total(() => 1) < fewestLooks || throughput <= 0 ? undefined : total((bucket) => bucket.inFlight) / throughput;
}

/**
 * Whether a replica that is taken away finishes what it runs, as far as its template tells, with what to change. `mean`: seconds that a request stays in
 * an engine; absent: not known.
 */
export function drainCondition(sized: readonly SizedTarget[], mean: number | undefined): ConditionReport | undefined {
  const seen = sized.flatMap(({ seen: { target, drain } }) => (drain === undefined ? [] : [{ target, drain }]));
  if (seen.length === 0) return undefined;
  const longest = mean === undefined ? undefined : p99Means * mean;
  for (const { target, drain } of seen) {
    const trouble = troubleOf(drain, longest);
    if (trouble === undefined) continue;
    const message = short(`${target}: ${trouble.text}`);
    return { type: 'DrainUnsafe', status: 'True', reason: trouble.reason, message };
  }
  const message = 'nothing in the templates says that requests are lost when a replica is taken away';
  return { type: 'DrainUnsafe', status: 'False', reason: 'Drains', message };
}

function troubleOf(
  { graceSeconds, hasPreStop, finishesRequests }: DrainSeen,
  longest: number | undefined,
): { readonly reason: string; readonly text: string } | undefined {
  if (finishesRequests === false) {
    const wait = Math.max(30, Math.ceil(longest ?? 0));
    const change = `give it --shutdown-timeout=${wait} and terminationGracePeriodSeconds ${wait + 2 * preStopSeconds}`;
    return { reason: 'RequestsAborted', text: `vLLM without --shutdown-timeout ends what it runs: ${change}` };
  }
  if (longest !== undefined && longest > graceSeconds) {
    const wanted = Math.ceil(longest) + 2 * preStopSeconds;
    const text = `requests take up to about ${figure(longest)} s, terminationGracePeriodSeconds is ${graceSeconds}: set it to ${wanted}`;
    return { reason: 'GraceTooShort', text };
  }
  if (!hasPreStop && finishesRequests === true) {
    const text = `routers still send while it goes: give it a preStop of sleep ${preStopSeconds}`;
    return { reason: 'NoPreStop', text };
  }
  return undefined;
}
