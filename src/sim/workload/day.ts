import { RandomStream } from '../rng.ts';
import type { Workload } from './workload.ts';

export interface DayOptions {
  readonly seed: number;
  /** Requests per second at the top of the curve, the flash crowd apart. */
  readonly peakRate: number;
  /** The day passes so many times faster at unchanged requests per second: 12 is a day in two hours. */
  readonly compress: number;
  /** How many times the rate of its minute the flash crowd reaches; 1: none. */
  readonly flashFactor: number;
}

/** A day of chat traffic in real shape: a night, a morning and an afternoon of work, an evening, bursts, and one flash crowd. */
export function dayWorkload(options: Partial<DayOptions> = {}): Workload {
  const day: DayOptions = { seed: 1, peakRate: 120, compress: 12, flashFactor: 2.2, ...options };
  const durationSeconds = 86_400 / day.compress;
  const arrivals = arrivalsOf(day, durationSeconds);
  const lengths = new RandomStream(day.seed, 'day/lengths');
  return {
    name: `day of seed ${day.seed}`,
    durationSeconds,
    arrivalMs: Float64Array.from(arrivals),
    promptTokens: Int32Array.from(arrivals, () => lengthOf(lengths, promptLengths)),
    outputTokens: Int32Array.from(arrivals, () => lengthOf(lengths, outputLengths)),
  };
}

/** A bump of the curve: hour of its top, width in hours, height. */
interface Bump {
  readonly hour: number;
  readonly width: number;
  readonly height: number;
}
const bumps: readonly Bump[] = [
  { hour: 10.5, width: 1.8, height: 0.72 },
  { hour: 15, width: 2.2, height: 0.8 },
  { hour: 20.5, width: 1.7, height: 0.42 },
];
const night = 0.12;

/** Share of the peak at an hour of the day, about 0.12 at night and 1 in the afternoon. */
export function diurnalShare(hour: number): number {
  const shares = bumps.map((bump) => bump.height * Math.exp(-(((hour - bump.hour) / bump.width) ** 2) / 2));
  return Math.min(
    1,
    shares.reduce((sum, share) => sum + share, night),
  );
}

/** Hour at which the flash crowd begins; it doubles within a minute and is gone after a quarter of an hour (of the clock, not of the day). */
export const flashHour = 13;
const flashRiseSeconds = 45;
const flashHoldSeconds = 180;
const flashFallSeconds = 240;

/** What the flash crowd multiplies the rate by, so many seconds after it began. */
export function flashMultiple(factor: number, seconds: number): number {
  if (seconds < 0) return 1;
  if (seconds < flashRiseSeconds) return 1 + (factor - 1) * (seconds / flashRiseSeconds);
  const after = seconds - flashRiseSeconds - flashHoldSeconds;
  return after < 0 ? factor : 1 + (factor - 1) * Math.exp(-after / flashFallSeconds);
}

/** Standard deviation of the logarithm of the rate from one moment to the next, and how long it remembers: bursts beyond Poisson. */
const burstSigma = 0.18;
const burstMemorySeconds = 40;

function arrivalsOf(day: DayOptions, durationSeconds: number): readonly number[] {
  const gaps = new RandomStream(day.seed, 'day/arrivals');
  const noise = new RandomStream(day.seed, 'day/bursts');
  const flashAt = (flashHour / 24) * durationSeconds;
  const keep = Math.exp(-1 / burstMemorySeconds);
  const arrivals: number[] = [];
  let burst = 0;
  for (let second = 0; second < durationSeconds; second++) {
    burst = keep * burst + Math.sqrt(1 - keep * keep) * burstSigma * noise.normal();
    const share = diurnalShare((second / durationSeconds) * 24) * flashMultiple(day.flashFactor, second - flashAt);
    const rate = day.peakRate * share * Math.exp(burst - (burstSigma * burstSigma) / 2);
    const end = Math.min(second + 1, durationSeconds);
    for (let at = second + gaps.exponential(1 / rate); at < end; at += gaps.exponential(1 / rate)) {
      arrivals.push(at * 1000);
    }
  }
  return arrivals;
}

interface Lengths {
  readonly median: number;
  readonly sigma: number;
  readonly most: number;
}
/** Logarithms' mean and deviation as in Azure's conversation trace of 2023 (means 1,155 and 211 tokens there). */
const promptLengths: Lengths = { median: 760, sigma: 0.985, most: 14_050 };
const outputLengths: Lengths = { median: 151, sigma: 0.859, most: 1000 };

function lengthOf(stream: RandomStream, { median, sigma, most }: Lengths): number {
  return Math.min(most, Math.max(1, Math.round(stream.lognormal(median, sigma))));
}
