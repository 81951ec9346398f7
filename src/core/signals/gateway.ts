import type { GatewayBaseline } from '../model/memory.ts';
import type { GatewaySamples } from '../model/pool.ts';
import type { Sample } from '../model/sample.ts';
import { elapsed, type Instant } from '../model/units.ts';
import { freshValue } from './reading.ts';

const shortestPairSeconds = 5;
const longestPairSeconds = 90;

export interface GatewayStep {
  /** From the gateway's own counter, where it has one. */
  readonly requestsPerSecond?: number;
  /** Change of its queue: arrivals that no replica has seen yet. */
  readonly queuedChangePerSecond?: number;
  readonly next?: GatewayBaseline;
}

/** Rates of the gateway since its last reading. */
export function gatewayStep(
  samples: GatewaySamples | undefined,
  before: GatewayBaseline | undefined,
  { now, maxAge }: { readonly now: Instant; readonly maxAge: number },
): GatewayStep {
  const next = samples === undefined ? undefined : readingOf(samples, now, maxAge);
  if (next === undefined) return before === undefined ? {} : { next: before };
  const seconds = before === undefined ? 0 : elapsed(before.at, next.at);
  if (before === undefined || seconds > longestPairSeconds) return { next };
  if (seconds < shortestPairSeconds) return { next: before };
  return { next, ...rates(before, next, seconds) };
}

function readingOf(samples: GatewaySamples, now: Instant, maxAge: number): GatewayBaseline | undefined {
  const total = freshValue(samples.requestsTotal, now, maxAge);
  const queued = freshValue(samples.queued, now, maxAge);
  const at = total === undefined ? readingAt(samples.queued) : readingAt(samples.requestsTotal);
  if (at === undefined || (total === undefined && queued === undefined)) return undefined;
  return {
    at,
    ...(total === undefined ? {} : { requestsTotal: total }),
    ...(queued === undefined ? {} : { queued }),
  };
}

function rates(
  before: GatewayBaseline,
  next: GatewayBaseline,
  seconds: number,
): Pick<GatewayStep, 'requestsPerSecond' | 'queuedChangePerSecond'> {
  const total = next.requestsTotal;
  const was = before.requestsTotal;
  return {
    ...(total === undefined || was === undefined
      ? {}
      : { requestsPerSecond: (total < was ? total : total - was) / seconds }),
    ...(next.queued === undefined || before.queued === undefined
      ? {}
      : { queuedChangePerSecond: (next.queued - before.queued) / seconds }),
  };
}

function readingAt(sample: Sample): Instant | undefined {
  return sample.kind === 'missing' ? undefined : sample.at;
}
