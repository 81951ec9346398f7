import type { Sketch } from '../model/memory.ts';
import type { Instant } from '../model/units.ts';

/** How values map to buckets: bucket i begins at `startOf(i)`; the last is open. */
export interface Buckets {
  readonly count: number;
  readonly startOf: (bucket: number) => number;
  readonly bucketOf: (value: number) => number;
}

/** Buckets that grow by `growth` each, the first from 0 to `first`, up to `max`. */
export function exponentialBuckets(first: number, growth: number, max: number): Buckets {
  const count = Math.ceil(Math.log((max * (growth - 1)) / first + 1) / Math.log(growth)) + 1;
  return {
    count,
    startOf: (bucket) => (first * (growth ** bucket - 1)) / (growth - 1),
    bucketOf: (value) => {
      const bucket = Math.floor(Math.log((Math.max(0, value) * (growth - 1)) / first + 1) / Math.log(growth) + 1e-9);
      return Math.min(count - 1, Math.max(0, bucket));
    },
  };
}

/** Rebase before weights of new samples grow out of proportion. */
const mostHalfLives = 100;

export function emptySketch(at: Instant): Sketch {
  return { weights: [], total: 0, count: 0, referenceAt: at };
}

export interface SketchSample {
  readonly value: number;
  readonly at: Instant;
  readonly halfLifeSeconds: number;
}

/** Adds a sample of weight 2^((at - referenceAt) / half-life): older ones fade without being touched. */
export function addToSketch(sketch: Sketch, sample: SketchSample, buckets: Buckets): Sketch {
  const halfLives = (sample.at - sketch.referenceAt) / 1000 / sample.halfLifeSeconds;
  const base = halfLives > mostHalfLives ? rebased(sketch, halfLives, sample.at) : sketch;
  const weight = halfLives > mostHalfLives ? 1 : 2 ** halfLives;
  const bucket = buckets.bucketOf(sample.value);
  const weights = [...base.weights];
  while (weights.length <= bucket) weights.push(0);
  weights[bucket] = (weights[bucket] ?? 0) + weight;
  return { weights, total: base.total + weight, count: base.count + 1, referenceAt: base.referenceAt };
}

function rebased(sketch: Sketch, halfLives: number, at: Instant): Sketch {
  const factor = 2 ** -halfLives;
  const weights = sketch.weights.map((w) => (w * factor < 1e-6 ? 0 : w * factor));
  return { ...sketch, weights, total: weights.reduce((a, b) => a + b, 0), referenceAt: at };
}

/**
 * End of the first bucket at which the cumulative weight reaches p of the total; of the open last bucket its start; 0 when empty. `prior` adds
 * a value of that weight, as of `at`, so that one measured sample does not yet rule.
 */
export function quantileOf(sketch: Sketch, p: number, buckets: Buckets): number {
  if (sketch.total <= 0) return 0;
  const wanted = p * sketch.total;
  let cumulative = 0;
  let bucket = 0;
  for (; bucket < sketch.weights.length - 1; bucket++) {
    cumulative += sketch.weights[bucket] ?? 0;
    if (cumulative >= wanted * (1 - 1e-12) && cumulative > 0) break;
  }
  return bucket >= buckets.count - 1 ? buckets.startOf(buckets.count - 1) : buckets.startOf(bucket + 1);
}
