import type { LearnedMemory, ReplicaBaseline } from '../model/memory.ts';
import { elapsed, type Instant } from '../model/units.ts';
import type { ReplicaReading } from '../signals/observe.ts';
import { reliefPerMinute } from './ceiling.ts';

type Saturation = NonNullable<LearnedMemory['saturation']>;

/** Two looks nearer than this are one, farther apart they do not speak for the time between. */
const shortestSeconds = 5;
const longestSeconds = 90;
/** A request or two wait for the next iteration of any engine. */
const fewestWaiting = 2;

export interface SaturationStep {
  readonly readings: readonly ReplicaReading[];
  /** The looks before this one. */
  readonly baselines: Readonly<Record<string, ReplicaBaseline>>;
  readonly now: Instant;
}

/**
 * How many requests a replica runs at once while more than these wait beside them: it takes no more, whatever its limit is called (sequences, KV
 * blocks). One that runs more disproves it at once.
 */
export function saturationAfter(before: Saturation | undefined, step: SaturationStep): Saturation | undefined {
  const full = most(step.readings.map((reading) => runsWhenFull(reading, step)));
  if (full > 0) return { inFlight: full, at: step.now };
  const running = most(step.readings.map((reading) => reading.running ?? 0));
  return before !== undefined && running > before.inFlight ? { inFlight: running, at: step.now } : before;
}

/** The limit as it is believed now: it is forgotten slowly, for an engine may be restarted with another. */
export function concurrencyLimit(saturation: Saturation | undefined, now: Instant): number {
  if (saturation === undefined) return Infinity;
  return saturation.inFlight * reliefPerMinute ** (Math.max(0, elapsed(saturation.at, now)) / 60);
}

function runsWhenFull({ seen, running, waiting }: ReplicaReading, { baselines, now }: SaturationStep): number {
  const { at, counts } = baselines[seen.id] ?? { at: now, counts: {} };
  const seconds = elapsed(at, now);
  if (running === undefined || waiting === undefined || seconds < shortestSeconds || seconds > longestSeconds) return 0;
  const ran = Math.max(running, counts.running ?? 0);
  return Math.min(waiting, counts.waiting ?? 0) > Math.max(fewestWaiting, ran) ? ran : 0;
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}
