/**
 * `bounded` is what runs: memory that does not grow. `reference` is the same algorithm with sliding windows, regressions rebuilt from their rows
 * and unrounded residuals; the published vectors pin it.
 */
export type Form = 'bounded' | 'reference';

/** Sizes of a forecaster in bins, all from the width of a bin. */
export interface Setup {
  readonly form: Form;
  readonly step: number;
  readonly horizons: readonly number[];
  readonly quantiles: readonly number[];
  /** Bins in a day. */
  readonly day: number;
  readonly fiveMinutes: number;
  readonly tenMinutes: number;
  readonly halfHour: number;
  readonly hour: number;
  /** Half the width over which the season is smoothed. */
  readonly smoothing: number;
  /** Days whose median is the profile. */
  readonly profileDays: number;
  /** Bins in one block of the season's memory. */
  readonly block: number;
  readonly means: readonly number[];
  readonly refit: number;
  readonly train: number;
  /** Bins whose residuals calibrate, of which every `thin`-th is kept. */
  readonly window: number;
  readonly thin: number;
  /** Outcomes before the mix may be trusted. */
  readonly trust: number;
  /** Outcomes before a member has weight. */
  readonly probation: number;
  /** Span of known history from which the seasonal members take over. */
  readonly seasonalFrom: number;
}

export interface SetupInput {
  readonly step: number;
  readonly horizons: readonly number[];
  readonly quantiles: readonly number[];
  readonly form?: Form;
  /** Not more than two days of history will ever be seen: bins of seconds, calibrated on the last minutes. */
  readonly isShort?: boolean;
}

const daySeconds = 86_400;
/** More residuals than this are thinned, to what an object in the API server can hold. */
const mostResiduals = 720;
/** No divisor of an hour or a day: load that keeps to the clock must not meet the same phase each time. */
const thinning = 7;

export function setupOf(input: SetupInput): Setup {
  const { step, horizons, quantiles, form = 'bounded', isShort = false } = input;
  const bins = (seconds: number): number => Math.floor(seconds / step);
  const day = bins(daySeconds);
  const hour = Math.max(4, bins(3600));
  return {
    form,
    step,
    horizons,
    quantiles,
    day,
    fiveMinutes: Math.max(1, bins(300)),
    tenMinutes: Math.max(2, bins(600)),
    halfHour: Math.max(3, bins(1800)),
    hour,
    smoothing: step < 600 ? Math.max(1, Math.floor(bins(600) / 2)) : 1,
    profileDays: 7,
    means: meansOf(step),
    refit: Math.max(6, bins(isShort ? 300 : 6 * 3600)),
    train: Math.max(200, bins(7 * daySeconds)),
    window: isShort ? 120 : Math.max(144, day),
    ...(form === 'reference' ? unbounded : boundsOf({ step, day, hour, isShort })),
  };
}

type Bounds = Pick<Setup, 'block' | 'thin' | 'trust' | 'probation' | 'seasonalFrom'>;
const unbounded: Bounds = { block: 1, thin: 1, trust: 0, probation: 1, seasonalFrom: 0 };

/** What keeps memory bounded, and what must be seen before the pool and its members are trusted; a life of minutes has no time for that. */
function boundsOf(of: {
  readonly step: number;
  readonly day: number;
  readonly hour: number;
  readonly isShort: boolean;
}): Bounds {
  return {
    block: of.step < 180 ? Math.floor(600 / of.step) : 1,
    thin: !of.isShort && of.day > mostResiduals ? thinning : 1,
    trust: of.isShort ? 0 : 3 * of.hour,
    probation: of.isShort ? 1 : 20,
    seasonalFrom: Math.ceil(2.2 * of.day),
  };
}

/** Windows of the rolling means that the regressions see. */
function meansOf(step: number): readonly number[] {
  if (step >= 600) return [3, 6, 18];
  const widths = [120, 300, 900, 3600].map((seconds) => Math.max(2, Math.floor(seconds / step)));
  return [...new Set(widths)].toSorted((a, b) => a - b);
}
