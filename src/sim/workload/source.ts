import { ForewarmError } from '../../errors.ts';
import { scaleRate, scaleTime, slice } from './scale.ts';
import type { Workload } from './workload.ts';

/** What is wanted of a source. */
export interface Part {
  readonly seed: number;
  /** Seconds of the source's own time. */
  readonly from: number;
  readonly to: number;
  /** Times the traffic. */
  readonly rateScale: number;
  /** Times the duration. */
  readonly timeScale: number;
}

/** Where the requests of a run come from. */
export interface WorkloadSource {
  readonly name: string;
  readonly durationSeconds: number;
  /** What its reader took upon itself to say about how it was read. */
  readonly notes: readonly string[];
  readonly draw: (part: Part) => Workload;
  /** All of it; thinned where it is long, so that only its shape over time is right. */
  readonly outline: (seed: number) => Workload;
}

/** As many requests as tell where a source is busy. */
export const outlineRequests = 200_000;

/** All of it at once; only the seed decides, where chance does. */
export function wholeSource(
  { name, durationSeconds }: Pick<Workload, 'name' | 'durationSeconds'>,
  whole: (seed: number) => Workload,
  notes: readonly string[] = [],
): WorkloadSource {
  return {
    name,
    durationSeconds,
    notes,
    outline: whole,
    draw({ seed, from, to, rateScale, timeScale }) {
      const all = whole(seed);
      const part = from > 0 || to < all.durationSeconds ? slice(all, from, to) : all;
      return scaleRate(scaleTime(part, timeScale), rateScale, seed);
    },
  };
}

const mostRequests = 30_000_000;

/** A source that is drawn request by request refuses what no memory holds. */
export function assertDrawable(name: string, requests: number): void {
  if (requests <= mostRequests) return;
  throw new ForewarmError(
    'USAGE',
    `${name} must be cut by --slice or thinned by --rate-scale to at most ${mostRequests} requests, was about ${Math.round(requests)}`,
  );
}
